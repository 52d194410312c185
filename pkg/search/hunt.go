package search

import (
	"context"
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Hunt judges what was kept by a set of rules, as if the events came now, and gives those
// on which rules fire, newest first, with what the enabled rules say of them. The request
// narrows which events are judged; its condition too.
//
// A hunt reads all events that the rules could fire on, however many: it streams, and ends
// with the context. What hangs on something redacted is not given, but counted by rule. A
// request that cannot be carried out is a [BadRequest].
func (s *Searcher) Hunt(ctx context.Context, p Principal, set *ruleset.Set, r Request, yield func(*Hit, []match.Detection) error) (sum Summary, err error) {
	if set == nil || set.Rules == nil {
		return sum, badf("search: a hunt without rules")
	}
	h, err := newHunt(set, s.cfg.Hostname)
	if err != nil {
		return sum, err
	}
	q, err := s.query(p, r)
	if err != nil {
		return sum, err
	}
	upper := and(q.bounds.upper, h.upper)
	scan := s.newScan(ctx, q, &sum)
	err = s.cfg.Store.Newest(ctx, q.rows(upper), store.Scan{Progress: scan.progress}, func(r store.Row) error {
		sum.Scanned++
		scan.last = store.Position{Time: r.Time, ID: r.ID}
		e, err := row.Decode(r)
		if err != nil {
			sum.Unreadable++
			return nil
		}
		return h.event(q, e, &sum, yield)
	})
	scan.reached()
	return sum, err
}

// hunt is a set of rules ready for stored events.
type hunt struct {
	upper    store.Filter
	matcher  *match.Matcher
	rules    []*rules.Rule // enabled
	judges   map[string]*judge
	hostname string
	opt      match.Options // the set's mode
}

func newHunt(set *ruleset.Set, hostname string) (*hunt, error) {
	m, err := set.Matcher(false, nil)
	if err != nil {
		return nil, fmt.Errorf("search: hunt: %w", err)
	}
	h := &hunt{matcher: m, hostname: hostname, judges: map[string]*judge{}}
	uppers := []store.Filter{}
	for _, r := range set.Rules.Rules {
		if r.Enabled && !r.Stateful() { // those take events in their order, and all of them
			h.rules = append(h.rules, r)
			uppers = append(uppers, boundsOf(r.Condition).upper)
		}
	}
	h.upper = or(uppers...)
	if h.opt.Strict = isStrict(set); h.opt.Strict || size(h.upper) > maxFilter {
		h.upper = allRows // columns have what fields find in the other mode
	}
	return h, nil
}

// isStrict tells whether the rules are evaluated just as Falco does, faults included.
func isStrict(set *ruleset.Set) bool { return set.Catalogue == field.Falco() }

// event judges one event.
func (h *hunt) event(q *query, e *record.Event, sum *Summary, yield func(*Hit, []match.Detection) error) error {
	v, err := q.verdict(e)
	if err != nil || v == fails {
		return err
	}
	res := h.matcher.Match(contextOf(e.Event, h.hostname))
	if len(res.Faults) > 0 {
		return fmt.Errorf("search: hunt: %w", res.Faults[0].Err)
	}
	found, hidden, err := h.sure(e, res.Detections, sum)
	if err != nil {
		return err
	}
	if v == unknown { // the request's own condition
		if len(found) > 0 || hidden {
			sum.Hidden++
		}
		return nil
	}
	if hidden {
		sum.Hidden++
	}
	if len(found) == 0 {
		return nil
	}
	sum.Hits++
	return yield(hitOf(e), found)
}

// sure leaves out the detections that hang on something redacted, and tells whether there
// are such, or could be.
func (h *hunt) sure(e *record.Event, found []match.Detection, sum *Summary) (sure []match.Detection, hidden bool, err error) {
	if len(e.Redacted) == 0 {
		return found, false, nil
	}
	unsure := map[string]bool{}
	for _, r := range h.rules {
		if !looksAt(r.Condition, e.Redacted) {
			continue
		}
		j, err := h.judge(r)
		if err != nil {
			return nil, false, err
		}
		v, err := j.event(e)
		if err != nil {
			return nil, false, err
		}
		if v == unknown {
			unsure[r.Name] = true
			if sum.HiddenBy == nil {
				sum.HiddenBy = map[string]uint64{}
			}
			sum.HiddenBy[r.Name]++
		}
	}
	for _, d := range found {
		if !unsure[d.Rule.Name] {
			sure = append(sure, d)
		}
	}
	return sure, len(unsure) > 0, nil
}

// judge is the evaluator of one rule, made when it is first needed.
func (h *hunt) judge(r *rules.Rule) (*judge, error) {
	if j, ok := h.judges[r.Name]; ok {
		return j, nil
	}
	j, err := newJudge(r.Condition, h.hostname, h.opt)
	h.judges[r.Name] = j
	return j, err
}
