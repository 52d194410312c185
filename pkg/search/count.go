package search

import (
	"context"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Count counts the events that the request asks for. A request that cannot be carried
// out is a [BadRequest].
func (s *Searcher) Count(ctx context.Context, p Principal, r Request) (n uint64, sum Summary, err error) {
	q, err := s.query(p, r)
	if err != nil {
		return 0, sum, err
	}
	if !isNone(q.bounds.lower) {
		if n, err = s.cfg.Store.Count(ctx, q.rows(q.bounds.lower)); err != nil {
			return 0, sum, err
		}
	}
	err = s.judgeRest(ctx, q, &sum, func(store.Row, *record.Event) error {
		n++
		return nil
	})
	return n, sum, err
}

// judgeRest hands on the rows that only judging can tell of, and for which the request
// holds.
func (s *Searcher) judgeRest(ctx context.Context, q *query, sum *Summary, take func(store.Row, *record.Event) error) error {
	scan := s.newScan(ctx, q, sum)
	if q.bounds.exact {
		scan.reached()
		return nil
	}
	return scan.run(ctx, q.residual(), false, take)
}

// Histogram counts the events that the request asks for by time, in steps since 1970 UTC;
// steps without events are left out, the oldest comes first. A request that cannot be
// carried out is a [BadRequest].
func (s *Searcher) Histogram(ctx context.Context, p Principal, r Request, step time.Duration) ([]Bucket, Summary, error) {
	var sum Summary
	if step <= 0 {
		return nil, sum, badf("search: a histogram in steps of %s; give a step above 0", step)
	}
	q, err := s.query(p, r)
	if err != nil {
		return nil, sum, err
	}
	counts := map[int64]uint64{} // by the nanoseconds at which a step begins
	if !isNone(q.bounds.lower) {
		found, err := s.cfg.Store.Histogram(ctx, q.rows(q.bounds.lower), step)
		if err != nil {
			return nil, sum, err
		}
		for _, b := range found {
			counts[b.Start.UnixNano()] += b.Rows
		}
	}
	err = s.judgeRest(ctx, q, &sum, func(r store.Row, _ *record.Event) error {
		counts[bucketOf(r.Time, step).UnixNano()]++
		return nil
	})
	if err != nil {
		return nil, sum, err
	}
	buckets := make([]Bucket, 0, len(counts))
	for start, n := range counts {
		buckets = append(buckets, Bucket{Start: time.Unix(0, start).UTC(), Events: n})
	}
	slices.SortFunc(buckets, func(a, b Bucket) int { return a.Start.Compare(b.Start) })
	return buckets, sum, nil
}
