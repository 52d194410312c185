package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/store"
)

// Count counts the rows that a query selects. Documents of which no query tells whether
// they are selected are read.
func (r *Rows) Count(ctx context.Context, q store.Query) (n uint64, err error) {
	if _, err := selectionOf(q.Filter); err != nil {
		return 0, err
	}
	err = r.with(ctx, func(s *session) error {
		return r.planned(q, func(b bounds) error {
			sure, all, err := s.enclose(ctx, b)
			if n = sure; err != nil || sure == all {
				return err
			}
			return r.rest(ctx, s, b, q, func(store.Row) error {
				n++
				return nil
			})
		})
	})
	return n, err
}

// enclose counts the documents that bounds find.
func (s *session) enclose(ctx context.Context, b bounds) (sure, all uint64, err error) {
	if b.upper == (query(noDocs{})) {
		return 0, 0, nil
	}
	a, err := s.search(ctx, request{Query: encode(b.upper), Count: true, Aggs: object{"sure": object{"filter": b.lower.dsl()}}})
	if err != nil {
		return 0, 0, err
	}
	return a.Aggregations["sure"].Documents, a.total(), nil
}

// Histogram counts the rows that a query selects by time, in steps since 1970 UTC. It
// gives the steps that have rows, the oldest first.
func (r *Rows) Histogram(ctx context.Context, q store.Query, step time.Duration) ([]store.Bucket, error) {
	if step <= 0 {
		return nil, fmt.Errorf("elasticsearch: a histogram has steps of %s; give a positive one", step)
	}
	if _, err := selectionOf(q.Filter); err != nil {
		return nil, err
	}
	var counts map[int64]uint64 // by the nanoseconds at which a step begins
	err := r.with(ctx, func(s *session) error {
		return r.planned(q, func(b bounds) error {
			counts = map[int64]uint64{}
			sure, all, err := s.enclose(ctx, b)
			if err == nil && sure > 0 {
				err = s.histogram(ctx, b.lower, step, counts)
			}
			if err != nil || sure == all {
				return err
			}
			return r.rest(ctx, s, b, q, func(r store.Row) error {
				counts[begin(r.Time.UnixNano(), step)]++
				return nil
			})
		})
	})
	if err != nil {
		return nil, err
	}
	buckets := make([]store.Bucket, 0, len(counts))
	for start, n := range counts {
		buckets = append(buckets, store.Bucket{Start: time.Unix(0, start).UTC(), Rows: n})
	}
	slices.SortFunc(buckets, func(a, b store.Bucket) int { return a.Start.Compare(b.Start) })
	return buckets, nil
}

// begin is where the step that a time is in begins, in nanoseconds.
func begin(at int64, step time.Duration) int64 {
	past := at % int64(step)
	if past < 0 {
		past += int64(step)
	}
	return at - past
}

// histogram counts documents by time. The server's histograms count in milliseconds; for
// other steps it counts each moment.
func (s *session) histogram(ctx context.Context, find query, step time.Duration, counts map[int64]uint64) error {
	by, unit := object{"terms": object{"field": filedField}}, int64(1)
	if step%time.Millisecond == 0 {
		by = object{"date_histogram": object{"field": timeField, "fixed_interval": strconv.FormatInt(step.Milliseconds(), 10) + "ms"}}
		unit = int64(time.Millisecond)
	}
	return s.pages(ctx, find, by, func(key json.RawMessage, n uint64) error {
		at, err := strconv.ParseInt(string(key), 10, 64)
		if err != nil {
			return fmt.Errorf("elasticsearch: a step of a histogram begins at %.40s, which is no time", key)
		}
		counts[begin(at*unit, step)] += n
		return nil
	})
}

// bucketPage is how many values are counted at once, well below what a server allows
// (search.max_buckets).
const bucketPage = 10_000

// pages counts documents by value, all values, however many, in the order of values.
func (s *session) pages(ctx context.Context, find query, by object, take func(key json.RawMessage, n uint64) error) error {
	text := encode(find)
	var after map[string]json.RawMessage
	for {
		composite := object{"size": bucketPage, "sources": []object{{"v": by}}}
		if after != nil {
			composite["after"] = after
		}
		a, err := s.search(ctx, request{Query: text, Aggs: object{"all": object{"composite": composite}}})
		if err != nil {
			return err
		}
		found := a.Aggregations["all"]
		for _, b := range found.Buckets {
			key, err := b.member("v")
			if err == nil {
				err = take(key, b.Documents)
			}
			if err != nil {
				return err
			}
		}
		if after = found.After; after == nil || len(found.Buckets) < bucketPage {
			return nil
		}
	}
}
