package elastic_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/elastic"
)

// answered has some documents of a bulk request answered for otherwise, whether they
// were created or not.
func answered(status int, kind, why string, which func(int) bool) func(*bulk) error {
	return func(b *bulk) error {
		b.do()
		for i := range b.items {
			if which(i) {
				b.items[i] = elasticsearch.BulkItem{Status: status, Index: b.items[i].Index, Type: kind, Reason: why}
			}
		}
		return nil
	}
}

func all(int) bool        { return true }
func third(i int) bool    { return i%3 == 0 }
func after(b *bulk) error { b.do(); return errNoAnswer }

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	const times = 12
	for name, tt := range map[string]struct {
		fault func(*bulk) error
		cause elastic.Cause
	}{
		"429":                          {func(*bulk) error { return &elasticsearch.Unavailable{Status: 429, Err: errors.New("429")} }, elastic.Busy},
		"503":                          {func(*bulk) error { return &elasticsearch.Unavailable{Status: 503, Err: errors.New("503")} }, elastic.Unavailable},
		"no answer, nothing done":      {func(*bulk) error { return errNoAnswer }, elastic.Unavailable},
		"no answer, all done":          {after, elastic.Unavailable},
		"an error of no type":          {func(*bulk) error { return errors.New("odd") }, elastic.Unavailable},
		"429 of all":                   {answered(429, "es_rejected_execution_exception", "rejected execution", all), elastic.Busy},
		"429 of some":                  {answered(429, "es_rejected_execution_exception", "rejected execution", third), elastic.Busy},
		"503 of some":                  {answered(503, "unavailable_shards_exception", "primary shard is not active", third), elastic.Failed},
		"500 of all":                   {answered(500, "io_exception", "disk", all), elastic.Failed},
		"another conflict":             {answered(409, "illegal_state_exception", "odd", third), elastic.Failed},
		"a status of no meaning":       {answered(302, "", "", third), elastic.Failed},
		"a closed index":               {answered(400, "index_closed_exception", "closed", all), elastic.Target},
		"a blocked index":              {answered(403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)]", all), elastic.Target},
		"a pipeline that is not there": {answered(400, "illegal_argument_exception", "pipeline with id [mine] does not exist", all), elastic.Target},
		"a request that is refused":    {func(*bulk) error { return &elasticsearch.Refused{Status: 405, Reason: "method not allowed"} }, elastic.Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(cfg *elastic.Config, c *cluster) {
				cfg.BulkDocuments = 20
				c.bulk = func(b *bulk) error {
					if b.n > times {
						return nil
					}
					return tt.fault(b)
				}
			}, func(t *testing.T, b *bench) {
				b.put(several(100)...)
				b.requireOnce(100)
				st := b.Stats()
				assert.NotZero(t, st.Retried[tt.cause])
				assert.Len(t, st.Retried, 1, "%v", st.Retried)
				assert.Zero(t, st.Dead+st.Reduced)
				assert.EqualValues(t, 100, st.EventsCreated+st.Conflicts+st.Found-uint64(50-st.DetectionsCreated))
				assert.Empty(t, b.State().Trouble)
			})
		})
	}
}

// TestBackOff holds that waiting doubles, is not the same for all, and obeys the server.
func TestBackOff(t *testing.T) {
	var at []time.Time
	within(t, func(cfg *elastic.Config, c *cluster) {
		cfg.LeastBackoff, cfg.MostBackoff = time.Second, time.Minute
		c.bulk = func(b *bulk) error {
			at = append(at, time.Now())
			switch {
			case b.n == 11:
				return &elasticsearch.Unavailable{Status: 429, After: 3 * time.Minute, Err: errors.New("429")}
			case b.n < 11:
				return errNoAnswer
			}
			return nil
		}
	}, func(t *testing.T, b *bench) {
		b.put(event(1, 0))
		require.Len(t, at, 12)
		for i, most := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60, 60} {
			wait := at[i+1].Sub(at[i])
			assert.LessOrEqual(t, wait, most*time.Second)
			assert.GreaterOrEqual(t, wait, most*time.Second/2)
		}
		assert.Equal(t, 3*time.Minute, at[11].Sub(at[10]))
	})
}

func TestTooLarge(t *testing.T) {
	const limit = 70_000
	within(t, func(_ *elastic.Config, c *cluster) {
		c.bulk = func(b *bulk) error {
			if b.size > limit {
				return &elasticsearch.TooLarge{Bytes: b.size}
			}
			return nil
		}
	}, func(t *testing.T, b *bench) {
		events := several(2000)
		events[7].Event.Raw = fmt.Appendf(nil, `{"a":"%s"}`, strings.Repeat("x", limit))
		b.put(events...)
		b.requireOnce(2000)
		assert.Contains(t, b.cluster.body(eventStream, id(7)), `"shape":"reduced"`)
		assert.Contains(t, b.cluster.body(eventStream, id(7)), "takes no document of")
		assert.EqualValues(t, 1, b.Stats().Reduced)
		assert.LessOrEqual(t, b.State().BulkBytes, limit)
		before := b.Stats().Requests
		b.put(several(2100)[2000:]...)
		assert.Equal(t, before+2, b.Stats().Requests, "it is known now")
	})
}

// TestRefusedDocuments refuses those that hold a word.
func TestRefusedDocuments(t *testing.T) {
	refuse := func(word string) func(*elastic.Config, *cluster) {
		return func(_ *elastic.Config, c *cluster) {
			c.bulk = func(b *bulk) error {
				b.do()
				ix := c.streams[b.target][0]
				for i, id := range b.ids {
					if strings.Contains(b.bodies[i], word) {
						delete(ix.docs, id)
						b.items[i] = elasticsearch.BulkItem{Status: 400, Index: ix.name, Type: "document_parsing_exception",
							Reason: "[1:2] failed to parse field [a] of type [date]. Preview of field's value: 's3cret'"}
					}
				}
				return nil
			}
		}
	}
	t.Run("in full shape", func(t *testing.T) {
		within(t, refuse(`{"n":3}`), func(t *testing.T, b *bench) {
			b.put(several(10)...)
			b.requireOnce(10)
			body := b.cluster.body(eventStream, id(3))
			assert.Contains(t, body, `"shape":"reduced","why":"document_parsing_exception: [1:2] failed to parse field [a] of type [date]."`)
			assert.EqualValues(t, 1, b.Stats().Reduced)
			assert.Empty(t, b.dead)
		})
	})
	t.Run("in every shape", func(t *testing.T) {
		within(t, func(cfg *elastic.Config, c *cluster) {
			refuse(`shape`)(cfg, c)
			var calls atomic.Int32
			take := cfg.Dead
			cfg.Dead = func(ctx context.Context, e *record.Event, reason string) error {
				if calls.Add(1) < 4 {
					return errors.New("the disk is full")
				}
				return take(ctx, e, reason)
			}
		}, func(t *testing.T, b *bench) {
			b.put(event(3, 1))
			require.Len(t, b.dead, 2)
			told := strings.Join(b.dead, "\n")
			assert.Contains(t, told, "the event of ID 00030000")
			assert.Contains(t, told, `detection 0 ("rule 0") of ID 00030000-0`)
			assert.Contains(t, told, "document_parsing_exception")
			assert.NotContains(t, told+b.log.String(), "s3cret")
			assert.EqualValues(t, 2, b.Stats().Dead)
			assert.EqualValues(t, 2, b.Counters().Refused)
		})
	})
	for name, n := range map[string]int{"for an error inside the server": 10, "for one of the only document": 1} {
		t.Run(name, func(t *testing.T) {
			within(t, func(_ *elastic.Config, c *cluster) {
				c.bulk = func(b *bulk) error {
					b.do()
					for i, id := range b.ids {
						if strings.Contains(b.bodies[i], `{"n":0}`) {
							delete(c.streams[b.target][0].docs, id)
							b.items[i] = elasticsearch.BulkItem{Status: 500, Index: b.items[i].Index, Type: "null_pointer_exception"}
						}
					}
					return nil
				}
			}, func(t *testing.T, b *bench) {
				b.put(several(n)...)
				b.requireOnce(n)
				assert.EqualValues(t, 1, b.Stats().Reduced)
			})
		})
	}
	t.Run("and others of the request with it", func(t *testing.T) {
		within(t, func(_ *elastic.Config, c *cluster) {
			c.bulk = func(b *bulk) error {
				for _, body := range b.bodies {
					if strings.Contains(body, `{"n":3}`) {
						return &elasticsearch.Refused{Status: 400, Type: "x_content_parse_exception", Reason: "odd"}
					}
				}
				return nil
			}
		}, func(t *testing.T, b *bench) {
			b.put(several(40)...)
			b.requireOnce(40)
			assert.EqualValues(t, 1, b.Stats().Reduced)
		})
	})
}

// TestRights holds that what only somebody can mend is told once, asked for slowly, and
// loses nothing.
func TestRights(t *testing.T) {
	for name, tt := range map[string]struct {
		fault func(*bulk) error
		told  string
		cause elastic.Cause
	}{
		"a credential that is not accepted": {func(*bulk) error {
			return &elasticsearch.Refused{Status: 401, Type: "security_exception", Reason: "unable to authenticate"}
		}, "does not accept the credential", elastic.Rights},
		"no rights": {func(*bulk) error {
			return &elasticsearch.Refused{Status: 403, Type: "security_exception", Reason: "action is unauthorized"}
		}, "no right to create documents in " + eventStream, elastic.Rights},
		"no rights, for each document": {answeredUndone(403, "security_exception", "action is unauthorized"),
			"no right to create documents in " + eventStream, elastic.Rights},
		"no stream": {answeredUndone(404, "index_not_found_exception", "no such index"), "run kubewitness elastic setup", elastic.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			within(t, func(_ *elastic.Config, c *cluster) {
				c.bulk = func(b *bulk) error {
					if b.n > 20 {
						return nil
					}
					calls++
					return tt.fault(b)
				}
			}, func(t *testing.T, b *bench) {
				start := time.Now()
				require.NoError(t, b.Write(t.Context(), []*record.Event{event(0, 0), event(1, 0)}))
				var later sink.Recoverable
				require.ErrorAs(t, b.Sync(t.Context()), &later)
				assert.ErrorContains(t, later, tt.told)
				st := b.State()
				assert.Contains(t, st.Trouble, tt.told)
				assert.Equal(t, tt.cause, st.Cause)
				assert.Equal(t, start, st.Since)
				assert.Equal(t, start, st.Oldest)
				b.settle()
				b.requireOnce(2)
				assert.Equal(t, 20, calls)
				assert.Equal(t, 20*elastic.DefaultSlowRetry, time.Since(start))
				assert.Equal(t, 1, strings.Count(b.log.String(), "documents wait"), "told once")
				assert.Equal(t, 1, strings.Count(b.log.String(), "indexed again"))
			})
		})
	}
}

// answeredUndone refuses all documents.
func answeredUndone(status int, kind, why string) func(*bulk) error {
	return func(b *bulk) error {
		for range b.ids {
			b.items = append(b.items, elasticsearch.BulkItem{Status: status, Index: b.target, Type: kind, Reason: why})
		}
		return nil
	}
}

func TestNoStreamIsMadeThatIsNotOurs(t *testing.T) {
	t.Run("no template", func(t *testing.T) {
		within(t, func(_ *elastic.Config, c *cluster) { c.template = false }, func(t *testing.T, b *bench) {
			require.NoError(t, b.Write(t.Context(), several(3)))
			require.ErrorContains(t, b.Sync(t.Context()), "run kubewitness elastic setup")
			b.cluster.rollover(eventStream, false)
			b.cluster.rollover(detectionStream, false)
			b.settle()
			b.requireOnce(3)
		})
	})
	t.Run("a server that cannot be told to make streams only", func(t *testing.T) {
		within(t, func(_ *elastic.Config, c *cluster) { c.old = true }, func(t *testing.T, b *bench) {
			require.NoError(t, b.Write(t.Context(), several(3)))
			require.ErrorContains(t, b.Sync(t.Context()), "run kubewitness elastic setup")
			assert.Empty(t, b.cluster.found(eventStream))
			b.cluster.rollover(eventStream, false)
			b.cluster.rollover(detectionStream, false)
			b.settle()
			b.requireOnce(3)
		})
	})
	t.Run("somebody says that it would be another", func(t *testing.T) {
		wrong := true
		within(t, func(cfg *elastic.Config, _ *cluster) {
			cfg.Missing = func(_ context.Context, stream string) error {
				if wrong {
					return errors.New("the index template of " + stream + " is not ours")
				}
				return nil
			}
		}, func(t *testing.T, b *bench) {
			require.NoError(t, b.Write(t.Context(), several(3)))
			require.ErrorContains(t, b.Sync(t.Context()), "is not ours")
			assert.Empty(t, b.cluster.found(eventStream))
			wrong = false
			b.settle()
			b.requireOnce(3)
		})
	})
}
