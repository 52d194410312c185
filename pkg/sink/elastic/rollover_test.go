package elastic_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/elastic"
)

func TestOneIndexNeedsNoLookUp(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.cluster.rollover(eventStream, false)
		b.cluster.rollover(detectionStream, false)
		b.put(several(10)...)
		b.put(several(10)...)
		b.requireOnce(10)
		assert.Zero(t, b.Stats().LookUps)
	})
}

// TestRolloverBetweenRuns has the same events come again behind rollovers: a moment
// later, when no search finds them yet, and when only searches ask for them.
func TestRolloverBetweenRuns(t *testing.T) {
	for name, tt := range map[string]struct {
		wait      time.Duration
		refreshed bool
	}{"at once": {time.Second, false}, "a day later": {24 * time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, b *bench) {
				events := several(300)
				b.put(events[:200]...)
				b.cluster.rollover(eventStream, tt.refreshed)
				b.cluster.rollover(eventStream, tt.refreshed)
				b.cluster.rollover(detectionStream, tt.refreshed)
				<-time.After(tt.wait)
				again, err := elastic.NewShort(b.cfg)
				require.NoError(t, err)
				defer again.Close()
				b.Sink = again
				b.put(events...)
				b.requireOnce(300)
				assert.EqualValues(t, 200+100, b.Stats().Found)
				assert.Zero(t, b.Stats().Removed)
			})
		})
	}
}

// TestFreshEventsAreNotLookedFor where no earlier index can hold them.
func TestFreshEventsAreNotLookedFor(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.cluster.rollover(eventStream, true)
		b.cluster.rollover(detectionStream, true)
		b.put(several(10)...)
		b.cluster.rollover(eventStream, true)
		b.cluster.rollover(detectionStream, true)
		<-time.After(3 * time.Hour)
		b.put(event(100, 1))
		assert.Zero(t, b.Stats().LookUps)
		ahead := event(101, 0)
		ahead.Event.Time, ahead.Flags = time.Now().Add(48*time.Hour), record.Ahead
		b.put(ahead)
		assert.EqualValues(t, 1, b.Stats().LookUps, "its time says nothing of when it was received first")
	})
}

// TestRolloverDuringARun lets documents that are there into the next index, since it
// comes between look-up and creation, and the sink takes them out again.
func TestRolloverDuringARun(t *testing.T) {
	within(t, func(cfg *elastic.Config, c *cluster) {
		cfg.BulkDocuments = 10
		c.bulk = func(b *bulk) error {
			if b.n == 6 || b.n == 8 {
				c.rolloverLocked(eventStream, false)
				c.rolloverLocked(detectionStream, false)
			}
			return nil
		}
	}, func(t *testing.T, b *bench) {
		b.put(several(20)...)
		b.put(several(60)...)
		b.requireOnce(60)
		assert.NotZero(t, b.Stats().Removed)
		assert.Zero(t, b.Stats().Doubles)
	})
}

// TestAnswerLostBeforeARollover has an attempt succeed of which nobody knows, and a
// rollover come before the next.
func TestAnswerLostBeforeARollover(t *testing.T) {
	for name, expire := range map[string]time.Duration{"with the list of before": 0, "with a new list": 2 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			within(t, func(cfg *elastic.Config, c *cluster) {
				c.bulk = func(b *bulk) error {
					if b.n != 1 {
						return nil
					}
					b.do()
					c.rolloverLocked(eventStream, false)
					return &elasticsearch.Unavailable{Status: 504, After: expire, Err: errors.New("504")}
				}
			}, func(t *testing.T, b *bench) {
				b.put(event(0, 0), event(1, 0))
				b.requireOnce(2)
				assert.EqualValues(t, 2, b.Stats().Removed+b.Stats().Found)
			})
		})
	}
}

// TestStragglers has a request that was given up work on behind a rollover, and behind
// the attempt that followed.
func TestStragglers(t *testing.T) {
	within(t, func(cfg *elastic.Config, c *cluster) {
		var late *index
		c.bulk = func(b *bulk) error {
			switch b.n {
			case 1: // the stream is there from now on, with one index
			case 2:
				late = c.streams[eventStream][0]
				c.rolloverLocked(eventStream, false)
				ids, bodies := b.ids, b.bodies
				time.AfterFunc(3*time.Second, func() {
					c.mu.Lock()
					defer c.mu.Unlock()
					for i, id := range ids {
						late.docs[id] = bodies[i]
					}
				})
				return errNoAnswer
			}
			return nil
		}
	}, func(t *testing.T, b *bench) {
		b.put(event(0, 0))
		b.put(event(1, 0), event(2, 0))
		<-time.After(time.Minute)
		b.requireOnce(3)
		assert.EqualValues(t, 2, b.Stats().Removed)
	})
}

// TestFewRights goes through what a key may not do, of what is asked for to have each
// document once.
func TestFewRights(t *testing.T) {
	forbidden := &elasticsearch.Refused{Status: 403, Type: "security_exception", Reason: "action is unauthorized"}
	not := func(parts ...string) func(string) error {
		return func(path string) error {
			for _, p := range parts {
				if strings.Contains(path, p) {
					return forbidden
				}
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		do                func(string) error
		noDelete          bool
		doubles, possible int
	}{
		"no list":    {not("_resolve", "_settings", "_mget", "_search"), true, 0, 10},
		"no look-up": {not("_mget", "_search"), true, 0, 10},
		"no delete":  {nil, true, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(_ *elastic.Config, c *cluster) {
				c.do = tt.do
				c.bulk = func(b *bulk) error {
					if b.n == 2 { // behind the look-up, if there is one
						c.rolloverLocked(eventStream, false)
					}
					if tt.noDelete && strings.HasPrefix(b.target, ".ds-") {
						return forbidden
					}
					return nil
				}
			}, func(t *testing.T, b *bench) {
				events := make([]*record.Event, 10)
				for i := range events {
					events[i] = event(i, 0)
				}
				b.put(events...)
				b.put(events...)
				for i := range events {
					assert.Equal(t, 2, b.cluster.found(eventStream)[id(i)])
				}
				assert.EqualValues(t, tt.doubles, b.Stats().Doubles)
				assert.EqualValues(t, tt.possible, b.Stats().PossibleDoubles)
				assert.LessOrEqual(t, strings.Count(b.log.String(), "may not look documents up"), 1)
				if tt.possible == 0 {
					return
				}
				<-time.After(72 * time.Hour)
				b.put(event(100, 0))
				assert.EqualValues(t, tt.possible, b.Stats().PossibleDoubles, "no earlier index can hold it")
			})
		})
	}
}

// envSeeds is how many random sessions TestAnyFault goes through.
const envSeeds = "KUBEWITNESS_SINK_SEEDS"

// TestAnyFault lays random faults and rollovers over random deliveries, some of them
// repeated: in the end each event is there once, whatever happened.
func TestAnyFault(t *testing.T) {
	seeds := 60
	if n, err := strconv.Atoi(os.Getenv(envSeeds)); err == nil {
		seeds = n
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 5)) // of the cluster
			deliveries := rand.New(rand.NewPCG(uint64(seed), 6))
			quiet := false
			within(t, func(cfg *elastic.Config, c *cluster) {
				cfg.BulkDocuments, cfg.InFlight, cfg.MaxMemory = 1+r.IntN(30), 1+r.IntN(4), int64(2000+r.IntN(60_000))
				c.do = func(string) error {
					if !quiet && r.IntN(10) == 0 {
						return errNoAnswer
					}
					return nil
				}
				c.bulk = func(b *bulk) error {
					if quiet {
						return nil
					}
					return anyFault(c, b, r)
				}
			}, func(t *testing.T, b *bench) {
				const n = 120
				for range 12 {
					var batch []*record.Event
					for range 1 + deliveries.IntN(60) {
						batch = append(batch, event(deliveries.IntN(n), deliveries.IntN(2)))
					}
					require.NoError(t, b.Write(t.Context(), batch))
					if deliveries.IntN(3) == 0 {
						b.settle()
					}
					if deliveries.IntN(4) == 0 {
						b.cluster.rollover(eventStream, false)
						b.cluster.rollover(detectionStream, deliveries.IntN(2) == 0)
					}
				}
				b.settle()
				b.cluster.mu.Lock()
				quiet = true
				b.cluster.mu.Unlock()
				b.put(several(n)...)
				b.requireOnce(n)
				for id, times := range b.cluster.found(detectionStream) {
					require.Equal(t, 1, times, "detection %s", id)
				}
			})
		})
	}
}

// anyFault draws one; c.mu is held.
func anyFault(c *cluster, b *bulk, r *rand.Rand) error {
	stream := eventStream
	if strings.Contains(b.target, "detections") {
		stream = detectionStream
	}
	if r.IntN(12) == 0 {
		c.rolloverLocked(stream, r.IntN(2) == 0)
	}
	switch r.IntN(14) {
	case 0:
		return errNoAnswer
	case 1:
		return &elasticsearch.Unavailable{Status: 503, Err: errors.New("503")}
	case 2:
		b.do()
		if r.IntN(2) == 0 {
			c.rolloverLocked(stream, false)
		}
		return errNoAnswer
	case 3: // some done, and some of these answered for as if not
		b.do()
		for i := range b.items {
			if r.IntN(3) == 0 {
				b.items[i] = elasticsearch.BulkItem{Status: []int{429, 503, 500}[r.IntN(3)], Index: b.items[i].Index}
			}
		}
	case 4: // some not done
		b.do()
		for i, id := range b.ids {
			if ix := c.index(b.items[i].Index); b.items[i].Status == 201 && r.IntN(3) == 0 {
				delete(ix.docs, id)
				b.items[i] = elasticsearch.BulkItem{Status: 429, Index: ix.name}
			}
		}
	case 5:
		if len(b.ids) > 1 {
			return &elasticsearch.TooLarge{Bytes: b.size}
		}
	}
	return nil
}
