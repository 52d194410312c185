package elastic_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/elastic"
)

const entryStream = "logs-gcp.audit-test"

// fromGKE are n events, every second of them from GKE.
func fromGKE(t *testing.T, n int) (events []*record.Event) {
	for i := range n {
		e := event(i, 0)
		if i%2 == 0 {
			raw := fmt.Sprintf(`{"kind":"Event","auditID":"%d","stage":"ResponseComplete","stageTimestamp":"2000-01-01T00:00:00Z","annotations":{"gcp.kubewitness.io/insert-id":"x"}}`, i)
			gke, err := audit.NewReader(strings.NewReader(raw), "test", audit.Limits{}).Next()
			require.NoError(t, err)
			e.Event = gke
		}
		events = append(events, e)
	}
	return events
}

// TestEntries holds that events of GKE have a second document where it is asked for, each
// once, under the same ID, and past a pipeline of the stream.
func TestEntries(t *testing.T) {
	var bodies []string
	spy := func(cfg *elastic.Config, c *cluster) {
		cfg.GCPAudit = true
		c.actions = func(target, line string) {
			if target == entryStream {
				bodies = append(bodies, line)
			}
		}
	}
	within(t, spy, func(t *testing.T, b *bench) {
		events := fromGKE(t, 10)
		b.put(events...)
		found, all := b.cluster.found(entryStream), b.cluster.found(eventStream)
		assert.Len(t, found, 5)
		for id, n := range found {
			assert.Equal(t, 1, n)
			assert.Equal(t, 1, all[id], "the same ID")
			assert.Equal(t, `{"shape":"entry"}`, b.cluster.body(entryStream, id))
		}
		for _, line := range bodies {
			assert.Contains(t, line, `"pipeline":"_none"`)
		}
		assert.Len(t, bodies, 5)
		assert.EqualValues(t, 5, b.Stats().EntriesCreated)
		assert.EqualValues(t, 10, b.Stats().EventsCreated)

		b.cluster.rollover(entryStream, true)
		b.cluster.rollover(eventStream, true)
		b.put(events...)
		for id, n := range b.cluster.found(entryStream) {
			assert.Equal(t, 1, n, id)
		}
		assert.EqualValues(t, 5, b.Stats().EntriesCreated, "again, behind a rollover")
	})
	within(t, nil, func(t *testing.T, b *bench) {
		b.put(fromGKE(t, 10)...)
		assert.Empty(t, b.cluster.found(entryStream), "nobody asked")
	})
	within(t, func(cfg *elastic.Config, _ *cluster) { cfg.GCPAudit, cfg.DetectionsOnly = true, true }, func(t *testing.T, b *bench) {
		b.put(fromGKE(t, 10)...)
		assert.Len(t, b.cluster.found(entryStream), 5, "of all events, also where these have no other document")
		assert.Empty(t, b.cluster.found(eventStream))
	})
}

// TestEntriesRefused: an entry has the same second shape as an event, and where that is
// refused too the event is a dead letter, once.
func TestEntriesRefused(t *testing.T) {
	for _, shapes := range []int{1, 2} {
		t.Run(fmt.Sprint(shapes), func(t *testing.T) {
			within(t, func(cfg *elastic.Config, c *cluster) {
				cfg.GCPAudit = true
				c.bulk = func(b *bulk) error {
					if b.target == entryStream && (shapes == 2 || !strings.Contains(b.bodies[0], "reduced")) {
						for range b.ids {
							b.items = append(b.items, elasticsearch.BulkItem{Status: 400, Type: "document_parsing_exception", Reason: "no"})
						}
					}
					return nil
				}
			}, func(t *testing.T, b *bench) {
				b.put(fromGKE(t, 1)...)
				assert.EqualValues(t, 1, b.Stats().Reduced)
				if shapes == 2 {
					require.Len(t, b.dead, 1)
					assert.Contains(t, b.dead[0], "elasticsearch: logs-gcp.audit-test: the event as gcp.audit of ID ")
					assert.Empty(t, b.cluster.found(entryStream))
					return
				}
				for id := range b.cluster.found(entryStream) {
					assert.Contains(t, b.cluster.body(entryStream, id), "reduced entry")
				}
				assert.Len(t, b.cluster.found(entryStream), 1)
			})
		})
	}
}

// TestEntriesHoldTheCursor: nothing is settled before the last of an event's documents is.
func TestEntriesHoldTheCursor(t *testing.T) {
	down := true
	within(t, func(cfg *elastic.Config, c *cluster) {
		cfg.GCPAudit = true
		c.bulk = func(b *bulk) error {
			if b.target == entryStream && down {
				return &elasticsearch.Unavailable{Err: errors.New("down")}
			}
			return nil
		}
	}, func(t *testing.T, b *bench) {
		require.NoError(t, b.Write(t.Context(), fromGKE(t, 2)))
		require.Error(t, b.Sync(t.Context()))
		assert.Len(t, b.cluster.found(eventStream), 2)
		down = false
		b.settle()
		assert.Len(t, b.cluster.found(entryStream), 1)
	})
}
