package cloudlogging

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	server "github.com/kubewitness/kubewitness/test/cloudlogging"
)

// tailing starts a puller that tails, and waits until it does.
func tailing(t *testing.T, change func(*Config)) *rig {
	r := newRig(t, func(c *Config) {
		c.Tail = true
		if change != nil {
			change(c)
		}
	})
	r.start(t)
	r.until(t, "a tail", func(s Status) bool {
		open, _ := r.Tails()
		return s.Mode == ModeTailing && open == 1
	})
	return r
}

// TestTail: what is new comes by itself and costs no request but the one at the begin.
func TestTail(t *testing.T) {
	r := tailing(t, nil)
	for n := range 50 {
		r.Add(server.Entry(server.Made{N: n, At: time.Now(), Received: time.Now()}))
	}
	r.requireAll(t, 0, 50)
	assert.Len(t, r.Requests(), 1)
	assert.Equal(t, ModeTailing, r.puller.Status().Mode)
}

// TestTailAndRestart: what comes between two processes is read.
func TestTailAndRestart(t *testing.T) {
	r := tailing(t, nil)
	r.Add(server.Entries(0, 10, time.Now(), time.Millisecond)...)
	r.taker.await(t, 10)
	r.end()
	r.Add(server.Entries(10, 20, time.Now(), time.Millisecond)...)
	r.clock.pass(5 * time.Second)
	r.start(t)
	r.taker.await(t, 20)
	r.Add(server.Entries(20, 30, time.Now().Add(5*time.Second), time.Millisecond)...)
	r.taker.await(t, 30)
	r.end()
	assert.ElementsMatch(t, names(0, 30), r.taker.ids())
}

// TestSuppression: what a tail leaves out is read, and the cursor waits for it.
func TestSuppression(t *testing.T) {
	r := tailing(t, nil)
	at := time.Now()
	entry := func(n int) { r.Add(server.Entry(server.Made{N: n, At: at, Received: at})) }
	entry(0)
	r.taker.await(t, 1)
	r.Suppress(3)
	for n := 1; n < 6; n++ {
		entry(n)
	}
	r.requireAll(t, 0, 6)
	s := r.puller.Status()
	assert.EqualValues(t, 3, s.Suppressed)
	assert.Positive(t, s.Gaps)
	requests := r.Requests()
	assert.LessOrEqual(t, len(requests), 1+int(s.Gaps), "one for a gap")
	assert.GreaterOrEqual(t, requests[len(requests)-1].Entries, 4, "from before the gap on")
}

// TestGapAndRestart: a process that ends with a gap leaves it to the next.
func TestGapAndRestart(t *testing.T) {
	r := tailing(t, func(c *Config) { c.Poll = time.Hour })
	at := time.Now()
	r.Suppress(1)
	r.Add(server.Entries(0, 1, at, 0)...)
	r.until(t, "a gap", func(s Status) bool { return s.Gaps == 1 })
	// A minute later it would be out of what is read again without a gap.
	r.clock.pass(time.Minute)
	r.Add(server.Entries(1, 2, at.Add(time.Minute), 0)...)
	r.taker.await(t, 1)
	r.end()
	r.clock.pass(time.Second)
	r.start(t)
	r.taker.await(t, 2)
	r.end()
	assert.ElementsMatch(t, names(0, 2), r.taker.ids())
}

// TestTailLeavesOutSilently: a second look finds it.
func TestTailLeavesOutSilently(t *testing.T) {
	r := tailing(t, nil)
	r.AddSilently(server.Entries(0, 1, time.Now(), 0)...)
	r.clock.pass(2*r.cfg.Overlap + time.Minute)
	r.requireAll(t, 0, 1)
	assert.EqualValues(t, 1, r.puller.Status().Late)
}

// TestTailRefused: the log is polled, and a tail tried again.
func TestTailRefused(t *testing.T) {
	for name, err := range map[string]error{
		"sessions": status.Error(codes.ResourceExhausted, "10 sessions"), "rights": status.Error(codes.PermissionDenied, "no"),
		"unimplemented": status.Error(codes.Unimplemented, "no tail for this resource"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.Tail, c.Backoff = true, 2*time.Second })
			r.RefuseTails(err)
			r.start(t)
			r.until(t, "polling", func(s Status) bool { return s.Mode == ModePolling && s.TailFails >= 1 })
			r.Add(server.Entries(0, 1, time.Now().Add(-time.Second), 0)...)
			r.taker.await(t, 1)
			r.RefuseTails(nil)
			r.clock.pass(3 * time.Second)
			r.until(t, "a tail", func(s Status) bool { open, _ := r.Tails(); return s.Mode == ModeTailing && open == 1 })
			r.Add(server.Entries(1, 2, time.Now(), 0)...)
			r.requireAll(t, 0, 2)
		})
	}
}

// TestTailBreaks: what comes meanwhile is read, each entry once.
func TestTailBreaks(t *testing.T) {
	r := tailing(t, nil)
	for n := range 5 {
		r.Add(server.Entries(10*n, 10*n+5, time.Now(), time.Microsecond)...)
		r.BreakTails(status.Error(codes.Unavailable, "the connection was reset"))
		r.Add(server.Entries(10*n+5, 10*n+10, time.Now(), time.Microsecond)...)
		r.until(t, "another tail", func(s Status) bool {
			_, asked := r.Tails()
			return asked > n+1 && s.Mode == ModeTailing
		})
		r.clock.pass(2 * time.Second)
	}
	r.requireAll(t, 0, 50)
}

// TestTailDuringLongReading: what a tail brings while a gap is read is taken as it comes, so that there is no new gap.
func TestTailDuringLongReading(t *testing.T) {
	r := tailing(t, nil)
	at := time.Now()
	r.Pages(10)
	r.Suppress(500)
	r.Add(server.Entries(0, 500, at, time.Microsecond)...)
	for n := 500; n < 600; n++ {
		r.Add(server.Entries(n, n+1, time.Now(), 0)...)
	}
	r.requireAll(t, 0, 600)
	require.GreaterOrEqual(t, len(r.Requests()), 50)
}
