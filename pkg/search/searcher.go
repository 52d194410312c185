package search

import (
	"context"
	"errors"
	"time"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Rows is what a search needs of the store; *store.Store is it.
type Rows interface {
	Newest(ctx context.Context, q store.Query, o store.Scan, yield func(store.Row) error) error
	Count(ctx context.Context, q store.Query) (uint64, error)
	Histogram(ctx context.Context, q store.Query, step time.Duration) ([]store.Bucket, error)
	Facets(ctx context.Context, q store.Query, columns []store.FacetColumn, limit int) ([]store.Facet, error)
	Get(ctx context.Context, id string, f store.Filter) (store.Row, bool, error)
}

var _ Rows = (*store.Store)(nil)

// Config is what a [Searcher] is made of.
type Config struct {
	Store      Rows                // where the events are
	Rules      func() *ruleset.Set // the rules in force, for their macros and lists and for Explain; nil, or giving nil: none
	Hostname   string              // evt.hostname
	MaxScanned uint64              // events that one call reads to judge them one by one; 0: MaxScanned
	Now        func() time.Time    // never nil
}

// Searcher answers requests. It is safe for concurrent use.
type Searcher struct {
	cfg   Config
	tails tails
}

// New makes a searcher.
func New(cfg Config) *Searcher {
	if cfg.MaxScanned == 0 {
		cfg.MaxScanned = MaxScanned
	}
	return &Searcher{cfg: cfg}
}

// NotFound says that there is no such event, or none that the principal may see.
type NotFound struct{ ID string }

// Error implements error.
func (e NotFound) Error() string { return "search: no event has the id " + e.ID }

// Search gives the events that the request asks for, newest first, one page of them.
// It ends with yield's error, where that has one. A request that cannot be carried
// out is a [BadRequest]. When the context's deadline passes, what was found is partial, unless
// that is nothing and nowhere: then the error is the context's.
func (s *Searcher) Search(ctx context.Context, p Principal, r Request, pg Page, yield func(*Hit) error) (sum Summary, err error) {
	q, err := s.query(p, r)
	if err != nil {
		return sum, err
	}
	scan := s.newScan(ctx, q, &sum)
	if scan.after, err = parsePosition(pg.After); err != nil {
		return sum, err
	}
	if pg.Progress != nil {
		scan.tell = pg.Progress
	}
	limit := pg.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 0 {
		return sum, badf("search: a page of %d events; ask for 1 or more", limit)
	}
	err = scan.run(ctx, q.bounds.upper, q.bounds.exact, func(_ store.Row, e *record.Event) error {
		if err := yield(hitOf(e)); err != nil {
			return err
		}
		if sum.Hits++; sum.Hits == limit {
			sum.Next = positionText(scan.last)
			return store.ErrStop
		}
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && scan.outOfTime() {
		err = nil
	}
	if sum.Partial {
		sum.Next = positionText(scan.last)
	}
	return sum, err
}

// Get gives one event. The error is [NotFound] also for one outside the scope.
func (s *Searcher) Get(ctx context.Context, p Principal, id string) (*Hit, error) {
	e, err := s.event(ctx, p, id)
	if err != nil {
		return nil, err
	}
	return hitOf(e), nil
}

func (s *Searcher) event(ctx context.Context, p Principal, id string) (*record.Event, error) {
	r, ok, err := s.cfg.Store.Get(ctx, id, scopeFilter(p.Scope))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, NotFound{ID: id}
	}
	e, err := row.Decode(r)
	if err != nil {
		return nil, err
	}
	if !p.Scope.sees(e.Event) {
		return nil, NotFound{ID: id}
	}
	return e, nil
}
