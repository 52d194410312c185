package web

import (
	"context"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// entityKinds are what can be summed up.
var entityKinds = []string{api.EntityUser, api.EntityServiceAccount, api.EntityAddress, api.EntityObject, api.EntityNamespace}

// entity answers with who or what something is.
func (c *call) entity() error {
	kind := c.r.PathValue("kind")
	if !slices.Contains(entityKinds, kind) {
		return problem(api.ProblemNotFound, "there are no entities of this kind; there are "+list(entityKinds))
	}
	p := c.params()
	value, cluster := p.need("value"), p.text("cluster")
	from, to := c.span(p)
	if err := p.none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	return c.heavy(c.r.Context(), func(ctx context.Context) error {
		e, err := c.cfg.Search.Entity(ctx, c.who.principal, search.EntityKind(kind), cluster, value, from, to)
		if err != nil {
			return err
		}
		text, err := api.AppendEntity(nil, entityOf(e))
		if err != nil {
			return err
		}
		return c.writeText(typeJSON, text)
	})
}

func entityOf(e *search.Entity) *api.Entity {
	out := &api.Entity{
		Kind: string(e.Kind), Cluster: e.Cluster, Value: e.Value,
		Events: e.Events, Detections: e.Detections, First: e.First.UTC(), Last: e.Last.UTC(),
		Outcomes: api.Outcomes{Allowed: e.Outcomes.Allowed, Denied: e.Outcomes.Denied, Failed: e.Outcomes.Failed}, Claimed: e.Claimed,
		Facets: facetsOf(e.Facets), StepSeconds: int64(e.Step / time.Second), Activity: bucketsOf(e.Activity),
		ImpersonatedBy: valuesOf(e.ImpersonatedBy), Sampled: e.Sampled, NewSince: e.NewSince.UTC(),
		Recent: eventsOf(e.Recent), Detected: eventsOf(e.Detected), Changes: eventsOf(e.Changes), Summary: summaryOf(e.Summary),
	}
	for _, o := range e.Origins {
		out.Origins = append(out.Origins, api.Origin{Pod: o.Pod, Node: o.Node, Events: o.Events, Last: o.Last.UTC()})
	}
	for _, v := range e.New {
		out.New = append(out.New, api.NewValue{Field: v.Field, Value: v.Value, Events: v.Events})
	}
	return out
}

func eventsOf(hits []*search.Hit) []api.Event {
	out := make([]api.Event, 0, len(hits))
	for _, h := range hits {
		out = append(out, eventOf(h))
	}
	return out
}
