package search

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kubewitness/kubewitness/pkg/correlate"
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
// Rules about several events count where the request asks for them. They see the events that
// it narrows down to, as these were stored, the oldest first, which is then the order of
// what is given.
//
// A hunt reads all events that the rules could fire on, however many: it streams, and ends
// with the context. What hangs on something redacted is not given, but counted by rule. A
// request that cannot be carried out is a [BadRequest].
func (s *Searcher) Hunt(ctx context.Context, p Principal, set *ruleset.Set, r Request, yield func(*Hit, []match.Detection) error) (sum Summary, err error) {
	if set == nil || set.Rules == nil {
		return sum, badf("search: a hunt without rules")
	}
	h, err := newHunt(set, s.cfg.Hostname, r.Stateful)
	if err != nil {
		return sum, err
	}
	q, err := s.query(p, r)
	if err != nil {
		return sum, err
	}
	scan := s.newScan(ctx, q, &sum)
	o := store.Scan{Columns: row.Known, Progress: scan.progress, Forward: h.stateful}
	err = s.bulk(ctx, q.rows(and(q.bounds.upper, ownEvents, s.worthwhile(h.upper))), o, func(rows []store.Row) error {
		judged := h.rows(q, rows)
		for i, r := range rows {
			sum.Scanned++
			scan.last = store.Position{Time: r.Time, ID: r.ID}
			h.correlate(&judged[i])
			if err := judged[i].settle(&sum, yield); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err == nil {
		err = h.end(&sum, yield)
	}
	scan.reached()
	return sum, err
}

// bulk are rows that are kept so that many can be read at a time.
type bulk interface {
	Bulk(ctx context.Context, q store.Query, o store.Scan, yield func([]store.Row) error) error
}

// maxWorthwhile is how large a filter may be so that finding rows by it costs less than to
// read them all, where this is cheap: measured with our own rules.
const maxWorthwhile = 2000

// worthwhile is the filter, if it pays.
func (s *Searcher) worthwhile(f store.Filter) store.Filter {
	if _, ok := s.cfg.Store.(bulk); ok && size(f) > maxWorthwhile {
		return allRows
	}
	return f
}

// bulk reads rows many at a time.
func (s *Searcher) bulk(ctx context.Context, q store.Query, o store.Scan, yield func([]store.Row) error) error {
	if b, ok := s.cfg.Store.(bulk); ok {
		return b.Bulk(ctx, q, o, yield)
	}
	var rows []store.Row
	err := s.cfg.Store.Newest(ctx, q, o, func(r store.Row) error {
		if rows = append(rows, r); len(rows) < huntRows {
			return nil
		}
		full := rows
		rows = nil
		return yield(full)
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	return yield(rows)
}

// huntRows is how many rows are judged side by side.
const huntRows = 256

// hunt is a set of rules ready for stored events.
type hunt struct {
	upper    store.Filter
	run      *correlate.Judge
	stateful bool       // rules about several events are judged
	rules    []huntRule // enabled, about one event
	hostname string
	opt      match.Options // the set's mode

	lock   sync.Mutex
	judges map[string]*judge
	looks  map[string][]*rules.Rule // rules that look where something was redacted, by what was
}

// huntRule is a rule with where it looks.
type huntRule struct {
	*rules.Rule
	reads reads
}

func newHunt(set *ruleset.Set, hostname string, stateful bool) (*hunt, error) {
	run, err := judgeOf(set, hostname, stateful)
	if err != nil {
		return nil, fmt.Errorf("search: hunt: %w", err)
	}
	h := &hunt{run: run, stateful: run.Stateful(), hostname: hostname, judges: map[string]*judge{}, looks: map[string][]*rules.Rule{}}
	uppers := []store.Filter{}
	for _, r := range set.Rules.Rules {
		if r.Enabled && !r.Stateful() { // those take events in their order, and all of them
			h.rules = append(h.rules, huntRule{r, readsOfAll(r.Condition)})
			uppers = append(uppers, boundsOf(r.Condition).upper)
		}
	}
	h.upper = or(uppers...)
	if h.opt.Strict = isStrict(set); h.opt.Strict || h.stateful || size(h.upper) > maxFilter {
		h.upper = allRows // columns have what fields find in the other mode; a clock goes by any event
	}
	return h, nil
}

func judgeOf(set *ruleset.Set, hostname string, stateful bool) (*correlate.Judge, error) {
	if stateful {
		return set.Judge(false, nil, hostname)
	}
	m, err := set.Matcher(false, nil)
	if err != nil {
		return nil, err
	}
	return correlate.NewJudge(m, nil, correlate.Options{Hostname: hostname}), nil
}

// isStrict tells whether the rules are evaluated just as Falco does, faults included.
func isStrict(set *ruleset.Set) bool { return set.Catalogue == field.Falco() }

// judged is what a hunt says of a row.
type judged struct {
	event      *record.Event
	seen       *correlate.Observation
	before     []correlate.Found // what this event made rules say of events before it
	found      []match.Detection // that hang on nothing redacted
	hidden     bool              // the event counts as hidden
	hiddenBy   []string          // rules whose verdict hangs on something redacted
	unreadable bool
	err        error
}

// rows judges rows, side by side.
func (h *hunt) rows(q *query, rows []store.Row) []judged {
	out := make([]judged, len(rows))
	var next atomic.Int64
	var work sync.WaitGroup
	const together = 16
	for range min(runtime.GOMAXPROCS(0), len(rows)/together+1) {
		work.Go(func() {
			for {
				to := int(next.Add(together))
				for i := to - together; i < min(to, len(rows)); i++ {
					out[i] = h.row(q, rows[i])
				}
				if to >= len(rows) {
					return
				}
			}
		})
	}
	work.Wait()
	return out
}

// row judges one row.
func (h *hunt) row(q *query, r store.Row) (out judged) {
	e, err := row.Decode(r)
	if err != nil {
		out.unreadable = true
		return out
	}
	v, err := q.verdict(e)
	if err != nil || v == fails {
		out.err = err
		return out
	}
	id, _ := e.Counts()
	res, seen := h.run.Look(contextOf(e.Event, h.hostname), id)
	if len(res.Faults) > 0 {
		out.err = fmt.Errorf("search: hunt: %w", res.Faults[0].Err)
		return out
	}
	out.found, out.hiddenBy, out.err = h.sure(e, res.Detections)
	if v == unknown { // the request's own condition
		out.hidden = len(out.found) > 0 || len(out.hiddenBy) > 0
		out.found = nil
		return out
	}
	out.event, out.seen, out.hidden = e, seen, len(out.hiddenBy) > 0
	return out
}

// settle counts what was found, and hands it on.
func (j *judged) settle(sum *Summary, yield func(*Hit, []match.Detection) error) error {
	if j.err != nil {
		return j.err
	}
	if j.unreadable {
		sum.Unreadable++
	}
	for _, name := range j.hiddenBy {
		if sum.HiddenBy == nil {
			sum.HiddenBy = map[string]uint64{}
		}
		sum.HiddenBy[name]++
	}
	if j.hidden {
		sum.Hidden++
	}
	if err := settleBefore(j.before, sum, yield); err != nil || len(j.found) == 0 {
		return err
	}
	sum.Hits++
	return yield(hitOf(j.event), j.found)
}

// sure leaves out the detections that hang on something redacted, and gives the rules of
// which there are such, or could be.
func (h *hunt) sure(e *record.Event, found []match.Detection) (sure []match.Detection, unsure []string, err error) {
	if len(e.Redacted) == 0 {
		return found, nil, nil
	}
	for _, r := range h.lookingAt(e.Redacted) {
		j, err := h.judge(r)
		if err != nil {
			return nil, nil, err
		}
		v, err := j.event(e)
		if err != nil {
			return nil, nil, err
		}
		if v == unknown {
			unsure = append(unsure, r.Name)
		}
	}
	for _, d := range found {
		if !slices.Contains(unsure, d.Rule.Name) {
			sure = append(sure, d)
		}
	}
	return sure, unsure, nil
}

// maxLooks bounds the lists of rules that are remembered.
const maxLooks = 4096

// lookingAt gives the rules that look where something was redacted. Most events have the
// same things redacted as many others.
func (h *hunt) lookingAt(redacted []string) []*rules.Rule {
	key := strings.Join(redacted, "\x00")
	h.lock.Lock()
	defer h.lock.Unlock()
	found, known := h.looks[key]
	if known {
		return found
	}
	for _, r := range h.rules {
		if r.reads.touched(redacted) {
			found = append(found, r.Rule)
		}
	}
	if len(h.looks) >= maxLooks {
		clear(h.looks)
	}
	h.looks[key] = found
	return found
}

// judge is the evaluator of one rule, made when it is first needed.
func (h *hunt) judge(r *rules.Rule) (*judge, error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if j, ok := h.judges[r.Name]; ok {
		return j, nil
	}
	j, err := newJudge(r.Condition, h.hostname, h.opt)
	h.judges[r.Name] = j
	return j, err
}
