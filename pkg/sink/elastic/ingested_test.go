package elastic_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/elastic"
)

// TestIngestedWhenSent: after an outage, event.ingested is when the document was sent at
// last, and not when it was made: a rule that looks back some minutes would pass it over.
func TestIngestedWhenSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		begin := time.Now()
		var sent time.Time
		c.bulk = func(*bulk) error {
			if time.Since(begin) < time.Hour {
				return &elasticsearch.Unavailable{Err: errors.New("down")}
			}
			sent = time.Now()
			return nil
		}
		s, err := elastic.New(elastic.Config{Client: c, Documents: ecs.Options{Namespace: "test"}, Now: time.Now,
			Dead: func(_ context.Context, _ *record.Event, why string) error { return errors.New(why) }})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		e := fromGKE(t, 1)[0]
		require.NoError(t, s.Write(t.Context(), fromGKE(t, 1)))
		for s.Sync(t.Context()) != nil {
			require.Less(t, time.Since(begin), 2*time.Hour)
		}
		var doc struct {
			Event struct{ Created, Ingested time.Time }
		}
		require.NoError(t, json.Unmarshal([]byte(c.body(eventStream, ecs.ID(e))), &doc))
		assert.True(t, doc.Event.Created.Equal(begin), "%s", doc.Event.Created)
		assert.True(t, doc.Event.Ingested.Equal(sent.Truncate(time.Millisecond)), "%s, and it was sent at %s", doc.Event.Ingested, sent)
	})
}
