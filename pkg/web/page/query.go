package page

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// query is what the address of the first page asks for. Its parameters are named
// as those of the HTTP API.
type query struct {
	Condition string
	Text      string
	Since     string // one of spans, "range" for From and To, or "" for the shortest span that has something
	From, To  time.Time
	Clusters  []string
	Rules     []string
	Priority  string
	Show      string // "detections", "events", or "" for events where a condition or a text is asked for
	Each      bool   // repeats are not folded
	After     string
}

// span is a time range that ends now.
type span struct {
	Name string // in addresses
	Text string // for people
	Long time.Duration
}

const (
	day      = 24 * time.Hour
	fromTo   = "range"
	allTime  = "all"
	noBounds = time.Duration(0)
)

var spans = []span{
	{"1h", "the last hour", time.Hour},
	{"24h", "the last 24 hours", day},
	{"7d", "the last 7 days", 7 * day},
	{"30d", "the last 30 days", 30 * day},
	{allTime, "all time", noBounds},
}

func spanOf(name string) (span, bool) {
	i := slices.IndexFunc(spans, func(s span) bool { return s.Name == name })
	if i < 0 {
		return span{}, false
	}
	return spans[i], true
}

// parseQuery reads the parameters of an address. With an error comes what could
// be read.
func parseQuery(v url.Values) (q query, err error) {
	q = query{
		Condition: strings.TrimSpace(v.Get("q")), Text: v.Get("text"), Since: v.Get("since"),
		Clusters: filled(v["cluster"]), Rules: filled(v["rule"]), Priority: strings.ToLower(v.Get("priority")),
		Show: v.Get("show"), Each: v.Get("each") == "true", After: v.Get("after"),
	}
	var errs []error
	for name, values := range v {
		if slices.ContainsFunc(values, func(s string) bool { return !utf8.ValidString(s) }) {
			errs = append(errs, fmt.Errorf("%s is no valid UTF-8", onOneLine(name)))
		}
	}
	q.From, err = parseTime(v.Get("from"))
	errs = append(errs, wrap("from", err))
	q.To, err = parseTime(v.Get("to"))
	errs = append(errs, wrap("to", err), q.settleTime(), q.check())
	return q, errors.Join(errs...)
}

// settleTime decides between a span and from-to.
func (q *query) settleTime() error {
	if q.Since == "" && (!q.From.IsZero() || !q.To.IsZero()) {
		q.Since = fromTo
	}
	if q.Since != fromTo {
		q.From, q.To = time.Time{}, time.Time{}
	}
	if _, ok := spanOf(q.Since); !ok && q.Since != "" && q.Since != fromTo {
		q.Since = ""
		return errors.New("since is none of 1h, 24h, 7d, 30d, all and range")
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return errors.New("from is not before to")
	}
	return nil
}

func (q *query) check() error {
	if len(q.Text) > maxText {
		return fmt.Errorf("text has %d bytes, %d are allowed; a part of it finds the same events", len(q.Text), maxText)
	}
	if q.Priority != "" {
		if _, err := rules.ParsePriority(q.Priority); err != nil {
			q.Priority = ""
			return errors.New("priority is none of emergency, alert, critical, error, warning, notice, informational and debug")
		}
	}
	if q.Show != "" && q.Show != "detections" && q.Show != "events" {
		q.Show = ""
		return errors.New("show is neither detections nor events")
	}
	return nil
}

// filled leaves out empty values, which forms send for what was not chosen.
func filled(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
}

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// timeLayouts are what browsers send for a time, what the API takes, and a date.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04", "2006-01-02T15:04:05.999999999", time.DateOnly}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 && t.Year() < 10000 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("not a time; write it as 2006-01-02T15:04:05, in UTC")
}

// values are the parameters of an address that asks for q.
func (q query) values() url.Values {
	v := url.Values{}
	for name, s := range map[string]string{"q": q.Condition, "text": q.Text, "since": q.Since, "priority": q.Priority, "show": q.Show, "after": q.After} {
		if s != "" {
			v.Set(name, s)
		}
	}
	if q.Since == fromTo {
		v.Del("since") // from and to say it
	}
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if len(q.Clusters) > 0 {
		v["cluster"] = q.Clusters
	}
	if len(q.Rules) > 0 {
		v["rule"] = q.Rules
	}
	if q.Each {
		v.Set("each", "true")
	}
	return v
}

// link is the address of q.
func (q query) link() string {
	if v := q.values().Encode(); v != "" {
		return "/?" + v
	}
	return "/"
}

// with is a changed copy, from its first page on.
func (q query) with(change func(*query)) query {
	q.Clusters, q.Rules = slices.Clone(q.Clusters), slices.Clone(q.Rules)
	q.After = ""
	change(&q)
	return q
}

// detections reports whether only events are wanted on which a rule fired.
func (q query) detections() bool {
	return q.Show == "detections" || q.Show == "" && q.Condition == "" && q.Text == ""
}

// during sets a time range.
func during(from, to time.Time) func(*query) {
	return func(q *query) { q.Since, q.From, q.To = fromTo, from, to }
}

// spanning sets a time range by its name.
func (q *query) spanning(name string) { q.Since, q.From, q.To = name, time.Time{}, time.Time{} }

// and adds a clause to the condition.
func and(clause string) func(*query) {
	return func(q *query) {
		if q.Show == "" && q.detections() {
			q.Show = "detections" // a condition would turn to all events
		}
		q.Condition = joined(q.Condition, clause)
	}
}

func joined(cond, clause string) string {
	if cond == "" || cond == clause {
		return clause
	}
	if e, err := condition.Parse(cond); err == nil {
		switch e := e.(type) {
		case *condition.Or:
			cond = "(" + cond + ")"
		case *condition.And:
			if slices.ContainsFunc(e.Terms, func(t condition.Expr) bool { return t.String() == clause }) {
				return cond
			}
		}
	}
	return cond + " and " + clause
}

// equals is the clause that a field has a value, whatever is in it. Conditions
// compare texts up to the first NUL, and cannot hold one.
func equals(field, text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	return (&condition.Check{Left: &condition.Field{Name: field}, Op: condition.Eq, Values: []condition.Literal{{Text: text}}}).String()
}

// maxText is the longest text to look for, in bytes.
const maxText = 1 << 10

// linkBytes is the longest value that links ask for; addresses have their limits.
const linkBytes = 1 << 10

// askable reports whether links can ask for a value; conditions cannot hold a NUL.
func askable(value string) bool {
	return value != "" && len(value) <= linkBytes && !strings.Contains(value, "\x00")
}

// request is the search that q asks for, with the spans ending at now.
func (q query) request(now time.Time) search.Request {
	r := search.Request{
		Condition: q.Condition, Text: q.Text, From: q.From, To: q.To,
		Clusters: q.Clusters, Rules: q.Rules, Detections: q.detections(),
	}
	if s, ok := spanOf(q.Since); ok && s.Long != noBounds {
		r.From = now.Add(-s.Long)
	}
	if p, err := rules.ParsePriority(q.Priority); err == nil && q.Priority != "" {
		r.Priority = &p
	}
	return r
}

// TimeText names the time range.
func (q query) TimeText() string {
	if s, ok := spanOf(q.Since); ok {
		if s.Long == noBounds {
			return "over " + s.Text
		}
		return "in " + s.Text
	}
	const layout = "2006-01-02 15:04:05"
	switch {
	case !q.From.IsZero() && !q.To.IsZero():
		return "from " + q.From.Format(layout) + " to " + q.To.Format(layout) + " UTC"
	case !q.From.IsZero():
		return "since " + q.From.Format(layout) + " UTC"
	case !q.To.IsZero():
		return "before " + q.To.Format(layout) + " UTC"
	}
	return "over all time"
}
