package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/durable"
	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ingest/gate"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// HeartbeatFile is where below the data folder stands when the service was there last.
const HeartbeatFile = "heartbeat"

const (
	beatEvery = 3 * time.Second
	// leastGap is how long a time has to be in which nobody watched, to be told of.
	leastGap = 5 * time.Second
	// mostGaps is how many are kept that could not be told yet.
	mostGaps = 20
)

// UnwatchedRule is what a time in which nobody watched is told as; it is no rule of a file.
const UnwatchedRule = "Kubewitness Was Not Watching"

// heartbeat notes on disk that the service is there, and tells after a start of the time in
// which it was not: API servers went on without it then, as failurePolicy Ignore has it.
//
// A gap is written down before it is told, and crossed out when the log has it, so that it
// is told after a crash, too; it has the same identity each time.
type heartbeat struct {
	path     string
	clusters []string // that ask this service before they do something
	labels   func(cluster string) map[string]string
	logger   *slog.Logger
	now      func() time.Time
	append   func(context.Context, spool.Record) error

	mu    sync.Mutex
	state beat
	told  uint64        // gaps, since the start
	last  time.Duration // the newest of them
	bad   bool          // the disk refused the last beat
}

// beat is what stands in the file.
type beat struct {
	Alive   time.Time `json:"alive"`             // it was there
	Stopped bool      `json:"stopped,omitempty"` // and was told to end
	Untold  []gap     `json:"untold,omitempty"`
}

// gap is a time in which nobody watched.
type gap struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Stopped bool      `json:"stopped,omitempty"`
}

// openHeartbeat opens it where there is an endpoint that API servers ask.
func (s *Server) openHeartbeat(context.Context) error {
	if s.reviews == nil {
		return nil
	}
	if err := os.MkdirAll(s.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	s.heart = &heartbeat{
		path: filepath.Join(s.cfg.Data, HeartbeatFile), clusters: s.reviewedClusters(), logger: s.logger, now: time.Now,
		append: func(ctx context.Context, r spool.Record) error {
			if len(s.feeds) == 0 {
				return nil // nobody would take it out of the log
			}
			return s.log.Append(ctx, r)
		},
		labels: func(cluster string) map[string]string {
			for _, c := range s.cfg.Clusters {
				if c.Name == cluster {
					return c.LabelMap()
				}
			}
			return nil
		},
	}
	return nil
}

// reviewedClusters are those whose API servers may ask.
func (s *Server) reviewedClusters() (names []string) {
	c, seen := s.cfg.Admission, map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	everyone := c.Insecure || c.Unauthenticated
	for _, credential := range c.Credentials {
		for _, name := range credential.Clusters {
			if everyone = everyone || name == gate.AnyCluster; name != gate.AnyCluster {
				add(name)
			}
		}
	}
	if everyone {
		for _, cluster := range s.cfg.Clusters {
			add(cluster.Name)
		}
	}
	if len(names) == 0 || c.DefaultCluster != "" {
		add(c.DefaultCluster)
	}
	return names
}

// begin finds out when the service was there last. It is called when it is there again.
func (h *heartbeat) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now().UTC()
	before, err := readBeat(h.path)
	if err != nil {
		h.logger.Error("it is not known when kubewitness was there last", "file", h.path, "error", err)
	}
	h.state = beat{Alive: now, Untold: before.Untold}
	if away := now.Sub(before.Alive); !before.Alive.IsZero() && away >= leastGap {
		h.state.Untold = append(h.state.Untold, gap{From: before.Alive, To: now, Stopped: before.Stopped})
		if n := len(h.state.Untold); n > mostGaps {
			h.state.Untold = h.state.Untold[n-mostGaps:]
		}
	}
	h.write()
	failpoint.Hit("heartbeat/begun")
}

// readBeat reads the file; nothing where there is none.
func readBeat(path string) (b beat, err error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &b)
	}
	return b, err
}

// write brings the state onto the disk. Where that fails, the next gap is told as longer than it was.
func (h *heartbeat) write() {
	content, err := json.Marshal(h.state)
	if err == nil {
		err = durable.Write(h.path, content)
	}
	if err != nil && !h.bad {
		h.logger.Warn("it cannot be noted that kubewitness is there; after a restart a longer absence is told than there was", "error", err)
	}
	h.bad = err != nil
}

// run notes that the service is there, and tells of gaps, until the context ends.
func (h *heartbeat) run(ctx context.Context) error {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		h.tell(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			h.mu.Lock()
			h.state.Alive = h.now().UTC()
			h.write()
			h.mu.Unlock()
		}
	}
}

// end notes that the service ends.
func (h *heartbeat) end(stopped bool) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.Alive, h.state.Stopped = h.now().UTC(), stopped
	h.write()
}

// tell gives the log the gaps that are not told yet, as far as it takes them.
func (h *heartbeat) tell(ctx context.Context) {
	h.mu.Lock()
	untold := append([]gap(nil), h.state.Untold...)
	h.mu.Unlock()
	for _, g := range untold {
		for _, cluster := range h.clusters {
			if err := h.append(ctx, h.record(g, cluster)); err != nil {
				return // the next beat tries again
			}
		}
		failpoint.Hit("heartbeat/told")
		h.logger.Warn("kubewitness was not watching", "from", g.From, "to", g.To, "stopped", g.Stopped)
		h.mu.Lock()
		h.state.Untold = h.state.Untold[1:]
		h.told, h.last = h.told+1, g.To.Sub(g.From)
		h.write()
		h.mu.Unlock()
	}
}

// record makes of a gap what sinks can tell: a detection, and an event that is no request.
func (h *heartbeat) record(g gap, cluster string) spool.Record {
	why, priority := audit.UnwatchedDied, rules.Warning
	if g.Stopped {
		why, priority = audit.UnwatchedStopped, rules.Notice
	}
	id := sha256.Sum256(fmt.Appendf(nil, "kubewitness unwatched 1\x00%s\x00%d\x00%d", cluster, g.From.UnixNano(), g.To.UnixNano()))
	from, to := g.From.UTC().Format(time.RFC3339Nano), g.To.UTC().Format(time.RFC3339Nano)
	e := &audit.Event{Cluster: cluster, Raw: fmt.Appendf(nil, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"unwatched-%s","stage":"ResponseComplete",`+
		`"user":{"username":"kubewitness"},"requestReceivedTimestamp":%q,"stageTimestamp":%q,"annotations":{%q:%q,%q:%q,%q:%q}}`,
		hex.EncodeToString(id[:8]), from, to, audit.UnwatchedFrom, from, audit.UnwatchedTo, to, audit.UnwatchedWhy, why), Time: g.To.UTC()}
	found := match.Detection{
		Rule:   &rules.Rule{Name: UnwatchedRule, Priority: priority, Source: "k8s_audit", Tags: []string{"admission", "kubewitness"}},
		Output: e.Answer().Sentence(),
		Fields: []match.OutputField{{Key: "kw.unwatched.from", Value: from}, {Key: "kw.unwatched.to", Value: to}, {Key: "kw.unwatched.why", Value: why}},
	}
	return spool.Record{
		Kind: record.SourceCorrelate, Cluster: cluster, Received: h.now().UTC(), Extra: record.EncodeExtra(h.labels(cluster)),
		Events: []spool.Item{{
			Flags: record.Derived, Raw: e.Raw, Detections: record.EncodeDetections([]match.Detection{found}), Notes: record.EncodeNotes(record.Notes{ID: id}),
		}},
	}
}

// gaps are those that were told since the start, and how long the newest was.
func (h *heartbeat) gaps() (told uint64, last time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.told, h.last
}
