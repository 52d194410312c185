package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// breaking is a searcher whose searches break off after some hits.
type breaking struct {
	*search.Searcher
	after int
	err   error
	hold  chan struct{} // closed to let go
	begun chan struct{}
}

func (b *breaking) Search(ctx context.Context, p search.Principal, r search.Request, pg search.Page, yield func(*search.Hit) error) (search.Summary, error) {
	if b.hold != nil {
		b.begun <- struct{}{}
		select {
		case <-b.hold:
		case <-ctx.Done():
			return search.Summary{}, ctx.Err()
		}
	}
	n := 0
	return b.Searcher.Search(ctx, p, r, pg, func(h *search.Hit) error {
		if n == b.after {
			return b.err
		}
		n++
		return yield(h)
	})
}

// TestStreamThatBreaksOff: says so in the line before its summary, and tells no more of
// a defect than that there is one.
func TestStreamThatBreaksOff(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"the disk":     {errors.New("read /var/lib/secret-place: input/output error"), api.ProblemInternal},
		"the deadline": {context.DeadlineExceeded, api.ProblemTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			b := &breaking{after: 2, err: tt.err}
			w := newWorld(t, shop, func(c *Config) {
				b.Searcher = c.Search.(*search.Searcher)
				c.Search = b
			})
			a := w.ask("GET", "/events", "", "Accept", "application/x-ndjson")
			assert.Equal(t, http.StatusOK, a.StatusCode)
			assert.NotContains(t, string(a.body), "secret-place")
			lines := strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
			require.Len(t, lines, 4)
			var broke, last api.Last
			require.NoError(t, json.Unmarshal([]byte(lines[2]), &broke))
			require.NoError(t, json.Unmarshal([]byte(lines[3]), &last))
			require.NotNil(t, broke.Error)
			assert.Equal(t, tt.want, broke.Error.Type)
			require.NotNil(t, last.Summary)
			assert.True(t, last.Summary.Partial)
			assert.Equal(t, 2, last.Summary.Hits)
			assert.NotEmpty(t, last.Summary.Why)

			// What is held until it is whole is a problem as a whole.
			for _, media := range []string{"application/json", "text/csv"} {
				assert.Equal(t, tt.want, w.problem(w.ask("GET", "/events", "", "Accept", media)).Type)
			}
		})
	}
}

func TestNoPlaceForAQuery(t *testing.T) {
	b := &breaking{after: -1, hold: make(chan struct{}), begun: make(chan struct{})}
	w := newWorld(t, shop, func(c *Config) {
		b.Searcher = c.Search.(*search.Searcher)
		c.Search = b
		c.Limits = Limits{Queries: 1, Wait: time.Millisecond}
	})
	done := make(chan answered)
	go func() { done <- w.ask("GET", "/events", "") }()
	<-b.begun
	assert.Equal(t, 1, w.handler.Counters().Queries)
	a := w.ask("GET", "/facets?field=rule", "")
	assert.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	assert.Equal(t, "3", a.Header.Get("Retry-After"))
	assert.Equal(t, api.ProblemBusy, w.problem(a).Type)
	close(b.hold)
	assert.Equal(t, http.StatusOK, (<-done).StatusCode)
	c := w.handler.Counters()
	assert.Equal(t, uint64(1), c.HeavyRefused)
	assert.Equal(t, uint64(1), c.Requests[Answered{"GET /api/v1/events", 200}])
	assert.Equal(t, uint64(1), c.Requests[Answered{"GET /api/v1/facets", 503}])
	assert.Equal(t, 0, c.Queries)
}

func TestQueryThatTakesTooLong(t *testing.T) {
	b := &breaking{after: -1, hold: make(chan struct{}), begun: make(chan struct{}, 1)}
	w := newWorld(t, shop, func(c *Config) {
		b.Searcher = c.Search.(*search.Searcher)
		c.Search = b
		c.Limits = Limits{Timeout: time.Millisecond}
	})
	a := w.ask("GET", "/events", "")
	assert.Equal(t, api.ProblemTimeout, w.problem(a).Type)
	assert.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
}

// follower reads server-sent events.
type follower struct {
	t    testing.TB
	body io.ReadCloser
	in   *bufio.Reader
}

type sent struct{ event, id, data string }

func (w *world) follow(path string, headers ...string) *follower {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), "GET", w.URL+Prefix+path, nil)
	require.NoError(w.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusOK, res.StatusCode)
	require.Equal(w.t, "text/event-stream", res.Header.Get("Content-Type"))
	w.t.Cleanup(func() { _ = res.Body.Close() })
	return &follower{t: w.t, body: res.Body, in: bufio.NewReader(res.Body)}
}

// probe is an event that tells that a tail has begun to listen.
var probe = made{cluster: "prod", namespace: "shop", user: "kim", verb: "list", resource: "pods", name: "probe-of-the-tail"}

// listening returns when the tail has begun to listen: probes are shown to it until one
// comes through.
func (f *follower) listening(w *world) {
	f.t.Helper()
	probes := w.records([]made{probe})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		again := time.NewTicker(time.Millisecond)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				w.searcher.Publish(probes)
			case <-stop:
				return
			}
		}
	}()
	s, err := f.read()
	close(stop)
	<-stopped
	require.NoError(f.t, err)
	require.Contains(f.t, s.data, probe.name)
}

// next reads one event that is no probe.
func (f *follower) next() (sent, error) {
	for {
		if s, err := f.read(); err != nil || !strings.Contains(s.data, probe.name) {
			return s, err
		}
	}
}

// read reads one event; its data must be one line.
func (f *follower) read() (s sent, err error) {
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return s, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			s.event = value
		case "id":
			s.id = value
		case "data":
			s.data = value
		case "":
			return s, nil
		default:
			f.t.Errorf("a line of no meaning: %q", line)
		}
	}
}

func (f *follower) want(event string) sent {
	f.t.Helper()
	s, err := f.next()
	require.NoError(f.t, err)
	require.Equal(f.t, event, s.event, s.data)
	return s
}

// publish stores events and shows them to those who tail.
func (w *world) publish(events ...made) []string {
	records := w.records(events)
	w.add(records...)
	w.searcher.Publish(records)
	var ids []string
	for _, e := range records {
		ids = append(ids, row.ID(e.ID))
	}
	return ids
}

func TestTail(t *testing.T) {
	w := newWorld(t, shop, nil)
	f := w.follow("/tail?" + q("ka.user.name in (kim, lee)"))
	f.want("ping")
	f.listening(w)
	at := 10 * time.Minute
	ids := w.publish(
		made{cluster: "prod", namespace: "shop", user: "other", verb: "list", resource: "pods", at: at},
		made{cluster: "prod", namespace: "shop", user: "kim", verb: "list", resource: "pods", at: at},
		made{cluster: "prod", namespace: "shop", user: "lee", verb: "get", resource: "secrets", name: "a\nb", at: at},
	)
	s := f.want("event")
	assert.Equal(t, ids[1], s.id)
	s = f.want("detection")
	assert.Equal(t, ids[2], s.id)
	var e api.Event
	require.NoError(t, json.Unmarshal([]byte(s.data), &e))
	assert.Equal(t, "a\nb", e.Answer.What.Name)
	w.ticks <- noon
	f.want("ping")
	assert.Equal(t, 1, w.handler.Counters().Tails)
	w.handler.Close()
	assert.Contains(t, f.want("error").data, "shutting down")
	_, err := f.next()
	assert.ErrorIs(t, err, io.EOF)
}

// TestTailGoesOn: behind the last event that a reader has seen, each other one once.
func TestTailGoesOn(t *testing.T) {
	w := newWorld(t, shop, nil)
	var all api.EventList
	w.get("/events", &all)
	f := w.follow("/tail", "Last-Event-ID", all.Events[2].ID)
	assert.Equal(t, all.Events[1].ID, f.want("detection").id)
	assert.Equal(t, all.Events[0].ID, f.want("detection").id)
	f.want("ping")
	f.listening(w)
	ids := w.publish(made{cluster: "prod", namespace: "shop", user: "kim", verb: "list", resource: "pods", at: 90 * time.Minute})
	assert.Equal(t, ids[0], f.want("event").id)
	// What could not be found when the tail began is found now; what was sent is not sent again.
	late := w.records([]made{{cluster: "prod", namespace: "shop", user: "late", verb: "list", resource: "pods", at: 80 * time.Minute}})
	w.add(late...)
	w.ticks <- noon
	assert.Equal(t, row.ID(late[0].ID), f.want("event").id)
	f.want("ping")
	w.ticks <- noon
	f.want("ping")

	// An event that is not there leaves a gap that is told.
	f = w.follow("/tail?after=" + strings.Repeat("0", 64))
	assert.Contains(t, f.want("lagged").data, "not stored any more")
	f.want("ping")
}

func TestTailOfATokenThatIsNoMore(t *testing.T) {
	secret := &changing{s: allToken}
	w := newWorld(t, nil, func(c *Config) {
		c.Tokens = []Token{{Name: "all", Secret: secret.get, Scope: search.Everything}}
		c.Limits.Tails = 1
	})
	f := w.follow("/tail", bearer(allToken)...)
	f.want("ping")
	a := w.ask("GET", "/tail", "", bearer(allToken)...)
	assert.Equal(t, api.ProblemBusy, w.problem(a).Type)
	assert.Equal(t, uint64(1), w.handler.Counters().TailsRefused)
	w.ticks <- noon
	f.want("ping")
	secret.set("another-token-of-the-same")
	w.ticks <- noon
	assert.Contains(t, f.want("error").data, api.ProblemUnauthorized)
}

// TestTailReadTooSlowly: is told so, and goes on; how much went by is told only to one
// who sees everything.
func TestTailReadTooSlowly(t *testing.T) {
	for token, want := range map[string]uint64{allToken: 7, shopToken: 0} {
		lag := &lagging{ended: make(chan struct{}, 8)}
		w := newWorld(t, nil, func(c *Config) {
			twoTokens(c)
			lag.Searcher = c.Search.(*search.Searcher)
			c.Search = lag
		})
		f := w.follow("/tail", bearer(token)...)
		f.want("ping")
		<-lag.ended
		var l api.Lagged
		require.NoError(t, json.Unmarshal([]byte(f.want("lagged").data), &l))
		assert.Equal(t, want, l.Events)
		f.listening(w)
		ids := w.publish(made{cluster: "prod", namespace: "shop", user: "kim", verb: "list", resource: "pods"})
		assert.Equal(t, ids[0], f.want("event").id)
		assert.Equal(t, uint64(7), w.handler.Counters().Lagged)
	}
}

// lagging is a searcher whose first tail is too slow.
type lagging struct {
	*search.Searcher
	ended chan struct{}
	again bool
}

func (l *lagging) Tail(ctx context.Context, p search.Principal, r search.Request, yield func(*search.Hit) error) error {
	if !l.again {
		l.again = true
		l.ended <- struct{}{}
		return search.Lagged{Missed: 7}
	}
	return l.Searcher.Tail(ctx, p, r, yield)
}

func TestTailHasNoHead(t *testing.T) {
	w := newWorld(t, nil, nil)
	assert.Equal(t, http.StatusOK, w.ask("HEAD", "/tail", "").StatusCode)
}
