package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// heart is a heartbeat with a clock of the test's, and what it told.
type heart struct {
	*heartbeat
	at   time.Time
	fail error
	told []*record.Event
}

func newHeart(t *testing.T, path string, at time.Time) *heart {
	h := &heart{at: at}
	h.heartbeat = &heartbeat{
		path: path, clusters: []string{"prod", "stage"}, logger: slog.New(slog.DiscardHandler), now: func() time.Time { return h.at },
		labels: func(cluster string) map[string]string { return map[string]string{"of": cluster} },
		append: func(_ context.Context, r spool.Record) error {
			if h.fail != nil {
				return h.fail
			}
			items := make([]record.Item, len(r.Events))
			for i, it := range r.Events {
				items[i] = record.Item(it)
			}
			events, errs := record.Decode(record.Stored{Source: r.Kind, Cluster: r.Cluster, Received: r.Received, Extra: r.Extra, Items: items})
			require.Empty(t, errs)
			h.told = append(h.told, events...)
			return nil
		},
	}
	return h
}

func (h *heart) sentences() (all []string) {
	for _, e := range h.told {
		all = append(all, e.Detections[0].Output)
	}
	return all
}

var monday = time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)

// TestGapIsTold: what is told after which absence, to each cluster once.
func TestGapIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heartbeat")
	first := newHeart(t, path, monday)
	first.begin()
	first.tell(t.Context())
	assert.Empty(t, first.told, "it was never there before")
	first.at = monday.Add(time.Minute)
	first.end(true)

	soon := newHeart(t, path, monday.Add(time.Minute+leastGap-1))
	soon.begin()
	soon.tell(t.Context())
	assert.Empty(t, soon.told)
	soon.end(true)

	later := newHeart(t, path, soon.at.Add(3*time.Minute))
	later.begin()
	later.tell(t.Context())
	later.tell(t.Context())
	require.Len(t, later.told, 2)
	assert.Equal(t, "kubewitness was not watching cluster prod from 2026-11-30T10:01:04Z to 2026-11-30T10:04:04Z (3m), since it was stopped: what admission let pass meanwhile was not seen", later.sentences()[0])
	assert.Contains(t, later.sentences()[1], "cluster stage")
	e := later.told[0]
	assert.True(t, e.Derived())
	assert.Equal(t, "correlate", e.Source)
	assert.Equal(t, map[string]string{"of": "prod"}, e.Labels)
	assert.Equal(t, e.Detections[0].Output, e.Event.Answer().Sentence())
	assert.Equal(t, "Notice", e.Detections[0].Rule.Priority.String())
	assert.NotEqual(t, e.ID, later.told[1].ID)
	told, last := later.gaps()
	assert.EqualValues(t, 1, told)
	assert.Equal(t, 3*time.Minute, last)

	died := newHeart(t, path, later.at.Add(time.Hour)) // nobody told it to end
	died.begin()
	died.tell(t.Context())
	require.Len(t, died.told, 2)
	assert.Contains(t, died.sentences()[0], "since it, or its machine, had died")
	assert.Equal(t, "Warning", died.told[0].Detections[0].Rule.Priority.String())
}

// TestCrashBeforeTheGapIsTold: it is told after the next start, as the same, beside the new one.
func TestCrashBeforeTheGapIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heartbeat")
	newHeart(t, path, monday).begin()
	full := newHeart(t, path, monday.Add(time.Hour))
	full.fail = errors.New("full")
	full.begin()
	full.tell(t.Context())
	assert.Empty(t, full.told)
	crashed := newHeart(t, path, monday.Add(time.Hour+time.Second))
	crashed.begin()
	crashed.tell(t.Context())
	require.Len(t, crashed.told, 2)
	full.fail = nil
	full.tell(t.Context())
	require.Len(t, full.told, 2)
	assert.Equal(t, full.told[0].ID, crashed.told[0].ID)
	again := newHeart(t, path, monday.Add(time.Hour+2*time.Second))
	again.begin()
	again.tell(t.Context())
	assert.Empty(t, again.told)
}

// TestUntoldGapsAreBounded where the log takes nothing for days.
func TestUntoldGapsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heartbeat")
	for i := range mostGaps + 5 {
		newHeart(t, path, monday.Add(time.Duration(i)*time.Hour)).begin()
	}
	b, err := readBeat(path)
	require.NoError(t, err)
	assert.Len(t, b.Untold, mostGaps)
	assert.Equal(t, monday.Add(time.Duration(mostGaps+4)*time.Hour), b.Untold[mostGaps-1].To)
}

// TestBrokenHeartbeat: a file that cannot be read keeps nobody from starting.
func TestBrokenHeartbeat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heartbeat")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	h := newHeart(t, path, monday)
	h.begin()
	b, err := readBeat(path)
	require.NoError(t, err)
	assert.Equal(t, beat{Alive: monday}, b)
	gone := newHeart(t, filepath.Join(path, "nowhere"), monday)
	gone.begin()
	assert.True(t, gone.bad)
	gone.end(true)
}

// TestServiceTellsThatItWasAway once, to outputs and in the store, and notes that it ends.
func TestServiceTellsThatItWasAway(t *testing.T) {
	cfg := testConfig(t)
	cfg.Clusters = []config.Cluster{{Name: "prod"}}
	cfg.Admission.Listen, cfg.Admission.Insecure = "127.0.0.1:0", true
	before, err := json.Marshal(beat{Alive: time.Now().Add(-time.Hour), Stopped: true})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Data, HeartbeatFile), before, 0o600))
	s := start(t, cfg)
	s.until(t, "it is told", func() bool {
		return strings.Contains(s.out.String(), "kubewitness was not watching cluster prod from") && s.metric(t, "kubewitness_unwatched_total 1")
	})
	s.until(t, "it is kept", func() bool {
		_, found := s.get(t, "/api/v1/detections?since=2h")
		return strings.Contains(found, UnwatchedRule)
	})
	code, found := s.get(t, "/api/v1/events?since=2h")
	assert.Equal(t, http.StatusOK, code)
	assert.NotContains(t, found, "unwatched", "it is no event")
	require.NoError(t, s.stop())
	assert.Equal(t, 1, strings.Count(s.out.String(), `"rule":"`+UnwatchedRule), fmt.Sprint(&s.out))
	b, err := readBeat(filepath.Join(cfg.Data, HeartbeatFile))
	require.NoError(t, err)
	assert.True(t, b.Stopped)
	assert.Empty(t, b.Untold)
}
