package cloudlogging

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

// Priority is whose turn it is when requests are scarce.
type Priority int

// The priorities.
const (
	Live Priority = iota // who follows
	Past                 // who reads what is long past
)

const (
	// steady is the share of the requests of a minute that come evenly; the rest is what may come at once. So no minute has
	// more than are allowed.
	steady = 0.9
	// kept is how many requests history leaves in the bucket.
	kept = 2
	// claim is how long history stands back after a puller had to wait. It is renewed while it waits.
	claim = 3 * time.Second
	// longestLook is how long a waiter does not look again: another process may have changed what it waits for.
	longestLook = time.Second
	// longestBlock bounds what is believed of a file.
	longestBlock = 10 * time.Minute
)

// Quotas are the requests that may be made, by project. The zero value of Dir keeps them in this process.
type Quotas struct {
	Dir       string // a folder that processes share; it must exist
	PerMinute int
	Now       func() time.Time

	mu sync.Mutex
	of map[string]*Quota
}

// Of returns the quota of the project, folder, organization or billing account of a resource.
func (q *Quotas) Of(resource string) *Quota {
	container := query.Container(resource)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.of == nil {
		q.of = map[string]*Quota{}
	}
	if q.of[container] == nil {
		one := &Quota{perMinute: float64(max(q.PerMinute, 1)), now: q.Now}
		if q.Dir != "" {
			one.path = filepath.Join(q.Dir, "quota-"+nameOf(container)+".json")
		}
		q.of[container] = one
	}
	return q.of[container]
}

// nameOf makes a name of a file of something.
func nameOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// Quota is a token bucket.
type Quota struct {
	path      string // "": shared with nobody
	perMinute float64
	now       func() time.Time

	mu    sync.Mutex
	state bucket // where there is no file
	fails int    // refusals of the API in a row
	count QuotaCounters
}

// QuotaCounters count since the start of the process.
type QuotaCounters struct {
	Requests  int64         `json:"requests"`         // that were made
	Waits     int64         `json:"waits"`            // requests that had to wait
	Waited    time.Duration `json:"-"`                // by them
	Refusals  int64         `json:"refusals"`         // times that the API said that the quota is used up
	Unshared  int64         `json:"unshared"`         // times that the folder could not be used, so that other processes did not count
	Blocked   time.Time     `json:"blocked,omitzero"` // until when the API is not asked, after a refusal; zero: it is
	PerMinute int           `json:"per_minute"`       // allowed
}

// Counters gives the counts.
func (q *Quota) Counters() QuotaCounters {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.count
	c.PerMinute = int(q.perMinute)
	if !c.Blocked.After(q.now()) {
		c.Blocked = time.Time{}
	}
	return c
}

// bucket is what a file holds.
type bucket struct {
	Tokens  float64   `json:"tokens"`
	At      time.Time `json:"at"`      // when it had them
	Claimed time.Time `json:"claimed"` // until when history stands back
	Blocked time.Time `json:"blocked"` // until when nobody asks
}

func (q *Quota) burst() float64 { return max(1, (1-steady)*q.perMinute) }

// Take waits for its turn to make a request. told is called once if it takes a while, with the time that it takes at least.
func (q *Quota) Take(ctx context.Context, p Priority, told func(time.Duration)) error {
	begin := q.now()
	for waits := 0; ; waits++ {
		wait := q.try(p)
		if wait <= 0 {
			q.taken(waits > 0, q.now().Sub(begin))
			return nil
		}
		if waits == 0 && told != nil {
			told(wait)
		}
		if err := pause(ctx, min(wait, longestLook)); err != nil {
			return err
		}
	}
}

func (q *Quota) taken(waited bool, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count.Requests++
	if waited {
		q.count.Waits++
		q.count.Waited += d
	}
}

// try takes a token, or tells how long there will be none.
func (q *Quota) try(p Priority) (wait time.Duration) {
	q.change(func(b *bucket, now time.Time) {
		need := 1.0
		if p == Past {
			need += min(kept, q.burst()-1)
		}
		switch {
		case b.Blocked.After(now):
			wait = b.Blocked.Sub(now)
		case p == Past && b.Claimed.After(now):
			wait = min(claim/10, b.Claimed.Sub(now))
		case b.Tokens >= need:
			b.Tokens--
		default:
			wait = max(time.Millisecond, time.Duration((need-b.Tokens)/q.rate()*float64(time.Second)))
		}
		if p == Live {
			b.Claimed = time.Time{}
			if wait > 0 {
				b.Claimed = now.Add(claim)
			}
		}
	})
	return wait
}

func (q *Quota) rate() float64 { return steady * q.perMinute / 60 }

// Backoff of a quota that the API says is used up. Quotas are by the minute.
const (
	firstBlock = 5 * time.Second
	lastBlock  = time.Minute
)

// refused notes that the API said that the quota is used up, whoever used it. after is when it wants to be asked again; 0:
// it does not say.
func (q *Quota) refused(after time.Duration) (blocked time.Duration) {
	q.mu.Lock()
	q.fails++
	blocked = after
	if blocked <= 0 {
		blocked = min(firstBlock<<min(q.fails-1, 10), lastBlock)
	}
	blocked = min(blocked, longestBlock)
	q.count.Refusals++
	q.count.Blocked = q.now().Add(blocked)
	q.mu.Unlock()
	q.change(func(b *bucket, now time.Time) {
		b.Tokens, b.Blocked = 0, now.Add(blocked)
	})
	return blocked
}

// answered notes that the API answered.
func (q *Quota) answered() {
	q.mu.Lock()
	q.fails = 0
	q.mu.Unlock()
}

// change changes the bucket that all share.
func (q *Quota) change(f func(*bucket, time.Time)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.path == "" {
		q.fill(&q.state, f)
		return
	}
	file, err := os.OpenFile(q.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		q.alone(f)
		return
	}
	defer file.Close()
	if err := lockFile(file); err != nil {
		q.alone(f)
		return
	}
	// The lock is let go with the file. The clock is read behind it, as it may have been waited for.
	b := q.state
	text := make([]byte, 1024)
	n, _ := file.ReadAt(text, 0) // an empty file is a new one
	if json.Unmarshal(text[:n], &b) != nil {
		b = bucket{}
	}
	q.fill(&b, f)
	q.state = b
	if text, err = json.Marshal(b); err == nil {
		if _, err = file.WriteAt(append(text, '\n'), 0); err == nil {
			err = file.Truncate(int64(len(text) + 1))
		}
	}
	if err != nil {
		q.count.Unshared++
	}
}

// alone goes on without the other processes.
func (q *Quota) alone(f func(*bucket, time.Time)) {
	q.count.Unshared++
	q.fill(&q.state, f)
}

func (q *Quota) fill(b *bucket, f func(*bucket, time.Time)) {
	now := q.now()
	switch {
	case b.At.IsZero():
		b.Tokens = q.burst()
	case now.After(b.At):
		b.Tokens = min(q.burst(), b.Tokens+now.Sub(b.At).Seconds()*q.rate())
	}
	b.Tokens, b.At = min(max(b.Tokens, 0), q.burst()), now
	if b.Blocked.Sub(now) > longestBlock { // by another clock
		b.Blocked = now.Add(longestBlock)
	}
	if b.Claimed.Sub(now) > claim {
		b.Claimed = now.Add(claim)
	}
	f(b, now)
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
