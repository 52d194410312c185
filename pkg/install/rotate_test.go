package install

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/authority"
)

func step(t *testing.T, w *world, anew bool) Step {
	t.Helper()
	s, err := w.Rotate(t.Context(), anew)
	require.NoError(t, err)
	return s
}

func (w *world) certificates() Secret {
	var s Secret
	w.read(secretsAt+tlsSecret, &s)
	return s
}

// TestRotateByTheDay: a CronJob that runs each day renews a certificate every 60 days, in three
// days, and touches nothing else of the webhooks.
func TestRotateByTheDay(t *testing.T) {
	w := newWorld(t, Options{Mutate: true})
	require.NoError(t, w.Install(t.Context()))
	var before, after Configuration
	w.read(validatingAt+Name, &before)
	before.Webhooks[0].FailurePolicy = "Fail" // of somebody who knows what he does
	m, err := plain(before)
	require.NoError(t, err)
	w.put(validatingAt+Name, m)
	first := w.certificates()
	var steps []string
	for day := range 200 {
		if s := step(t, w, false); s != Nothing {
			steps = append(steps, fmt.Sprint(day, " ", s))
		}
		require.NoError(t, unfit(ptr(w.certificates()), w.names()[0], w.now))
		w.now = w.now.AddDate(0, 0, 1)
	}
	assert.Equal(t, []string{"60 introduce", "61 promote", "62 prune", "120 introduce", "121 promote", "122 prune", "180 introduce", "181 promote", "182 prune"}, steps)
	last := w.certificates()
	assert.NotEqual(t, first.Data[keyKey], last.Data[keyKey])
	certs, err := authority.Parse(last.Data[caKey])
	require.NoError(t, err)
	assert.Len(t, certs, 1)
	w.read(validatingAt+Name, &after)
	assert.Equal(t, last.Data[caKey], after.Webhooks[0].ClientConfig.CABundle)
	before.Webhooks[0].ClientConfig.CABundle, after.Webhooks[0].ClientConfig.CABundle = nil, nil
	assert.Equal(t, before.Webhooks, after.Webhooks)
	for _, text := range w.told {
		assert.NotContains(t, text, "PRIVATE")
	}
}

func ptr[T any](v T) *T { return &v }

// TestRotateWaits: no step before the one before is old enough; what a webhook does not trust is
// mended first, and is waited for again.
func TestRotateWaits(t *testing.T) {
	w := newWorld(t, Options{})
	require.NoError(t, w.Install(t.Context()))
	assert.Equal(t, Nothing, step(t, w, false))
	assert.Equal(t, Introduce, step(t, w, true))
	w.now = w.now.Add(9 * time.Minute)
	assert.Equal(t, Waiting, step(t, w, true), "one renewal at a time")
	w.now = w.now.Add(time.Minute)
	w.trusts(t, w.authorities(t)[0])
	assert.Equal(t, Mended, step(t, w, false))
	assert.Equal(t, Waiting, step(t, w, false))
	w.now = w.now.Add(10 * time.Minute)
	assert.Equal(t, Promote, step(t, w, false))
	assert.Equal(t, Waiting, step(t, w, false))
	w.now = w.now.Add(10 * time.Minute)
	assert.Equal(t, Prune, step(t, w, false))
	assert.Equal(t, Nothing, step(t, w, false))
}

// authorities are those of the Secret, each by itself.
func (w *world) authorities(t *testing.T) (texts [][]byte) {
	t.Helper()
	s := w.certificates()
	certs, err := authority.Parse(s.Data[caKey])
	require.NoError(t, err)
	for _, c := range certs {
		texts = append(texts, authority.Text(c))
	}
	return texts
}

// trusts has the webhook trust something else.
func (w *world) trusts(t *testing.T, bundle []byte) {
	t.Helper()
	var c Configuration
	require.True(t, w.read(validatingAt+Name, &c))
	c.Webhooks[0].ClientConfig.CABundle = bundle
	m, err := plain(c)
	require.NoError(t, err)
	w.put(validatingAt+Name, m)
}

// TestRotateWhatIsBroken: what nobody takes is replaced at once.
func TestRotateWhatIsBroken(t *testing.T) {
	for what, spoil := range map[string]func(*world){
		"expired": func(w *world) { w.now = w.now.AddDate(2, 0, 0) },
		"no pair": func(w *world) {
			s := w.certificates()
			s.Data[keyKey] = []byte("none")
			m, _ := plain(s)
			w.put(secretsAt+tlsSecret, m)
		},
	} {
		w := newWorld(t, Options{})
		require.NoError(t, w.Install(t.Context()))
		spoil(w)
		assert.Equal(t, Promote, step(t, w, false), what)
		require.NoError(t, unfit(ptr(w.certificates()), w.names()[0], w.now), what)
		var c Configuration
		w.read(validatingAt+Name, &c)
		require.NoError(t, authority.Check(c.Webhooks[0].ClientConfig.CABundle, w.certificates().Data[certKey], w.names()[0], w.now), what)
	}
}

func TestRotateRefuses(t *testing.T) {
	w := newWorld(t, Options{})
	_, err := w.Rotate(t.Context(), false)
	assert.ErrorContains(t, err, "run kubewitness admission install first")
	w.CertManager = true
	_, err = w.Rotate(t.Context(), false)
	assert.ErrorContains(t, err, "cert-manager renews its own")
}

// moment is what was written at a time.
type moment struct {
	at      time.Time
	cert    []byte
	bundles [][]byte
}

// history is all that was written, of which API servers and pods may still have what is no
// older than lag.
type history struct {
	moments []moment
	lag     time.Duration
	checked map[string]bool // by bundle and certificate; the time of a test is less than they are good for
}

// take looks at the store, whose lock is held.
func (h *history) take(s *store, now time.Time) {
	m := moment{at: now}
	var secret Secret
	decode(s.objects[secretsAt+tlsSecret], &secret)
	m.cert = secret.Data[certKey]
	for _, at := range []string{validatingAt, mutatingAt} {
		var c Configuration
		decode(s.objects[at+Name], &c)
		m.bundles = append(m.bundles, c.Webhooks[0].ClientConfig.CABundle)
	}
	h.moments = append(h.moments, m)
}

func decode(object map[string]any, into any) {
	b, _ := json.Marshal(object)
	_ = json.Unmarshal(b, into)
}

// broken tells whether a pod could show now what some API server would not trust.
func (h *history) broken(name string, now time.Time) bool {
	from := len(h.moments) - 1
	for from > 0 && h.moments[from].at.After(now.Add(-h.lag)) {
		from--
	}
	for _, pod := range h.moments[from:] {
		for _, api := range h.moments[from:] {
			for _, bundle := range api.bundles {
				key := string(bundle) + string(pod.cert)
				taken, known := h.checked[key]
				if !known {
					taken = authority.Check(bundle, pod.cert, name, now) == nil
					h.checked[key] = taken
				}
				if !taken {
					return true
				}
			}
		}
	}
	return false
}

// TestRotateAlwaysTrusts: runs at odd times, cut off after any write, begun anew at will and with
// edits between them; pods and API servers that are behind. At no time does a pod show what an
// API server does not trust. Without the waiting it does happen, which shows that it would be seen.
func TestRotateAlwaysTrusts(t *testing.T) {
	for seed := range uint64(6) {
		require.Zero(t, brokenMoments(t, seed, 0), "seed %d", seed)
	}
	without := 0
	for seed := range uint64(2) {
		without += brokenMoments(t, seed, -1)
	}
	assert.NotZero(t, without)
}

// cutOff has the nth write from now on be the last that is done, and answered by nobody; 0: none.
func (s *store) cutOff(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut = 0; n > 0 {
		s.cut = s.writes + n
	}
}

// brokenMoments plays 50 runs and counts the times at which something would have failed.
func brokenMoments(t *testing.T, seed uint64, settle time.Duration) (broken int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t, Options{Mutate: true})
	require.NoError(t, w.Install(t.Context()))
	w.Settle = settle
	h := &history{lag: DefaultSettle - time.Second, checked: map[string]bool{}}
	w.mu.Lock()
	h.take(w.store, w.now.Add(-time.Hour))
	w.mu.Unlock()
	w.wrote = func() { h.take(w.store, w.now) }
	for range 50 {
		cut := 0
		if r.IntN(3) == 0 {
			cut = 1 + r.IntN(4)
		}
		w.cutOff(cut)
		_, _ = w.Rotate(t.Context(), r.IntN(3) == 0) // cut off, or in conflict: the next one goes on
		w.cutOff(0)
		if r.IntN(20) == 0 {
			require.NoError(t, w.Install(t.Context()))
		}
		w.mu.Lock() // a request that was cut off may still be under way
		for _, later := range []time.Duration{0, time.Duration(r.IntN(900)) * time.Second} {
			w.now = w.now.Add(later)
			if h.broken(w.names()[0], w.now) {
				broken++
			}
		}
		w.mu.Unlock()
	}
	return broken
}
