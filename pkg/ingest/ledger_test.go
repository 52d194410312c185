package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func identity(n int) audit.Identity {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func sighting(n int, at time.Time) []Sighting { return []Sighting{{ID: identity(n), Time: at}} }

// lossesOf is a ledger that notes what it is told of losses.
type lossesOf struct {
	*Ledger
	clock *clock
	lost  map[string]int
	ids   []audit.Identity
}

func newLossesOf(entries int) *lossesOf {
	l := &lossesOf{clock: newClock(), lost: map[string]int{}}
	l.Ledger = NewLedger(LedgerConfig{Entries: entries, Now: l.clock.now, Lost: func(cluster string, n int, sample []audit.Identity) {
		l.lost[cluster] += n
		l.ids = append(l.ids, sample...)
	}})
	return l
}

// give has a source give an event that happens now, and stores it if it is new.
func (l *lossesOf) give(cluster, source string, n int) (known bool) {
	s := sighting(n, l.clock.now())
	l.Known(cluster, source, s)
	l.Stored(cluster, source, s)
	return s[0].Known
}

func (l *lossesOf) pass(d time.Duration) {
	l.clock.pass(d)
	l.Expire()
}

// oracle remembers in maps what a ledger remembers in tables.
type oracle struct {
	gens  [generations]map[audit.Identity]bool
	most  int
	began time.Time
}

func (o *oracle) turn(now time.Time) {
	o.gens = [generations]map[audit.Identity]bool{{}, o.gens[0], o.gens[1]}
	o.began = now
}

func (o *oracle) known(id audit.Identity) bool {
	return o.gens[0][id] || o.gens[1][id] || o.gens[2][id]
}

func (o *oracle) age(now time.Time, stretch time.Duration) {
	for now.Sub(o.began) >= stretch {
		due := o.began.Add(stretch)
		o.turn(due)
	}
}

func (o *oracle) store(id audit.Identity, now time.Time) {
	if o.known(id) {
		return
	}
	if len(o.gens[0]) == o.most {
		o.turn(now)
	}
	o.gens[0][id] = true
}

func TestLedgerAgreesWithMaps(t *testing.T) {
	var early, forgotten uint64
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		c := newClock()
		l := NewLedger(LedgerConfig{Entries: 300, Keep: 10 * time.Minute, Now: c.now})
		o := &oracle{gens: [generations]map[audit.Identity]bool{{}, {}, {}}, most: 100, began: noon}
		sources := []string{SourceWebhook, SourceFile, "other"}
		for step := range 5000 {
			c.pass(time.Duration(r.Int64N(int64(time.Duration(1+seed) * time.Second))))
			o.age(c.now(), 5*time.Minute)
			var seen []Sighting
			for range r.IntN(4) {
				seen = append(seen, Sighting{ID: identity(r.IntN(400)), Time: c.now()})
			}
			source := sources[r.IntN(3)]
			l.Known("prod", source, seen)
			for _, s := range seen {
				require.Equal(t, o.known(s.ID), s.Known, "seed %d step %d", seed, step)
			}
			if r.IntN(4) > 0 { // else the log has refused it
				l.Stored("prod", source, seen)
				for _, s := range seen {
					if !s.Known {
						o.store(s.ID, c.now())
					}
				}
			}
			require.Equal(t, len(o.gens[0])+len(o.gens[1])+len(o.gens[2]), l.Counters().Entries)
		}
		early += l.Counters().Early
		forgotten += l.Counters().Forgotten
	}
	assert.Positive(t, early)
	assert.Greater(t, forgotten, early)
}

func TestLedgerRemembersForItsTime(t *testing.T) {
	l := newLossesOf(100)
	l.give("prod", SourceWebhook, 1)
	l.pass(DefaultLedgerKeep)
	assert.True(t, l.give("prod", SourceWebhook, 1))
	l.pass(DefaultLedgerKeep)
	assert.False(t, l.give("prod", SourceWebhook, 1), "seeing it again does not keep it")
	l.pass(24 * time.Hour)
	assert.Zero(t, l.Counters().Entries)
	assert.False(t, l.give("prod", SourceWebhook, 1))
	assert.True(t, l.give("prod", SourceWebhook, 1))
}

func TestLostByTheWebhook(t *testing.T) {
	l := newLossesOf(1000)
	l.give("prod", SourceFile, 1) // before the webhook was heard of
	l.give("prod", SourceWebhook, 2)
	l.pass(time.Second)
	for n := 10; n < 20; n++ {
		assert.False(t, l.give("prod", SourceFile, n))
	}
	l.pass(95 * time.Second) // the last attempt of the API server
	for n := 10; n < 17; n++ {
		assert.True(t, l.give("prod", SourceWebhook, n), "counted once")
	}
	l.give("prod", SourceWebhook, 20) // the webhook first
	l.give("prod", SourceFile, 20)
	l.give("quiet", SourceFile, 30) // no webhook at all
	l.give("test", SourceWebhook, 31)
	l.give("test", SourceFile, 32)
	old := sighting(33, l.clock.now().Add(-time.Hour)) // a log file that was there before
	l.Stored("test", SourceFile, old)
	assert.Empty(t, l.lost)

	for range 4 {
		l.pass(DefaultLedgerKeep / 2)
	}
	assert.Equal(t, map[string]int{"prod": 3, "test": 1}, l.lost)
	assert.ElementsMatch(t, []audit.Identity{identity(17), identity(18), identity(19), identity(32)}, l.ids)
	c := l.Counters()
	assert.Equal(t, map[string]uint64{"prod": 3, "test": 1}, c.Lost)
	assert.Zero(t, c.Undecided)
	assert.Empty(t, l.watched, "nothing is held for what is decided")
}

// TestPatchThatBlindsTheWebhook has the log of an API server whose webhook batch
// could not be encoded: of the patch there is the first stage only, and the batch
// never comes.
func TestPatchThatBlindsTheWebhook(t *testing.T) {
	l := newLossesOf(1000)
	in := newIntake(func(c *Config) { c.Ledger, c.Now = l.Ledger, l.clock.now })
	take := func(source, body string) Receipt {
		t.Helper()
		r, err := in.Take(t.Context(), Body{Source: source, Cluster: "prod", Data: []byte(body)})
		require.NoError(t, err)
		return r
	}
	line := func(item string) string { return `{"kind":"Event","apiVersion":"audit.k8s.io/v1",` + item[1:] + "\n" }
	take(SourceWebhook, list(event("first")))
	at := noon.Add(time.Second)
	patch := fmt.Sprintf(`{"auditID":"patch","stage":"RequestReceived","verb":"patch","stageTimestamp":%q}`, at.Format(time.RFC3339Nano))
	blinded := []string{eventAt("a", at), patch, eventAt("b", at)}
	sent := []string{eventAt("c", at.Add(time.Second)), eventAt("d", at.Add(time.Second))}
	l.clock.pass(3 * time.Second)
	var log string
	for _, item := range append([]string{event("first")}, append(blinded, sent...)...) {
		log += line(item)
	}
	assert.Equal(t, Receipt{Events: 5, Known: 1}, take(SourceFile, log))
	l.pass(30 * time.Second)
	assert.Equal(t, Receipt{Known: 2}, take(SourceWebhook, list(sent...)))
	for range 4 {
		l.pass(DefaultLedgerKeep / 2)
	}
	assert.Equal(t, map[string]int{"prod": 3}, l.lost)
	assert.Len(t, in.log.events(t), 6, "and nothing is missing")
}

func TestForgottenTooEarlyIsNotLost(t *testing.T) {
	l := newLossesOf(30)
	l.give("prod", SourceWebhook, 0)
	for n := 1; n <= 100; n++ {
		l.give("prod", SourceFile, n)
	}
	assert.Empty(t, l.lost)
	c := l.Counters()
	assert.Positive(t, c.Undecided)
	assert.Equal(t, c.Forgotten, c.Early)
	assert.EqualValues(t, 101, int(c.Forgotten)+c.Entries)
}

func TestVeryManyClustersAreDedupedAndNotWatched(t *testing.T) {
	l := newLossesOf(20_000)
	for n := range 6000 {
		cluster := fmt.Sprint("c", n)
		l.give(cluster, SourceWebhook, n)
		assert.True(t, l.give(cluster, SourceWebhook, n))
		l.give(cluster, SourceFile, n+10_000)
	}
	assert.LessOrEqual(t, len(l.clusters), clusterMask)
	for range 4 {
		l.pass(DefaultLedgerKeep / 2)
	}
	assert.Len(t, l.lost, clusterMask)
}

// TestLedgerUnderLoad is for -race.
func TestLedgerUnderLoad(t *testing.T) {
	l := newLossesOf(3000)
	var mu sync.Mutex
	l.cfg.Lost = func(string, int, []audit.Identity) {
		mu.Lock()
		defer mu.Unlock()
		l.Counters()
	}
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			source := []string{SourceWebhook, SourceFile}[w%2]
			for n := range 5000 {
				l.give("prod", source, n/2)
				l.clock.pass(time.Second / 4)
				if n%100 == 0 {
					l.Expire()
				}
			}
		})
	}
	all.Wait()
	c := l.Counters()
	assert.LessOrEqual(t, c.Entries, 3000)
	assert.Positive(t, c.Forgotten)
}

func BenchmarkLedger(b *testing.B) {
	l := NewLedger(LedgerConfig{Now: newClock().now})
	ids := make([]Sighting, 400)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(ids) {
		for i := range ids {
			ids[i] = Sighting{ID: identity(n + i), Time: noon}
		}
		l.Known("prod", SourceWebhook, ids)
		l.Stored("prod", SourceWebhook, ids)
	}
}
