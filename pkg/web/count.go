package web

import (
	"context"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
)

const (
	usualValues = 10 // of a field
	mostValues  = 1000
	mostFields  = 20
)

// facets answers with how often the values of fields occur among what a search finds.
func (c *call) facets() error {
	p := c.params()
	req := c.request(p)
	fields := p.list("field")
	if len(fields) == 0 {
		p.fail("field", "field is missing; name one to %d, such as field=ka.user.name", mostFields)
	}
	if len(fields) > mostFields {
		p.fail("field", "field is there %d times; ask for %d at most", len(fields), mostFields)
	}
	limit := p.number("limit", usualValues, 1, mostValues)
	if err := p.none(); err != nil {
		return err
	}
	media, err := c.accepted(typeJSON, typeCSV)
	if err != nil {
		return err
	}
	return c.heavy(c.r.Context(), func(ctx context.Context) error {
		found, sum, err := c.cfg.Search.Facets(ctx, c.who.principal, req, fields, limit)
		if err != nil {
			return err
		}
		out := api.Facets{Facets: facetsOf(found), Summary: summaryOf(sum)}
		if media == typeCSV {
			return c.facetTable(out)
		}
		return c.write(out)
	})
}

func (c *call) facetTable(f api.Facets) error {
	t := newTable("field", "value", "events")
	for _, facet := range f.Facets {
		for _, v := range facet.Values {
			t.row(facet.Field, v.Value, strconv.FormatUint(v.Events, 10))
		}
	}
	return t.answer(c, f.Summary)
}

// histogram answers with how many events a search finds, over time.
func (c *call) histogram() error {
	p := c.params()
	req := c.request(p)
	step := c.step(p, req.From, req.To)
	if err := p.none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	return c.heavy(c.r.Context(), func(ctx context.Context) error {
		buckets, sum, err := c.cfg.Search.Histogram(ctx, c.who.principal, req, step)
		if err != nil {
			return err
		}
		out := api.Histogram{StepSeconds: int64(step / time.Second), Buckets: bucketsOf(buckets), Summary: summaryOf(sum)}
		for _, b := range buckets {
			out.Total += b.Events
		}
		return c.write(out)
	})
}
