package web

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// asking is a call with nothing but a clock.
func asking() *call {
	return &call{Handler: &Handler{cfg: Config{Now: func() time.Time { return noon }, Limits: Limits{}.withDefaults()}}}
}

// read takes all that a search can be asked with out of a query.
func read(query string) (err error) {
	c, p := asking(), parseParams(query)
	r := c.request(p)
	c.step(p, r.From, r.To)
	p.number("limit", 50, 1, 1000)
	p.text("after")
	p.list("field")
	return p.none()
}

func TestParamsThatCannotBeUsed(t *testing.T) {
	for query, want := range map[string]string{
		"clutser=a":                          `there is no parameter "clutser" here; did you mean cluster?`,
		"zzz=1":                              `there is no parameter "zzz" here; there are q, text, from, to, since, cluster, rule, detections, priority, step, limit, after, field`,
		"q=a&q=b":                            `q is there 2 times; give it once`,
		"q=%zz":                              `the query cannot be read: write %, &, ; and + in values as %25, %26, %3B and %2B`,
		"q=a;b=c":                            `the query cannot be read: write %, &, ; and + in values as %25, %26, %3B and %2B`,
		"q=%ff":                              `q is no UTF-8 text`,
		"from=yesterday":                     `from: "yesterday" is no time; write one such as 2026-01-31T15:04:05Z`,
		"from=0001-01-01T00:00:00Z":          `from: the year 1 is out of bounds; there are 1970 to 2261`,
		"to=9999-01-01T00:00:00Z":            `to: the year 9999 is out of bounds; there are 1970 to 2261`,
		"since=1mo":                          `since: "1mo" is no duration; write one such as 30m, 24h, 7d or 1d12h`,
		"since=-1h":                          `since: "-1h" is no duration; write one such as 30m, 24h, 7d or 1d12h`,
		"since=1d&from=2026-11-20T00:00:00Z": `from and since both say where to begin; give one of them`,
		"from=2026-11-20T00:00:00Z&to=2026-11-20T00:00:00Z": `to is not behind from`,
		"limit=0":                               `limit: "0" is no whole number from 1 to 1000`,
		"limit=1e3":                             `limit: "1e3" is no whole number from 1 to 1000`,
		"detections=yes":                        `detections: "yes" is neither true nor false`,
		"priority=high":                         `priority: "high" is none; there are emergency, alert, critical, error, warning, notice, informational and debug`,
		"step=1.5s&since=1h":                    `step: write whole seconds, such as 1s, 5m or 1h`,
		"step=1m":                               `step: below 1h it needs from or since`,
		"step=1s&since=1d":                      `step: that makes more than 5000 buckets; ask for a longer step or a shorter time`,
		strings.Repeat("cluster=a&", 201):       `cluster is there more than 200 times`,
		"text=" + strings.Repeat("a", 64<<10+1): `text is longer than 65536 bytes`,
		strings.Repeat("x", 1000) + "=1":        `there is no parameter "` + strings.Repeat("x", 64) + `..." here; there are q, text, from, to, since, cluster, rule, detections, priority, step, limit, after, field`,
	} {
		err := read(query)
		require.Error(t, err, query)
		assert.Equal(t, want, err.Error())
		var p *api.Problem
		require.ErrorAs(t, err, &p)
		assert.Equal(t, 400, p.Status)
	}
}

func TestParamsThatCan(t *testing.T) {
	c := asking()
	p := parseParams("q=ka.verb%3Dget&text=%3D%22%00&since=1w2d3h&cluster=a&cluster=b&rule=&priority=WARNING&detections=true&to=2026-11-21T13:00:00+01:00")
	r := c.request(p)
	require.NoError(t, p.none())
	assert.Equal(t, "ka.verb=get", r.Condition)
	assert.Equal(t, "=\"\x00", r.Text)
	assert.Equal(t, noon.Add(-(9*24+3)*time.Hour), r.From)
	assert.Equal(t, noon, r.To)
	assert.Equal(t, []string{"a", "b"}, r.Clusters)
	assert.Empty(t, r.Rules, "an empty value is none")
	assert.Equal(t, "Warning", r.Priority.String())
	assert.True(t, r.Detections)
}

func TestNearParameterIsNamed(t *testing.T) {
	err := read("clutser=a")
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	assert.Equal(t, "clutser", p.Parameter)
	assert.Equal(t, "cluster", p.Near)
}

func TestStepOfItsOwn(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"":                          6 * time.Hour,
		"since=1m":                  time.Second,
		"since=2h":                  time.Minute,
		"since=1d":                  15 * time.Minute,
		"since=30d":                 6 * time.Hour,
		"since=121d":                2 * 24 * time.Hour,
		"from=1970-01-02T00:00:00Z": 174 * 24 * time.Hour,
		"to=2026-11-21T13:00:00Z":   6 * time.Hour,
		"since=1h&step=7s":          7 * time.Second,
		"step=1d":                   24 * time.Hour,
	} {
		c, p := asking(), parseParams(query)
		from, to := c.span(p)
		got := c.step(p, from, to)
		require.NoError(t, p.none(), query)
		assert.Equal(t, want, got, query)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour, "2w": 14 * 24 * time.Hour, "1h30m": 90 * time.Minute, "500ms": time.Second / 2, "0": 0,
	} {
		got, ok := parseDuration(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "d", "1", "-1d", "1d-1h", "12h1d", "1d1w", "99999d", "2540400h1w", "1.5d", "+1d", "7 d", "7D"} {
		_, ok := parseDuration(text)
		assert.False(t, ok, text)
	}
}

// FuzzParams: any query is read or refused with a text that can be shown; what is read
// is as the request may have it.
func FuzzParams(f *testing.F) {
	for _, s := range []string{"q=a&since=7d", "from=2026-01-01T00:00:00Z&step=1h", "limit=%31", "a=b;c", "priority=info&cluster=%00", "step=1s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		c, p := asking(), parseParams(query)
		r := c.request(p)
		step := c.step(p, r.From, r.To)
		limit := p.number("limit", 50, 1, 1000)
		p.list("field")
		if err := p.none(); err != nil {
			var problem *api.Problem
			require.ErrorAs(t, err, &problem)
			assert.NotEmpty(t, problem.Detail)
			assert.Less(t, len(problem.Detail), 1000)
			return
		}
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		assert.Equal(t, values.Get("q"), r.Condition)
		assert.True(t, utf8.ValidString(r.Condition+r.Text))
		assert.True(t, r.From.IsZero() || r.To.IsZero() || r.From.Before(r.To))
		assert.GreaterOrEqual(t, step, time.Second)
		assert.Zero(t, step%time.Second)
		assert.True(t, limit >= 1 && limit <= 1000)
	})
}
