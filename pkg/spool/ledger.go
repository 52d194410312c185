package spool

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// ledger knows how many bytes of each cluster the log holds that some consumer has
// not settled. It counts records as they stood in the queue: compressed, but for
// small ones.
type ledger struct {
	mu      sync.Mutex
	used    map[string]int64
	entries []entry // in the order of the log
}

type entry struct {
	seq     uint64
	cluster string
	bytes   int64
}

// reserve books bytes for a cluster, unless that exceeds its quota; 0 is none.
func (g *ledger) reserve(cluster string, bytes, quota int64) (detail string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if quota > 0 && g.used[cluster]+bytes > quota {
		return fmt.Sprintf("cluster %q has %d bytes unsettled, its quota is %d", cluster, g.used[cluster], quota), false
	}
	g.add(cluster, bytes)
	return "", true
}

func (g *ledger) add(cluster string, bytes int64) {
	if g.used == nil {
		g.used = map[string]int64{}
	}
	if g.used[cluster] += bytes; g.used[cluster] <= 0 {
		delete(g.used, cluster)
	}
}

// release gives back what was booked and not stored.
func (g *ledger) release(p *pending) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.add(p.cluster, -p.size())
}

// stored notes under which sequence booked records went in.
func (g *ledger) stored(seq uint64, items []*pending) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range items {
		if n := len(g.entries); n > 0 && g.entries[n-1].seq == seq && g.entries[n-1].cluster == p.cluster {
			g.entries[n-1].bytes += p.size()
			continue
		}
		g.entries = append(g.entries, entry{seq, p.cluster, p.size()})
	}
}

// settled gives back what all consumers have settled: everything up to floor.
func (g *ledger) settled(floor uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := 0
	for ; i < len(g.entries) && g.entries[i].seq <= floor; i++ {
		g.add(g.entries[i].cluster, -g.entries[i].bytes)
	}
	g.entries = append([]entry(nil), g.entries[i:]...)
}

// byCluster returns the unsettled bytes of each cluster.
func (g *ledger) byCluster() map[string]int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make(map[string]int64, len(g.used))
	for c, n := range g.used {
		out[c] = n
	}
	return out
}

// rebuild reads what the log holds from an earlier run. The bytes of a message are
// divided among its records by what they are before compression.
func (g *ledger) rebuild(ctx context.Context, v *View) error {
	return v.records(ctx, v.eng.stream, v.cfg.subject(), func(m stored) error {
		if m.err != nil {
			return nil // the consumers make it a dead letter
		}
		var total int64
		sizes := make([]int64, len(m.records))
		for i := range m.records {
			sizes[i] = int64(sizeHint(&m.records[i]))
			total += sizes[i]
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		for i := range m.records {
			e := entry{m.seq, m.records[i].Cluster, int64(m.bytes) * sizes[i] / total}
			g.add(e.cluster, e.bytes)
			g.entries = append(g.entries, e)
		}
		return nil
	})
}

// floorOf returns up to which sequence everything is settled by all consumers.
func floorOf(ctx context.Context, s jetstream.Stream, consumers []string) (uint64, error) {
	if len(consumers) == 0 {
		info, err := s.Info(ctx)
		if err != nil {
			return 0, fmt.Errorf("stream: %w", err)
		}
		return max(info.State.FirstSeq, 1) - 1, nil
	}
	floor := ^uint64(0)
	for _, name := range consumers {
		c, err := s.Consumer(ctx, name) // asks the server
		if err != nil {
			return 0, fmt.Errorf("consumer %s: %w", name, err)
		}
		floor = min(floor, c.CachedInfo().AckFloor.Stream)
	}
	return floor, nil
}
