package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Count counts the rows that a query selects.
func (s *Store) Count(ctx context.Context, q Query) (uint64, error) {
	end, err := s.begin()
	if err != nil {
		return 0, err
	}
	defer end()
	filter, err := logsql(q.Filter)
	if err != nil {
		return 0, err
	}
	var n uint64
	err = s.run(ctx, filter, "stats count() rows", spanOf(q), func(b *logstorage.DataBlock) {
		for _, v := range column(b, "rows") {
			n += number(v)
		}
	})
	return n, err
}

// Histogram counts the rows that a query selects by time, in steps since 1970 UTC. It
// gives the steps that have rows, the oldest first.
func (s *Store) Histogram(ctx context.Context, q Query, step time.Duration) ([]Bucket, error) {
	if step <= 0 {
		return nil, fmt.Errorf("store: a histogram has steps of %s; give a positive one", step)
	}
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	filter, err := logsql(q.Filter)
	if err != nil {
		return nil, err
	}
	var buckets []Bucket
	pipe := "stats by (_time:" + strconv.FormatInt(int64(step), 10) + "ns) count() rows"
	err = s.run(ctx, filter, pipe, spanOf(q), func(b *logstorage.DataBlock) {
		times, rows := column(b, timeColumn), column(b, "rows")
		for i, t := range times {
			if start, err := time.Parse(time.RFC3339Nano, t); err == nil {
				buckets = append(buckets, Bucket{Start: start.UTC(), Rows: number(at(rows, i))})
			}
		}
	})
	slices.SortFunc(buckets, func(a, b Bucket) int { return a.Start.Compare(b.Start) })
	return buckets, err
}

// number reads a count of the engine's.
func number(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64) // it is a count: the engine wrote it
	return n
}
