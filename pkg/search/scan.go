package search

import (
	"context"
	"fmt"
	"time"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// progressKey is where a context has the function that hears of progress.
type progressKey struct{}

// WithProgress makes calls with the context tell how far they have come, now and then and
// from the goroutine that called. [Page.Progress] goes before it.
func WithProgress(ctx context.Context, f func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, f)
}

// scan reads rows and judges them, up to a bound.
type scan struct {
	s     *Searcher
	q     *query
	sum   *Summary
	after store.Position
	last  store.Position // looked at
	edge  time.Time      // down to where the store has looked at all; zero: nowhere yet
	tell  func(Progress)
}

func (s *Searcher) newScan(ctx context.Context, q *query, sum *Summary) *scan {
	tell, _ := ctx.Value(progressKey{}).(func(Progress))
	return &scan{s: s, q: q, sum: sum, tell: tell}
}

// run reads the rows that a filter selects, newest first, and hands on those for which
// the request holds, with their verdict where judging must be. exact tells that it holds
// for all of them.
func (c *scan) run(ctx context.Context, f store.Filter, exact bool, take func(store.Row, *record.Event) error) error {
	opt := store.Scan{After: c.after, Progress: c.progress}
	err := c.s.cfg.Store.Newest(ctx, c.q.rows(f), opt, func(r store.Row) error {
		if !exact {
			if c.sum.Scanned >= c.s.cfg.MaxScanned {
				c.sum.Partial, c.sum.Why = true, tooMany(c.sum.Scanned)
				return store.ErrStop
			}
			c.sum.Scanned++
		}
		c.last = store.Position{Time: r.Time, ID: r.ID}
		e, err := row.Decode(r)
		if err != nil {
			c.sum.Unreadable++
			return nil
		}
		switch v, err := c.q.verdict(e); {
		case err != nil:
			return err
		case v == unknown:
			c.sum.Hidden++
			return nil
		case v == fails:
			return nil
		}
		return take(r, e)
	})
	c.reached()
	return err
}

// reached notes down to which time all was looked at.
func (c *scan) reached() {
	if c.sum.Partial || c.sum.Next != "" {
		c.sum.Reached = c.last.Time
	} else {
		c.sum.Reached = c.q.req.From
	}
}

// beforeAll is an ID below all others.
const beforeAll = "0"

// outOfTime makes a scan that ran out of time one that is partial, from where the next can
// go on. It tells whether the scan has come anywhere at all.
func (c *scan) outOfTime() bool {
	if !c.edge.IsZero() && (c.last.Time.IsZero() || c.edge.Before(c.last.Time)) {
		c.last = store.Position{Time: c.edge, ID: beforeAll}
	}
	if c.last == (store.Position{}) {
		return false
	}
	c.sum.Partial = true
	c.sum.Why = fmt.Sprintf("time was over when it had looked back to %s; go on from there, or ask for a shorter time, or a narrower condition",
		c.last.Time.UTC().Format(time.RFC3339))
	c.reached()
	return true
}

// progress passes on how far the store has come.
func (c *scan) progress(p store.Progress) {
	c.edge = p.Reached
	if c.tell != nil {
		c.tell(Progress{Reached: p.Reached, Oldest: p.Oldest, Scanned: c.sum.Scanned})
	}
}

// bucketOf is the beginning of the step since 1970 that a time is in.
func bucketOf(t time.Time, step time.Duration) time.Time {
	n := t.UnixNano()
	past := n % int64(step)
	if past < 0 {
		past += int64(step)
	}
	return time.Unix(0, n-past).UTC()
}
