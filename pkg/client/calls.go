package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// Events gives a page of events, newest first.
func (c *Client) Events(ctx context.Context, q Query) (*api.EventList, error) {
	return one[api.EventList](ctx, c, "events", q.values())
}

// EachEvent calls yield for each event, newest first, as they are found; q.Limit ends
// it. It ends with yield's error, where that has one.
func (c *Client) EachEvent(ctx context.Context, q Query, yield func(*api.Event) error) (api.Summary, error) {
	return stream(ctx, c, call{method: http.MethodGet, path: "events", query: q.values()}, yield)
}

// EachEventLine is EachEvent with each event as JSON, on one line without line break; it
// is valid until yield returns.
func (c *Client) EachEventLine(ctx context.Context, q Query, yield func([]byte) error) (api.Summary, error) {
	return c.streamLines(ctx, call{method: http.MethodGet, path: "events", query: q.values()}, yield)
}

// EventTable gives a page of events as CSV, with the names of the columns in its first
// line.
func (c *Client) EventTable(ctx context.Context, q Query) (table []byte, sum api.Summary, err error) {
	return c.table(ctx, "events", q.values())
}

// FacetTable is Facets as CSV.
func (c *Client) FacetTable(ctx context.Context, q Query, fields []string, limit int) (table []byte, sum api.Summary, err error) {
	return c.table(ctx, "facets", facetValues(q, fields, limit))
}

// headerSummary has the api.Summary of a table.
const headerSummary = "Kubewitness-Summary"

func (c *Client) table(ctx context.Context, path string, query url.Values) (table []byte, sum api.Summary, err error) {
	table, header, err := c.whole(ctx, call{method: http.MethodGet, path: path, query: query, accept: "text/csv"})
	if err != nil {
		return nil, sum, err
	}
	return table, sum, decode([]byte(header.Get(headerSummary)), &sum)
}

// Event gives one event.
func (c *Client) Event(ctx context.Context, id string) (*api.Event, error) {
	return one[api.Event](ctx, c, "events/"+url.PathEscape(id), nil)
}

// Explain says why a rule fires on an event, or why it does not.
func (c *Client) Explain(ctx context.Context, id, rule string) (*api.Explanation, error) {
	return one[api.Explanation](ctx, c, "events/"+url.PathEscape(id)+"/explain", url.Values{"rule": {rule}})
}

// Facets counts the values of fields, so many of each; 0: the service's default.
func (c *Client) Facets(ctx context.Context, q Query, fields []string, limit int) (*api.Facets, error) {
	return one[api.Facets](ctx, c, "facets", facetValues(q, fields, limit))
}

func facetValues(q Query, fields []string, limit int) url.Values {
	q.Limit = limit
	v := q.values()
	v["field"] = fields
	return v
}

// Histogram counts events over time, in steps; 0: such that there are not many.
func (c *Client) Histogram(ctx context.Context, q Query, step time.Duration) (*api.Histogram, error) {
	v := q.values()
	if step > 0 {
		v.Set("step", step.String())
	}
	return one[api.Histogram](ctx, c, "histogram", v)
}

// Detections gives a page of detections, those of the newest events first.
func (c *Client) Detections(ctx context.Context, q Query) (*api.DetectionList, error) {
	return one[api.DetectionList](ctx, c, "detections", q.values())
}

// History gives what happened to an object from one time to another; zero times are no
// bounds, and with the limit 0 the service has its own.
func (c *Client) History(ctx context.Context, o api.Object, from, to time.Time, limit int) (*api.History, error) {
	return c.HistoryPage(ctx, o, Query{From: from, To: to, Limit: limit}, false)
}

// HistoryPage is History of the time, limit and page that q has; its other conditions do
// not count. With reads, requests that only look at the object are in it too.
func (c *Client) HistoryPage(ctx context.Context, o api.Object, q Query, reads bool) (*api.History, error) {
	v := Query{From: q.From, To: q.To, Since: q.Since, Limit: q.Limit, After: q.After}.values()
	for name, value := range map[string]string{
		"cluster": o.Cluster, "api_group": o.APIGroup, "resource": o.Resource, "namespace": o.Namespace, "name": o.Name,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if reads {
		v.Set("reads", "true")
	}
	return one[api.History](ctx, c, "objects/history", v)
}

// Entity sums up a user, a service account, an address, an object or a namespace; kind
// is one of package api's, cluster "" all clusters.
func (c *Client) Entity(ctx context.Context, kind, cluster, value string, from, to time.Time) (*api.Entity, error) {
	v := Query{From: from, To: to}.values()
	v.Set("value", value)
	if cluster != "" {
		v.Set("cluster", cluster)
	}
	return one[api.Entity](ctx, c, "entities/"+url.PathEscape(kind), v)
}

// Rules gives the rules in force.
func (c *Client) Rules(ctx context.Context) (*api.Rules, error) {
	return one[api.Rules](ctx, c, "rules", nil)
}

// Status says how the service is.
func (c *Client) Status(ctx context.Context) (*api.Status, error) {
	return one[api.Status](ctx, c, "status", nil)
}

// Hunt runs rules, a file of them, over the events that q asks for.
func (c *Client) Hunt(ctx context.Context, rules []byte, q Query, yield func(*api.HuntHit) error) (api.Summary, error) {
	return stream(ctx, c, call{
		method: http.MethodPost, path: "hunt", query: q.values(), kind: "application/yaml", body: bytes.NewReader(rules),
	}, yield)
}

// Import puts an audit log into the store, plain or gzipped. Timeout does not count.
func (c *Client) Import(ctx context.Context, cluster string, log io.Reader) (*api.Imported, error) {
	v := url.Values{}
	if cluster != "" {
		v.Set("cluster", cluster)
	}
	out := new(api.Imported)
	err := c.ask(ctx, call{method: http.MethodPost, path: "import", query: v, kind: "application/octet-stream", body: log, long: true}, out)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// one asks for one answer.
func one[T any](ctx context.Context, c *Client, path string, query url.Values) (*T, error) {
	out := new(T)
	if err := c.get(ctx, path, query, out); err != nil {
		return nil, err
	}
	return out, nil
}
