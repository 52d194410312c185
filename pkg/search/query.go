package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// query is a request on behalf of a principal, ready to be asked of the store and of
// events.
type query struct {
	scope  Scope
	req    Request
	judge  *judge
	frame  store.Filter // the scope and the further conditions of the request
	bounds bounds       // the frame within
}

// query prepares a request. The error is a [BadRequest].
func (s *Searcher) query(p Principal, r Request) (*query, error) {
	e, err := parse(r.Condition, s.terms())
	if err != nil {
		return nil, err
	}
	return s.queryOf(p, r, e, boundsOf(e))
}

// queryOf is query for a condition that was read before.
func (s *Searcher) queryOf(p Principal, r Request, e condition.Expr, b bounds) (*query, error) {
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return nil, badf("search: the time asked for ends at %s, before it begins at %s",
			r.To.UTC().Format(time.RFC3339), r.From.UTC().Format(time.RFC3339))
	}
	j, err := newJudge(e, s.cfg.Hostname, match.Options{})
	if err != nil {
		return nil, err
	}
	frame := and(scopeFilter(p.Scope), requestFilter(&r))
	return &query{scope: p.Scope, req: r, judge: j, frame: frame, bounds: allOf(exactly(frame), b, textFilter(r.Text))}, nil
}

// ruleset is the set of rules in force; nil for none.
func (s *Searcher) ruleset() *ruleset.Set {
	if s.cfg.Rules == nil {
		return nil
	}
	if set := s.cfg.Rules(); set != nil && set.Rules != nil {
		return set
	}
	return nil
}

// terms are the rules whose macros and lists a condition can use; nil for none.
func (s *Searcher) terms() *rules.Ruleset {
	if set := s.ruleset(); set != nil {
		return set.Rules
	}
	return nil
}

// rows is a query of the store within the time of the request.
func (q *query) rows(f store.Filter) store.Query {
	return store.Query{Filter: f, From: q.req.From, To: q.req.To}
}

// residual selects the rows that only judging can tell of.
func (q *query) residual() store.Filter { return and(q.bounds.upper, not(q.bounds.lower)) }

// scopeFilter selects what a scope lets see.
func scopeFilter(s Scope) store.Filter {
	if s.All {
		return allRows
	}
	var f store.Filter = allRows
	if !slices.Contains(s.Clusters, AnyCluster) {
		f = oneOf(clusterColumn, s.Clusters)
	}
	if len(s.Namespaces) == 0 {
		return f
	}
	return and(f, oneOf(namespaceColumn, s.Namespaces))
}

// Columns that a scope is about.
const (
	clusterColumn   = "cluster" // the store's own
	namespaceColumn = "ka.target.namespace"
)

func oneOf(column string, values []string) store.Filter {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	if len(values) == 0 {
		return noRows
	}
	return store.Equal{Column: column, Values: values}
}

// sees tells whether an event lies in the scope. A namespace is what conditions take for
// one; what belongs to none is outside of a scope of namespaces.
func (s Scope) sees(e *audit.Event) bool {
	if s.All {
		return true
	}
	if any := slices.Contains(s.Clusters, AnyCluster); !any && (e.Cluster == "" || !slices.Contains(s.Clusters, e.Cluster)) {
		return false
	}
	if len(s.Namespaces) == 0 {
		return true
	}
	root := e.Root()
	namespace := root.Path("objectRef", "namespace")
	if !namespace.Exists() || !root.Get("auditID").Exists() {
		return false
	}
	name := operator.CutNUL(namespace.Text())
	return name != "" && slices.Contains(s.Namespaces, name)
}

// requestFilter selects what the further conditions of a request do.
func requestFilter(r *Request) store.Filter {
	terms := store.And{}
	if len(r.Clusters) > 0 {
		terms = append(terms, oneOf(clusterColumn, r.Clusters))
	}
	if len(r.Rules) > 0 {
		fired := make(store.Or, len(r.Rules))
		for i, name := range r.Rules {
			fired[i] = element(row.Rules, string(row.AppendText(nil, name))).upper
		}
		terms = append(terms, or(fired...))
	}
	if r.Detections {
		terms = append(terms, store.Exists{Column: row.Rules})
	}
	if !r.ofDetections() {
		terms = append(terms, ownEvents)
	}
	if r.Priority != nil {
		var words []string
		for p := rules.Emergency; p <= *r.Priority && p <= rules.Debug; p++ {
			words = append(words, strings.ToLower(p.String()))
		}
		terms = append(terms, store.Equal{Column: row.Priority, Values: words})
	}
	return and(terms...)
}

// ownEvents leaves out what several events have told together.
var ownEvents = not(store.Equal{Column: row.Source, Values: []string{record.SourceCorrelate}})

// ofDetections tells whether detections are asked for, and with them what several events
// have told together, which is no event by itself.
func (r *Request) ofDetections() bool { return len(r.Rules) > 0 || r.Detections || r.Priority != nil }

// textFilter are the bounds of a free text. Of the rows kept beside the store nothing is
// known before they are read.
func textFilter(text string) bounds {
	if text == "" {
		return always()
	}
	inside := store.Raw{Text: text, AnyCase: true}
	if part := longestASCII(text); part != text {
		if part == "" {
			return within(allRows)
		}
		return within(or(store.Raw{Text: part, AnyCase: true}, store.Beside{}))
	}
	return bounds{upper: or(inside, store.Beside{}), lower: inside}
}

// longestASCII is the longest piece of a text that has characters of ASCII only.
func longestASCII(text string) string {
	longest := ""
	for begin, i := 0, 0; i <= len(text); i++ {
		if i < len(text) && text[i] < 0x80 {
			continue
		}
		if i-begin > len(longest) {
			longest = text[begin:i]
		}
		begin = i + 1
	}
	return longest
}

// admits tells whether an event lies in the scope and meets all of the request but the
// condition.
func (q *query) admits(e *record.Event) bool {
	r, at := &q.req, e.Filed()
	switch {
	case !q.scope.sees(e.Event):
	case len(r.Clusters) > 0 && !slices.Contains(r.Clusters, e.Event.Cluster):
	case !r.From.IsZero() && at.Before(r.From), !r.To.IsZero() && !at.Before(r.To):
	case e.Derived() && !r.ofDetections():
	case r.Detections && len(e.Detections) == 0:
	case len(r.Rules) > 0 && !fired(e, func(d *rules.Rule) bool { return slices.Contains(r.Rules, d.Name) }):
	case r.Priority != nil && !fired(e, func(d *rules.Rule) bool { return d.Priority <= *r.Priority }):
	case r.Text != "" && !operator.ContainsFold(string(e.Event.Raw), r.Text):
	default:
		return true
	}
	return false
}

func fired(e *record.Event, is func(*rules.Rule) bool) bool {
	for i := range e.Detections {
		if is(e.Detections[i].Rule) {
			return true
		}
	}
	return false
}

// verdict judges an event that came from the store.
func (q *query) verdict(e *record.Event) (verdict, error) {
	if !q.admits(e) {
		return fails, nil
	}
	return q.judge.event(e)
}

// hitOf is an event as it is given.
func hitOf(e *record.Event) *Hit {
	return &Hit{ID: row.ID(e.ID), Event: e, Answer: e.Event.Answer()}
}

// tooMany is the sentence for searches that had to stop.
func tooMany(n uint64) string {
	return fmt.Sprintf("%d events had to be read one by one, which is as many as one call may; "+
		"go on from there, or narrow the time, or ask for fields that are searched directly", n)
}
