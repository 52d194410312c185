package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/client"
)

// TestClient: the project's own client understands every answer.
func TestClient(t *testing.T) {
	w := newWorld(t, shop, twoTokens)
	c, err := client.New(client.Config{URL: w.URL, Token: is(allToken)})
	require.NoError(t, err)
	ctx := t.Context()

	list, err := c.Events(ctx, client.Query{Condition: "reads", Since: "30d", Clusters: []string{"prod", "stage"}, Limit: 2})
	require.NoError(t, err)
	require.Len(t, list.Events, 2)
	id := list.Events[0].ID
	n := 0
	sum, err := c.EachEvent(ctx, client.Query{}, func(e *api.Event) error { n++; return nil })
	require.NoError(t, err)
	assert.Equal(t, 4, n)
	assert.Equal(t, 4, sum.Hits)
	table, sum, err := c.EventTable(ctx, client.Query{})
	require.NoError(t, err)
	assert.Equal(t, 5, bytes.Count(table, []byte("\r\n")))
	assert.Equal(t, 4, sum.Hits)
	e, err := c.Event(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, list.Events[0], *e)
	x, err := c.Explain(ctx, id, "Secret read")
	require.NoError(t, err)
	assert.True(t, x.Verdict)
	f, err := c.Facets(ctx, client.Query{}, []string{"rule", "ka.user.name"}, 3)
	require.NoError(t, err)
	assert.Len(t, f.Facets, 2)
	h, err := c.Histogram(ctx, client.Query{}, time.Hour)
	require.NoError(t, err)
	assert.Equal(t, uint64(4), h.Total)
	d, err := c.Detections(ctx, client.Query{Priority: "warning"})
	require.NoError(t, err)
	assert.Len(t, d.Detections, 2)
	past, err := c.History(ctx, api.Object{Cluster: "prod", Resource: "pods", Namespace: "bank", Name: "web-0"}, today, time.Time{}, 10)
	require.NoError(t, err)
	assert.Len(t, past.Entries, 1)
	who, err := c.Entity(ctx, api.EntityUser, "", "jane", time.Time{}, time.Time{})
	require.NoError(t, err)
	assert.Equal(t, uint64(2), who.Events)
	rs, err := c.Rules(ctx)
	require.NoError(t, err)
	assert.Len(t, rs.Rules, 3)
	s, err := c.Status(ctx)
	require.NoError(t, err)
	assert.Equal(t, "all", s.Principal.Name)
	n = 0
	_, err = c.Hunt(ctx, []byte(huntRules), client.Query{Since: "7d"}, func(hit *api.HuntHit) error { n += len(hit.Found); return nil })
	require.NoError(t, err)
	assert.Equal(t, 2, n)

	_, err = c.Events(ctx, client.Query{Condition: "ka.verb ="})
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	assert.Equal(t, api.ProblemCondition, p.Type)
	assert.NotNil(t, p.At)

	var log bytes.Buffer
	z := gzip.NewWriter(&log)
	for i := range 100 {
		_, _ = z.Write([]byte(made{cluster: "c", namespace: "n", user: "u", verb: "get", resource: "pods", at: time.Duration(i)}.raw() + "\n"))
	}
	require.NoError(t, z.Close())
	done, err := c.Import(ctx, "prod", &log)
	require.NoError(t, err)
	assert.Equal(t, uint64(100), done.Events)
}

// TestClientFollows: a tail, from the event on that it saw last.
func TestClientFollows(t *testing.T) {
	w := newWorld(t, shop, nil)
	c, err := client.New(client.Config{URL: w.URL})
	require.NoError(t, err)
	var list api.EventList
	w.get("/events", &list)
	enough := errors.New("enough")
	var got []string
	err = c.Tail(t.Context(), client.Query{After: list.Events[3].ID}, client.Follow{Event: func(e *api.Event) error {
		if got = append(got, e.Answer.Who.Name); len(got) == 3 {
			return enough
		}
		return nil
	}})
	require.ErrorIs(t, err, enough)
	assert.Equal(t, "joe jane ann", strings.Join(got, " "))
}
