package web

import (
	"context"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// status answers with how the service is.
func (c *call) status() error {
	if err := c.params().none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	scope := c.who.principal.Scope
	out := api.Status{Version: c.cfg.Version, Now: c.cfg.Now().UTC(), Principal: api.Principal{
		Name: c.who.principal.Name, All: scope.All, Import: c.who.mayImport && c.cfg.Import != nil,
	}}
	var s api.Store
	if c.cfg.Store != nil {
		s = c.cfg.Store()
	}
	if scope.All {
		out.Store = s
		return c.write(out)
	}
	out.Principal.Clusters, out.Principal.Namespaces = scope.Clusters, scope.Namespaces
	out.Store = api.Store{ReadOnly: s.ReadOnly}
	return c.heavy(c.r.Context(), func(ctx context.Context) error {
		if err := c.extent(ctx, &out.Store); err != nil {
			return err
		}
		return c.write(out)
	})
}

// extent asks how much the caller sees, and of what time: the store knows only of all.
func (c *call) extent(ctx context.Context, s *api.Store) error {
	who := c.who.principal
	var err error
	if s.Events, _, err = c.cfg.Search.Count(ctx, who, search.Request{}); err != nil || s.Events == 0 {
		return err
	}
	_, err = c.cfg.Search.Search(ctx, who, search.Request{}, search.Page{Limit: 1}, func(h *search.Hit) error {
		s.Newest = h.Event.Filed().UTC()
		return nil
	})
	if err != nil {
		return err
	}
	var req search.Request
	for _, step := range []time.Duration{24 * time.Hour, time.Minute} {
		buckets, _, err := c.cfg.Search.Histogram(ctx, who, req, step)
		if err != nil || len(buckets) == 0 {
			return err
		}
		s.Oldest = buckets[0].Start.UTC()
		req.From, req.To = s.Oldest, s.Oldest.Add(step)
	}
	return nil
}
