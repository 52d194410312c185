package web

import (
	"context"
	"time"

	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// Searcher is what the API asks; *search.Searcher is it. It holds every answer to the
// principal's scope.
type Searcher interface {
	Search(ctx context.Context, p search.Principal, r search.Request, pg search.Page, yield func(*search.Hit) error) (search.Summary, error)
	Count(ctx context.Context, p search.Principal, r search.Request) (uint64, search.Summary, error)
	Histogram(ctx context.Context, p search.Principal, r search.Request, step time.Duration) ([]search.Bucket, search.Summary, error)
	Facets(ctx context.Context, p search.Principal, r search.Request, fields []string, limit int) ([]search.Facet, search.Summary, error)
	Get(ctx context.Context, p search.Principal, id string) (*search.Hit, error)
	Explain(ctx context.Context, p search.Principal, id, rule string) (*match.Explanation, string, error)
	History(ctx context.Context, p search.Principal, r search.HistoryRequest) (*search.History, error)
	Entity(ctx context.Context, p search.Principal, kind search.EntityKind, cluster, value string, from, to time.Time) (*search.Entity, error)
	Tail(ctx context.Context, p search.Principal, r search.Request, yield func(*search.Hit) error) error
	Hunt(ctx context.Context, p search.Principal, set *ruleset.Set, r search.Request, yield func(*search.Hit, []match.Detection) error) (search.Summary, error)
}

var _ Searcher = (*search.Searcher)(nil)
