package search

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/odd"
	"github.com/kubewitness/kubewitness/test/rulegen"
)

// oracle says what is right: it judges every event, clause by clause where something was
// redacted.
type oracle struct {
	tree   condition.Expr
	whole  *match.Plain
	checks map[*condition.Check]*match.Plain
}

func newOracle(t testing.TB, tree condition.Expr) *oracle {
	t.Helper()
	o := &oracle{tree: tree, checks: map[*condition.Check]*match.Plain{}}
	var err error
	o.whole, err = plain(tree, match.Options{})
	require.NoError(t, err)
	return o
}

func (o *oracle) verdict(t testing.TB, e *record.Event) verdict {
	if len(e.Redacted) > 0 {
		return o.walk(t, o.tree, e)
	}
	if firing(o.whole, e) {
		return holds
	}
	return fails
}

// walk is the logic of three values.
func (o *oracle) walk(t testing.TB, x condition.Expr, e *record.Event) verdict {
	switch x := x.(type) {
	case *condition.Check:
		r := readsOf(x)
		if r.touched(e.Redacted) {
			return unknown
		}
		if o.checks[x] == nil {
			m, err := plain(x, match.Options{})
			require.NoError(t, err)
			o.checks[x] = m
		}
		if firing(o.checks[x], e) {
			return holds
		}
		return fails
	case *condition.Not:
		return map[verdict]verdict{fails: holds, holds: fails, unknown: unknown}[o.walk(t, x.X, e)]
	case *condition.And:
		return o.terms(t, x.Terms, e, fails, holds)
	}
	return o.terms(t, x.(*condition.Or).Terms, e, holds, fails)
}

func (o *oracle) terms(t testing.TB, terms []condition.Expr, e *record.Event, decides, otherwise verdict) verdict {
	all := otherwise
	for _, x := range terms {
		switch o.walk(t, x, e) {
		case decides:
			return decides
		case unknown:
			all = unknown
		}
	}
	return all
}

// conditions are what the oracle is asked about: random ones, such as only carrying over
// can get wrong, and those of our own rules.
func conditions(t testing.TB, f *fixture) (all []condition.Expr) {
	t.Helper()
	var events []*audit.Event
	for _, e := range f.events {
		events = append(events, e.Event)
	}
	r := rulegen.NewRandom(11, events)
	for _, rule := range r.Rules(120).Rules {
		all = append(all, rule.Condition)
	}
	all = append(all, odd.Conditions(7, 180)...)
	for _, rule := range f.set.Rules.Rules {
		if !rule.ReadsSeen { // what one event does not tell is refused
			all = append(all, rule.Condition)
		}
	}
	return all
}

// TestSearchAgreesWithThePlainEvaluator: every way to ask gives just what the evaluator
// says of the events as they are stored, and the filters enclose that.
func TestSearchAgreesWithThePlainEvaluator(t *testing.T) {
	f := stored(t)
	s := f.searcher()
	scoped := Principal{Scope: Scope{Clusters: []string{"prod", "edge"}, Namespaces: []string{"default", "kube-system", "team-a"}}}
	some, hidden, exact := 0, uint64(0), 0
	share := 4 // of all that make integration asks
	switch {
	case underRace:
		share = 13
	case os.Getenv(corpora.EnvIntegration) == "1":
		share = 1
	}
	for i, tree := range conditions(t, f) {
		if i%share != 0 {
			continue
		}
		text := tree.String()
		b := boundsOf(tree)
		o := newOracle(t, tree)
		verdicts := make([]verdict, len(f.events))
		for k, e := range f.events {
			verdicts[k] = o.verdict(t, e)
		}
		enclosed(t, f, b, verdicts, text)
		for k, p := range []Principal{{Scope: Everything}, scoped} {
			if k == 1 && i%3 != 0 {
				continue
			}
			found, h := asked(t, f, s, p, text, verdicts, i)
			some += min(found, 1)
			hidden += h
		}
		if b.exact {
			exact++
		}
		if t.Failed() {
			return
		}
	}
	assert.Greater(t, some, 150/share, "conditions must hold now and then, or nothing is tested")
	assert.Greater(t, hidden, uint64(100/share), "something must be hidden now and then")
	t.Logf("%d searches with answers, %d events hidden, %d conditions exact", some, hidden, exact)
}

// enclosed holds both filters against the verdicts.
func enclosed(t *testing.T, f *fixture, b bounds, verdicts []verdict, text string) {
	t.Helper()
	upper, lower := ids(t, f, b.upper), ids(t, f, b.lower)
	for i, v := range verdicts {
		id := f.rows[i].ID
		require.False(t, v != fails && !upper[id], "upper must select event %s of %s\n%s\n%s", f.events[i].Event.Raw, text, FilterText(b.upper), f.rows[i].Columns)
		require.False(t, v != holds && lower[id], "lower must not select event %s of %s\n%s\n%s", f.events[i].Event.Raw, text, FilterText(b.lower), f.rows[i].Columns)
	}
}

func ids(t *testing.T, f *fixture, filter store.Filter) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	require.NoError(t, f.store.Newest(t.Context(), store.Query{Filter: filter}, store.Scan{NoRaw: true, Columns: []string{}}, func(r store.Row) error {
		found[r.ID] = true
		return nil
	}), FilterText(filter))
	return found
}

// asked holds Search and Count against the verdicts.
func asked(t *testing.T, f *fixture, s *Searcher, p Principal, text string, verdicts []verdict, i int) (found int, hidden uint64) {
	t.Helper()
	var want []string
	for k, v := range verdicts {
		switch {
		case !p.Scope.sees(f.events[k].Event):
		case v == holds:
			want = append(want, f.rows[k].ID)
		case v == unknown:
			hidden++
		}
	}
	var got []string
	sum, err := s.Search(t.Context(), p, Request{Condition: text}, Page{Limit: len(f.rows) + 1}, func(h *Hit) error {
		got = append(got, h.ID)
		return nil
	})
	require.NoError(t, err, text)
	require.Equal(t, want, got, text)
	require.Equal(t, hidden, sum.Hidden, text)
	n, sum, err := s.Count(t.Context(), p, Request{Condition: text})
	require.NoError(t, err, text)
	require.EqualValues(t, len(want), n, text)
	require.Equal(t, hidden, sum.Hidden, text)
	if i%30 == 0 {
		countedAlike(t, f, s, p, text, want)
	}
	return len(want), hidden
}
