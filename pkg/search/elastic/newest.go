package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// How many documents are asked for at once: few at first, since most ask for a page, then
// as many as are about pageBytes.
const (
	firstPage = 64
	mostPage  = 1000
	leastPage = 8 // of these each can be as large as an event gets
	pageBytes = 8 << 20
)

// ours finds the documents that rows are made of.
var ours query = exists{idField}

func (q span) dsl() any {
	millis := func(nanos int64) int64 { return time.Unix(0, nanos).UnixMilli() }
	filed, at := object{}, object{"format": "epoch_millis"} // the latter lets the server pass over indices of other times
	if q.least != math.MinInt64 {
		filed["gte"], at["gte"] = q.least, millis(q.least)
	}
	if q.most != math.MaxInt64 {
		filed["lte"], at["lte"] = q.most, millis(q.most)
	}
	return object{"bool": object{"filter": []object{{"range": object{timeField: at}}, {"range": object{filedField: filed}}}}}
}

// timeOf finds what was filed within the time of a query.
func timeOf(q store.Query) query {
	in := span{math.MinInt64, math.MaxInt64}
	if !q.From.IsZero() {
		in.least = nanos(q.From)
	}
	if !q.To.IsZero() {
		if in.most = nanos(q.To); in.most == math.MinInt64 {
			return noDocs{}
		} else if in.most < math.MaxInt64 {
			in.most--
		}
	}
	switch {
	case in.least > in.most:
		return noDocs{}
	case in == span{math.MinInt64, math.MaxInt64}:
		return allDocs{}
	}
	return in
}

// nanos is a time in nanoseconds since 1970; what is too far away is as far as can be.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// planned calls f with the bounds of a query's filter, all within its time; and again with
// bounds that ask for less, when the server refuses them.
func (r *Rows) planned(q store.Query, f func(bounds) error) error {
	for e := inFull; ; e++ {
		p := planner{kinds: r.cfg.Kind, effort: e}
		err := f(p.plan(q.Filter).with(allOf(ours, timeOf(q))))
		var refused *elasticsearch.Refused
		if e == noFilter || !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
			return err
		}
	}
}

// Newest hands the rows that a query selects to yield, the newest first, of one time
// the one with the higher ID first, or the other way round where o asks for it. An error of yield ends it and is returned, except
// [store.ErrStop], which ends it without one. A row that cannot be made of its document is
// handed on as a lost one.
func (r *Rows) Newest(ctx context.Context, q store.Query, o store.Scan, yield func(store.Row) error) error {
	selects, err := selectionOf(q.Filter)
	if err != nil {
		return err
	}
	var stopped error // by yield, whose errors are none of the server's
	taken := func(row store.Row) error {
		stopped = yield(row)
		return stopped
	}
	n := scan{selects: selects, q: q, o: o, yield: taken, after: o.After}
	err = r.with(ctx, func(s *session) error {
		return r.planned(q, func(b bounds) error {
			if stopped != nil {
				return stopped
			}
			return n.run(ctx, s, b.upper)
		})
	})
	if errors.Is(err, store.ErrStop) {
		return nil
	}
	return err
}

// scan reads documents in their order.
type scan struct {
	selects selection
	q       store.Query
	o       store.Scan
	yield   func(store.Row) error
	after   store.Position // only documents behind it
	size    int            // of the next page
}

func (n *scan) run(ctx context.Context, s *session, find query) error {
	if find == (query(noDocs{})) {
		return nil
	}
	n.size = firstPage
	text := encode(find)
	for {
		a, err := n.page(ctx, s, text)
		if err != nil {
			return err
		}
		if err := n.give(ctx, a.Hits.Hits); err != nil {
			return err
		}
		if len(a.Hits.Hits) < n.size {
			n.progress(n.end())
			return nil
		}
		n.progress(n.after.Time)
		n.size = nextPage(n.size, a.Hits.Hits)
	}
}

// page asks for the documents behind the last one. Without a whole answer, which is also
// what becomes of one that is too large, fewer are asked for.
func (n *scan) page(ctx context.Context, s *session, find json.RawMessage) (*answer, error) {
	for {
		req := request{Query: find, Size: n.size, Source: sourceFields, Oldest: n.o.Forward}
		if n.after != (store.Position{}) {
			req.After = []any{nanos(n.after.Time), n.after.ID}
		}
		a, err := s.search(ctx, req)
		var failed *elasticsearch.Unavailable
		if n.size <= leastPage || ctx.Err() != nil || !errors.As(err, &failed) || failed.Status != 0 {
			return a, err
		}
		n.size = leastPage
	}
}

// nextPage is how many documents of the size of these are a page.
func nextPage(size int, hits []hit) int {
	bytes := 1
	for _, h := range hits {
		bytes += len(h.Source)
	}
	return max(1, min(pageBytes*len(hits)/bytes, 4*size, mostPage))
}

// give hands on the rows of documents that the filter selects. What cannot be read cannot
// be held against it either.
func (n *scan) give(ctx context.Context, hits []hit) error {
	for i := range hits {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := hits[i].place()
		if n.after != (store.Position{}) && n.after.ID == at.ID && n.after.Time.Equal(at.Time) {
			continue // indexed twice
		}
		n.after = at
		r := rowOf(&hits[i])
		hits[i].Source = nil
		if !r.Lost && !n.selects(&r) {
			continue
		}
		pick(&r, &n.o)
		if err := n.yield(r); err != nil {
			return err
		}
	}
	return nil
}

// end is where it ends; of one that goes forward it may not be known, which is the zero time.
func (n *scan) end() time.Time {
	if n.o.Forward {
		return n.q.To
	}
	return time.Unix(0, max(nanos(n.q.From), 0)).UTC()
}

func (n *scan) progress(reached time.Time) {
	if n.o.Progress != nil {
		n.o.Progress(store.Progress{Reached: reached, Oldest: n.end()})
	}
}

// rest hands on the rows that are selected and not surely found by a query of their own.
func (r *Rows) rest(ctx context.Context, s *session, b bounds, q store.Query, yield func(store.Row) error) error {
	selects, err := selectionOf(q.Filter)
	if err != nil {
		return err
	}
	n := scan{selects: selects, q: q, yield: func(r store.Row) error {
		if r.Lost {
			return fmt.Errorf("elasticsearch: the document %.100s has no event.original that can be read, so nobody can tell whether it counts; "+
				"narrow the time or the search to one without it", r.ID)
		}
		return yield(r)
	}}
	return n.run(ctx, s, b.residual())
}
