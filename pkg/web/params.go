package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/typo"
)

const (
	maxValue  = 64 << 10 // bytes of one value of a parameter
	maxValues = 200      // of one parameter
)

// params are the parameters of a query. It keeps the first problem with them, which
// done gives; what is read after it has no meaning. A parameter that nothing has read is
// a problem. An empty value is none, as forms send them.
type params struct {
	values url.Values
	known  []string // read so far
	err    *api.Problem
}

// params reads the query of the request.
func (c *call) params() *params { return parseParams(c.r.URL.RawQuery) }

func parseParams(query string) *params {
	p := &params{}
	values, err := url.ParseQuery(query)
	if err != nil {
		p.fail("", "the query cannot be read: write %%, &, ; and + in values as %%25, %%26, %%3B and %%2B")
		return p
	}
	p.values = values
	return p
}

// fail keeps a problem with a parameter, if it is the first.
func (p *params) fail(name, format string, args ...any) {
	if p.err == nil {
		p.err = problem(api.ProblemParameter, fmt.Sprintf(format, args...))
		p.err.Parameter = name
	}
}

// none says that there is no other parameter than those that were read, and what is wrong
// with these.
func (p *params) none() error {
	if p.err == nil {
		p.unknown()
	}
	if p.err != nil {
		return p.err
	}
	return nil
}

// unknown looks for parameters that nobody read.
func (p *params) unknown() {
	var names []string
	for name := range p.values {
		if !slices.Contains(p.known, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	name := names[0]
	near := nearest(name, p.known)
	switch {
	case near != "":
		p.fail(clip(name), "there is no parameter %q here; did you mean %s?", clip(name), near)
		p.err.Near = near
	case len(p.known) == 0:
		p.fail(clip(name), "there is no parameter %q here; there are none", clip(name))
	default:
		p.fail(clip(name), "there is no parameter %q here; there are %s", clip(name), strings.Join(p.known, ", "))
	}
}

// list gives all values of a parameter that may be there more than once.
func (p *params) list(name string) (values []string) {
	p.known = append(p.known, name)
	for _, v := range p.values[name] {
		switch {
		case len(v) > maxValue:
			p.fail(name, "%s is longer than %d bytes", name, maxValue)
		case !utf8.ValidString(v):
			p.fail(name, "%s is no UTF-8 text", name)
		case v != "":
			values = append(values, v)
		}
	}
	if len(values) > maxValues {
		p.fail(name, "%s is there more than %d times", name, maxValues)
	}
	return values
}

// text gives the value of a parameter, "" without one.
func (p *params) text(name string) string {
	values := p.list(name)
	if len(p.values[name]) > 1 {
		p.fail(name, "%s is there %d times; give it once", name, len(p.values[name]))
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// need is text that must be there.
func (p *params) need(name string) string {
	v := p.text(name)
	if v == "" {
		p.fail(name, "%s is missing", name)
	}
	return v
}

// time gives a time of RFC 3339, the zero time without one.
func (p *params) time(name string) time.Time {
	v := p.text(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		// In a query + is a space.
		if t, err = time.Parse(time.RFC3339Nano, strings.Replace(v, " ", "+", 1)); err != nil {
			p.fail(name, "%s: %q is no time; write one such as 2026-01-31T15:04:05Z", name, clip(v))
		}
	}
	// Beyond these years nanoseconds since 1970 do not fit into 64 bits.
	if err == nil && (t.Year() < 1970 || t.Year() > 2261) {
		p.fail(name, "%s: the year %d is out of bounds; there are 1970 to 2261", name, t.Year())
	}
	return t.UTC()
}

// duration gives a duration above 0, or 0 without one.
func (p *params) duration(name string) time.Duration {
	v := p.text(name)
	if v == "" {
		return 0
	}
	d, ok := parseDuration(v)
	if !ok || d <= 0 {
		p.fail(name, "%s: %q is no duration; write one such as 30m, 24h, 7d or 1d12h", name, clip(v))
	}
	return d
}

// number gives a whole number from least to most, or without one what is usual.
func (p *params) number(name string, usual, least, most int) int {
	v := p.text(name)
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		p.fail(name, "%s: %q is no whole number from %d to %d", name, clip(v), least, most)
	}
	return n
}

// truth gives true or false; without one false.
func (p *params) truth(name string) bool {
	v := p.text(name)
	switch v {
	case "", "false":
	case "true":
		return true
	default:
		p.fail(name, "%s: %q is neither true nor false", name, clip(v))
	}
	return false
}

// parseDuration reads a duration of Go, where d may stand for days of 24 hours and w for
// weeks, in front.
func parseDuration(s string) (d time.Duration, ok bool) {
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		before, after, found := strings.Cut(s, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(before, 10, 16)
		if err != nil {
			return 0, false
		}
		d += time.Duration(n) * unit.length
		s = after
		if s == "" {
			return d, true
		}
	}
	rest, err := time.ParseDuration(s)
	if err != nil || rest < 0 || d+rest < d {
		return 0, false
	}
	return d + rest, true
}

// nearest gives the name that is most like another, "" if none is.
func nearest(name string, among []string) string {
	const longest = 64 // no name of ours is nearly as long
	if i := typo.Nearest(strings.ToLower(name), among, longest); i >= 0 {
		return among[i]
	}
	return ""
}
