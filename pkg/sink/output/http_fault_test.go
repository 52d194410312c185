package output_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// taker counts how often each detection was taken.
type taker struct {
	mu    sync.Mutex
	taken map[string]int
}

func (k *taker) take(r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.taken == nil {
		k.taken = make(map[string]int)
	}
	k.taken[r.Header.Get(output.IDHeader)]++
}

// once is the count of detections that were each taken once.
func once(ids ...string) map[string]int {
	m := make(map[string]int)
	for _, id := range ids {
		m[id] = 1
	}
	return m
}

// TestHTTPServerDownThenUp: nothing is lost while nobody listens.
func TestHTTPServerDownThenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	h, events := post(t, "http://"+addr), delivery(t, 0, 9)
	for range 3 {
		require.ErrorContains(t, requireRecoverable(t, h.Write(t.Context(), events)), "connection refused")
	}
	l, err = net.Listen("tcp", addr)
	require.NoError(t, err)
	var k taker
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { k.take(r) })}}
	server.Start()
	defer server.Close()
	require.NoError(t, h.Write(t.Context(), events))
	assert.Equal(t, once(ids(events)...), k.taken)
}

// TestHTTPStatus holds what each answer means.
func TestHTTPStatus(t *testing.T) {
	const ok, again, never = "taken", "recoverable", "permanent"
	for code, want := range map[int]string{
		200: ok, 201: ok, 202: ok, 204: ok, 299: ok,
		300: again, 301: again, 302: again, 303: again, 304: again, 307: again, 308: again,
		401: again, 404: again, 405: again, 407: again, 408: again, 425: again, 429: again,
		400: never, 402: never, 403: never, 406: never, 409: never, 410: never, 411: never, 413: never, 415: never, 422: never, 431: never, 499: never,
		500: again, 501: again, 502: again, 503: again, 504: again, 599: again,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			var elsewhere atomic.Int32
			other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", other.URL)
				w.Header().Set("Proxy-Authenticate", "Basic")
				w.WriteHeader(code)
			})
			h := post(t, server.URL)
			err := h.Write(t.Context(), delivery(t, 1, 1))
			assert.Zero(t, elsewhere.Load(), "a detection goes to the configured host only")
			switch want {
			case ok:
				require.NoError(t, err)
			case again:
				requireRecoverable(t, err)
				require.ErrorContains(t, err, fmt.Sprint(code))
			case never:
				var permanent sink.Permanent
				require.ErrorAs(t, err, &permanent)
				require.ErrorContains(t, err, ids(delivery(t, 1, 1))[0])
				require.ErrorContains(t, err, fmt.Sprint(code))
				assert.EqualValues(t, 1, h.Counters().Refused)
			}
			assert.Equal(t, want == ok, h.Counters().Detections == 1)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "soon": 0, "1.5": 0, "301": 5 * time.Minute,
		"18446744073709551615": 5 * time.Minute, "99999999999999999999999": 5 * time.Minute,
		"Sat, 21 Nov 2026 19:18:56 GMT":     59*time.Second + 572*time.Millisecond,
		"Saturday, 21-Nov-26 19:18:56 GMT":  59*time.Second + 572*time.Millisecond,
		"Sat, 21 Nov 2026 19:00:00 GMT":     0,
		"Fri, 31 Dec 9999 23:59:59 GMT":     5 * time.Minute,
		"Sat, 21 Nov 2026 19:18:56 Someday": 0,
	} {
		assert.Equal(t, want, output.RetryAfter(value, start), "%q", value)
	}
}

// TestHTTPRetryAfter: the receiver says when.
func TestHTTPRetryAfter(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	assert.Equal(t, 7*time.Second, requireRecoverable(t, post(t, server.URL).Write(t.Context(), delivery(t, 1, 1))).After)
}

// TestHTTPRefusedAmongOthers: what is refused is told when all others are taken,
// and not sent again until then; written record by record, only it fails.
func TestHTTPRefusedAmongOthers(t *testing.T) {
	events := delivery(t, 0, 12)
	all := ids(events)
	bad, flaky := all[2], all[7]
	var k taker
	var refusals, failures atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch id := r.Header.Get(output.IDHeader); {
		case id == bad:
			refusals.Add(1)
			w.WriteHeader(http.StatusBadRequest)
		case id == flaky && failures.Add(1) <= 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			k.take(r)
		}
	})
	h := post(t, server.URL, func(c *output.HTTPConfig) { c.InFlight = 1 })
	for range 3 {
		requireRecoverable(t, h.Write(t.Context(), events))
	}
	var permanent sink.Permanent
	err := h.Write(t.Context(), events)
	require.ErrorAs(t, err, &permanent)
	require.ErrorContains(t, err, "1 of")
	require.ErrorContains(t, err, bad)
	assert.EqualValues(t, 1, refusals.Load())
	good := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == bad })
	assert.Equal(t, once(good...), k.taken)

	for _, e := range events {
		err := h.Write(t.Context(), []*record.Event{e})
		assert.Equal(t, slices.Contains(ids([]*record.Event{e}), bad), err != nil)
	}
	assert.EqualValues(t, 2, refusals.Load())
	assert.Equal(t, once(good...), k.taken, "none a second time")
	assert.EqualValues(t, 2, h.Counters().Refused)
}

// TestHTTPStopsAtAFailure: a receiver that is down does not get the whole delivery.
func TestHTTPStopsAtAFailure(t *testing.T) {
	var requests atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	})
	requireRecoverable(t, post(t, server.URL).Write(t.Context(), delivery(t, 0, 60)))
	assert.LessOrEqual(t, requests.Load(), int32(output.DefaultInFlight))
}

// TestHTTPConnectionReset in the middle of a request, before any answer.
func TestHTTPConnectionReset(t *testing.T) {
	var k taker
	var resets atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if resets.Add(1) > 5 {
			k.take(r)
			return
		}
		_, _ = r.Body.Read(make([]byte, 10))
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	})
	h, events := post(t, server.URL), delivery(t, 0, 9)
	failed := 0
	for err := h.Write(t.Context(), events); err != nil; err = h.Write(t.Context(), events) {
		requireRecoverable(t, err)
		failed++
	}
	assert.NotZero(t, failed)
	assert.Equal(t, once(ids(events)...), k.taken)
}

// TestHTTPNoAnswer: the time-out ends a request to a server that hangs, and so does
// the context.
func TestHTTPNoAnswer(t *testing.T) {
	entered, done := make(chan struct{}, 100), make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-done
	})
	defer close(done)
	h := post(t, server.URL, func(c *output.HTTPConfig) { c.Timeout = 20 * time.Millisecond })
	require.ErrorContains(t, requireRecoverable(t, h.Write(t.Context(), delivery(t, 0, 9))), "no answer in time")

	h = post(t, server.URL)
	for len(entered) > 0 {
		<-entered
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	require.ErrorIs(t, requireRecoverable(t, h.Write(ctx, delivery(t, 0, 9))), context.Canceled)
}

// TestHTTPEndlessAnswer: the status counts; the body is read only so far.
func TestHTTPEndlessAnswer(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	h := post(t, server.URL)
	require.NoError(t, h.Write(t.Context(), delivery(t, 0, 9)))
	assert.EqualValues(t, len(ids(delivery(t, 0, 9))), h.Counters().Detections)
}

// TestHTTPInFlight: as many requests as configured are under way, and no more.
func TestHTTPInFlight(t *testing.T) {
	const most = 3
	var now, seen atomic.Int32
	full := make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		if seen.Add(1) == most {
			close(full)
		}
		assert.LessOrEqual(t, n, int32(most))
		<-full
	})
	h := post(t, server.URL, func(c *output.HTTPConfig) { c.InFlight = most })
	require.NoError(t, h.Write(t.Context(), delivery(t, 0, 30)))
}

// TestHTTPChaos: a receiver that fails in every way it can, fed as the log feeds:
// the same delivery until it is settled, record by record after a Permanent. What it
// took it took once, unless its answer was lost; what it refuses is told.
func TestHTTPChaos(t *testing.T) {
	var k taker
	var mu sync.Mutex
	r, lost := rand.New(rand.NewPCG(1, 2)), make(map[string]bool)
	refused := func(id string) bool { return id[0] == '0' }
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		id := req.Header.Get(output.IDHeader)
		mu.Lock()
		dice := r.IntN(10)
		mu.Unlock()
		switch {
		case dice == 0:
			w.WriteHeader(http.StatusInternalServerError)
		case dice == 1:
			panic(http.ErrAbortHandler)
		case refused(id):
			w.WriteHeader(http.StatusUnprocessableEntity)
		case dice == 2:
			k.take(req)
			mu.Lock()
			lost[id] = true
			mu.Unlock()
			panic(http.ErrAbortHandler)
		default:
			k.take(req)
		}
	})
	o := sink.NewOnce(post(t, server.URL), record.NewRecent(1000))
	dead := 0
	for from := 0; from < 300; from += 30 {
		dead += feed(t, o, delivery(t, from, 30))
	}
	all := delivery(t, 0, 300)
	wantDead := 0
	for _, e := range all {
		if slices.ContainsFunc(ids([]*record.Event{e}), refused) {
			wantDead++
		}
	}
	assert.Equal(t, wantDead, dead)
	for _, id := range ids(all) {
		switch {
		case refused(id):
			assert.Zero(t, k.taken[id])
		case lost[id]:
			assert.NotZero(t, k.taken[id])
		default:
			assert.Equal(t, 1, k.taken[id])
		}
	}
}

// feed does what the durable log does, with an event for a record, and counts the
// records that become dead letters.
func feed(t *testing.T, s sink.Sink, events []*record.Event) (dead int) {
	t.Helper()
	for {
		err := s.Write(t.Context(), events)
		var permanent sink.Permanent
		switch {
		case err == nil:
			return dead
		case errors.As(err, &permanent) && len(events) == 1:
			return 1
		case errors.As(err, &permanent):
			for i := range events {
				dead += feed(t, s, events[i:i+1])
			}
			return dead
		}
		requireRecoverable(t, err)
	}
}

// TestHTTPRace: counters and the end of the process beside a write.
func TestHTTPRace(t *testing.T) {
	var k taker
	var n atomic.Int32
	tenth := make(chan struct{})
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		k.take(r)
		if n.Add(1) == 10 {
			close(tenth)
		}
	})
	h := post(t, server.URL)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-tenth
		assert.NotZero(t, h.Counters().Detections)
		assert.NoError(t, h.Close())
	}()
	events := delivery(t, 0, 60)
	require.NoError(t, h.Write(t.Context(), events), "a write under way ends well")
	<-ended
	requireRecoverable(t, h.Write(t.Context(), events))
	assert.Equal(t, once(ids(events)...), k.taken)
}

// FuzzRetryAfter: whatever a receiver says, the wait is bounded.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "7", "-1", "99999999999999999999", "Sat, 21 Nov 2026 19:18:56 GMT", "Sat Nov 21 19:18:56 2026"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		wait := output.RetryAfter(s, start)
		require.True(t, wait >= 0 && wait <= 5*time.Minute, "%q: %v", s, wait)
	})
}
