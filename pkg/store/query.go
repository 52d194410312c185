package store

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// tenants is the one tenant there is.
var tenants = []logstorage.TenantID{{}}

// span is a time span in nanoseconds since 1970, both ends included.
type span struct{ least, most int64 }

func (s span) empty() bool { return s.least > s.most }

// spanOf is the span of a query, which has no bounds where its times are zero.
func spanOf(q Query) span {
	s := span{math.MinInt64, math.MaxInt64}
	if !q.From.IsZero() {
		s.least = nanos(q.From)
	}
	if !q.To.IsZero() {
		if s.most = nanos(q.To); s.most > math.MinInt64 {
			s.most--
		}
	}
	return s
}

// nanos is a time as the engine has it; times outside of its years become the ends.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(leastTime):
		return math.MinInt64
	case t.After(mostTime):
		return math.MaxInt64
	}
	return t.UnixNano()
}

var (
	leastTime = time.Unix(0, math.MinInt64)
	mostTime  = time.Unix(0, math.MaxInt64)
)

// run runs a query of the engine, a filter and pipes, over a span, and hands each block
// of the answer to take, one at a time. What a block holds is gone after the call.
func (s *Store) run(ctx context.Context, filter, pipes string, in span, take func(*logstorage.DataBlock)) error {
	if in.empty() {
		return nil
	}
	text := filter
	if pipes != "" {
		text += " | " + pipes
	}
	q, err := parse(text)
	if err != nil {
		return err
	}
	q.AddTimeFilter(in.least, in.most)
	var stats logstorage.QueryStats
	var one sync.Mutex
	err = s.engine.RunQuery(logstorage.NewQueryContext(ctx, &stats, tenants, q, false, nil),
		func(_ uint, b *logstorage.DataBlock) {
			one.Lock()
			defer one.Unlock()
			take(b)
		})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("store: query: %w", err)
	}
	return nil
}

// parse reads a query in the engine's language. The engine panics at patterns that it
// changes into ones that are none.
func parse(text string) (q *logstorage.Query, err error) {
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("store: the engine cannot take the query: %v", what)
		}
	}()
	if q, err = logstorage.ParseQuery(text); err != nil {
		return nil, fmt.Errorf("store: the engine does not understand the query: %w", err)
	}
	return q, nil
}

// column is the values of a column of a block; nil if it has none.
func column(b *logstorage.DataBlock, name string) []string {
	if c := b.GetColumnByName(name); c != nil {
		return c.Values
	}
	return nil
}

func at(values []string, i int) string {
	if i < len(values) {
		return values[i]
	}
	return ""
}
