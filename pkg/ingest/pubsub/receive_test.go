package pubsub

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

func TestMessagesAreStoredAndThenAcknowledged(t *testing.T) {
	w := newWorld(t, nil)
	var want, ids []string
	for i := range 40 {
		name := fmt.Sprintf("e%d", i)
		want = append(want, name)
		ids = append(ids, w.publish(entry(name, []string{"prod", "lab"}[i%2]))...)
	}
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored(want...)
	for _, e := range w.log.events(t) {
		assert.Equal(t, Source, e.Source)
		assert.Contains(t, []string{"prod", "lab"}, e.Event.Cluster)
		assert.Equal(t, "europe-west4", e.Labels["location"])
		assert.True(t, e.Late(), "it came years after it happened, or at least an hour")
	}
	w.eventually("all is counted", func() bool { return w.sub.Status().InHand == 0 })
	s := w.sub.Status()
	assert.Equal(t, []int64{40, 40, 0, 40, 0, 0, 0}, []int64{s.Received, s.Acked, s.Nacked, s.Events, s.Known, s.Dead, s.Redelivered})
	assert.Zero(t, s.InHand)
	assert.Empty(t, s.LastError)
	assert.Positive(t, s.Delay)
}

// TestIdentityIsTheEntrys: it is that of an exported or pulled entry, so an entry that comes over two ways, or twice over
// this one, is stored once.
func TestIdentityIsTheEntrys(t *testing.T) {
	w := newWorld(t, nil)
	e := entry("one", "prod")
	ids := w.publish(e, e, entry("two", "prod"))
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("one", "two")
	exported, err := gcp.Converter{}.Convert([]byte(e))
	require.NoError(t, err)
	found := false
	for _, stored := range w.log.events(t) {
		found = found || stored.ID == exported.Identity
	}
	assert.True(t, found)
	w.eventually("the second is counted", func() bool { return w.sub.Status().Known == 1 })
}

func TestPoisonIsKeptAndThenAcknowledged(t *testing.T) {
	w := newWorld(t, nil)
	w.log.set(refusing(errFull))
	ids := w.publish(notJSON, notAnyone, noTime, "")
	w.eventually("it was tried", func() bool { return w.log.calls() > 0 })
	assert.Zero(t, w.acks(ids...), "nothing of it is on disk")
	w.log.set(refusing(nil))
	ids = append(ids, w.publish(entry("good", "prod"))...)
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("good")
	reasons := map[string]string{}
	for _, d := range w.log.dead() {
		reasons[string(d.Raw)] = d.Reason
	}
	assert.Len(t, reasons, 4)
	assert.Contains(t, reasons[notJSON], "entry: gcp: malformed log entry: ")
	assert.Contains(t, reasons[notAnyone], "it has no payload")
	assert.Contains(t, reasons[noTime], "entry: gcp: malformed log entry: it has no timestamp")
	assert.NotEmpty(t, reasons[""])
	assert.EqualValues(t, 4, w.sub.Status().Dead)
}

func TestEntriesOfOthersAreCountedByName(t *testing.T) {
	w := newWorld(t, nil)
	ids := w.publish(otherAPI, container, otherAPI, entry("good", "prod"))
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("good")
	assert.Empty(t, w.log.dead())
	assert.Equal(t, map[string]int64{"container.googleapis.com": 2, "stdout": 1}, w.sub.Status().Skipped)
}

// TestManyNamesAreCountedTogether: anybody can make up names of logs.
func TestManyNamesAreCountedTogether(t *testing.T) {
	s := newSubscription(Config{}, nil)
	s.cfg.Now = time.Now
	for i := range 2 * maxNames {
		s.skip(fmt.Sprint(i))
	}
	assert.Len(t, s.Status().Skipped, maxNames+1)
	assert.EqualValues(t, maxNames, s.Status().Skipped[otherName])
}

// TestNothingIsAcknowledgedBeforeItIsStored: whatever the log says.
func TestNothingIsAcknowledgedBeforeItIsStored(t *testing.T) {
	for name, err := range map[string]error{
		"full": errFull, "draining": spool.Draining{}, "unknown": spool.Unknown{Cause: errLost}, "poisoned": spool.Poisoned{Cause: errLost}, "other": errLost,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.log.set(refusing(err))
			ids := w.publish(entry("a", "prod"), entry("b", "prod"))
			w.eventually("it was tried again", func() bool { return w.sub.Status().Retries >= 2 && w.sub.Status().Received == 2 })
			assert.Zero(t, w.acks(ids...))
			w.eventually("it is told", func() bool {
				return strings.Contains(w.sub.Status().LastError, err.Error()) && strings.Contains(w.told.String(), "held up")
			})
			w.log.set(refusing(nil))
			w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
			w.requireStored("a", "b")
			w.eventually("it is told", func() bool { return w.sub.Status().LastError == "" && strings.Contains(w.told.String(), "going on") })
			assert.Zero(t, w.sub.Status().Nacked, "it was kept")
		})
	}
}

// TestWhatIsNotTakenIsHandedBack: after a while, so that Pub/Sub can give it to somebody else; it comes again.
func TestWhatIsNotTakenIsHandedBack(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Hold = time.Millisecond })
	w.log.set(refusing(errFull))
	ids := w.publish(entry("a", "prod"), entry("b", "prod"))
	w.eventually("it came again", func() bool { return w.sub.Status().Nacked >= 4 && w.sub.Status().Redelivered >= 2 })
	assert.Zero(t, w.acks(ids...))
	w.log.set(refusing(nil))
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("a", "b")
}

// TestAClusterThatSendsTooMuchHoldsUpNobodyElse: only what is its own waits.
func TestAClusterThatSendsTooMuchHoldsUpNobodyElse(t *testing.T) {
	w := newWorld(t, nil)
	first := w.publish(entry("s1", "slow"))
	w.eventually("its burst is used up", func() bool { return w.acked(first...) })
	slow := w.publish(entry("s2", "slow"), entry("s3", "slow"), entry("s4", "slow"), entry("s5", "slow"))
	w.eventually("they wait", func() bool { return w.sub.Status().Retries > 0 })
	ids := w.publish(entry("a", "prod"), entry("b", "lab"))
	w.eventually("the others are acknowledged", func() bool { return w.acked(ids...) })
	assert.Zero(t, w.acks(slow...))
	assert.Empty(t, w.sub.Status().LastError, "it goes on")
	w.requireStored("s1", "a", "b")
}

// TestFlowControl: no more is in hand than may be, and all of it comes in the end.
func TestFlowControl(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Outstanding = 5 })
	open := make(chan struct{})
	w.log.set(func(spool.Record) error { <-open; return nil })
	var want, ids []string
	for i := range 20 {
		name := fmt.Sprintf("e%d", i)
		want = append(want, name)
		ids = append(ids, w.publish(entry(name, "prod"))...)
	}
	w.eventually("it is full", func() bool { return w.sub.Status().InHand == 5 })
	assert.Positive(t, w.sub.Status().OldestAge)
	assert.EqualValues(t, 5, w.sub.Status().Received)
	close(open)
	w.eventually("all are acknowledged", func() bool {
		require.LessOrEqual(t, w.sub.Status().InHand, 5)
		return w.acked(ids...)
	})
	w.requireStored(want...)
}

// TestBytesAreBoundedToo: a message of more than there may be has room when it is alone.
func TestBytesAreBoundedToo(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.OutstandingBytes = 10 })
	ids := w.publish(entry("a", "prod"), entry("b", "prod"), entry("c", "prod"))
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("a", "b", "c")
}

// TestEndHandsBackWhatIsNotStored, and stores what is under way.
func TestEndHandsBackWhatIsNotStored(t *testing.T) {
	w := newEnding(t, nil)
	began, open := make(chan struct{}, 10), make(chan struct{})
	w.log.set(func(r spool.Record) error {
		began <- struct{}{}
		<-open
		return nil
	})
	under := w.publish(entry("under way", "prod"))
	<-began
	parts := w.publish(part("p", "prod", 0, 2))
	w.eventually("the part waits", func() bool { return w.sub.Status().Parts == 1 })
	stop := make(chan struct{})
	go func() { defer close(stop); w.end() }()
	w.eventually("the part was handed back", func() bool { return w.sub.Status().Nacked >= 1 })
	close(open)
	<-stop
	assert.True(t, w.acked(under...))
	assert.Zero(t, w.acks(parts...))
	w.requireStored("under way")

	w.log.set(refusing(nil)) // the next process gets the part again, and the other one
	w.receive(nil)
	parts = append(parts, w.publish(part("p", "prod", 1, 2))...)
	w.eventually("the entry is whole", func() bool { return w.acked(parts...) })
	w.requireStored("under way", "p")
}

// TestEndWhileTheLogIsFull does not wait for it.
func TestEndWhileTheLogIsFull(t *testing.T) {
	w := newEnding(t, nil)
	w.log.set(refusing(errFull))
	ids := w.publish(entry("a", "prod"), entry("b", "prod"))
	w.eventually("it was tried", func() bool { s := w.sub.Status(); return s.Retries > 0 && s.Received == 2 })
	w.end()
	s := w.sub.Status()
	assert.Zero(t, s.InHand)
	assert.GreaterOrEqual(t, s.Nacked, int64(2))
	assert.Zero(t, w.acks(ids...))
	w.log.set(refusing(nil))
	w.receive(nil)
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("a", "b")
}

// TestEndWhileTheLogStandsStill: what it had begun is handed back after a while, and known when it comes again.
func TestEndWhileTheLogStandsStill(t *testing.T) {
	w := newEnding(t, func(c *Config) { c.Grace = time.Millisecond })
	w.log.set(func(spool.Record) error { return spool.Unknown{Cause: errLost} })
	w.publish(entry("a", "prod"))
	w.eventually("it was tried", func() bool { return w.sub.Status().Retries > 0 })
	w.end()
	assert.Zero(t, w.sub.Status().InHand)
}

func TestASubscriptionThatComesLater(t *testing.T) {
	w := newServer(t)
	w.receive(nil)
	w.eventually("it is told", func() bool { return strings.Contains(w.told.String(), subscription) })
	assert.Contains(t, w.sub.Status().LastError, "there is no such subscription; create it")
	assert.NotZero(t, w.sub.Status().ErrorSince)
	w.subscribe()
	ids := w.publish(entry("a", "prod"))
	w.eventually("all are acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("a")
	w.eventually("it is told", func() bool { return w.sub.Status().LastError == "" })
}

// TestAServerThatIsNotThere is told, although the library tries again without a word.
func TestAServerThatIsNotThere(t *testing.T) {
	w := newServer(t)
	w.subscribe()
	w.closed = true
	require.NoError(t, w.server.Close())
	w.receive(func(c *Config) { c.Grace = time.Second })
	w.eventually("it is told", func() bool { return w.sub.Status().LastError != "" })
	assert.Contains(t, w.sub.Status().LastError, "Unavailable")
}
