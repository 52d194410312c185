package cloudlogging

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/proto"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

// HistoryConfig says what to read of what is long past. Client, Quotas, Logger and Now are required.
type HistoryConfig struct {
	Client  *Client
	Quotas  *Quotas
	Cluster string        // name of a cluster; "": all
	Filter  string        // as query.Check has it; "": all
	Workers int           // stretches read at once; 0: 4
	Backoff time.Duration // after the first error of several; 0: a second
	Logger  *slog.Logger
	Now     func() time.Time
}

// Stretch is the log of a resource from one time to another, by the entries' own times.
type Stretch struct {
	Resource string
	From, To time.Time
}

// Piece is a part of a stretch: all entries of its time, except those of earlier pieces of the same time. The parts of a
// split entry are in one piece.
type Piece struct {
	Stretch
	Lines   []byte // entries as exports spell them, a JSON line each
	Entries int
}

// History reads stretches of logs. It may be used by one goroutine; its counters by any.
type History struct {
	cfg HistoryConfig

	mu      sync.Mutex
	readers map[string]*reader
}

const defaultWorkers = 4

// NewHistory makes a reader of history.
func NewHistory(cfg HistoryConfig) (*History, error) {
	if cfg.Client == nil || cfg.Quotas == nil || cfg.Logger == nil || cfg.Now == nil {
		return nil, errors.New("cloudlogging: Client, Quotas, Logger and Now must be set")
	}
	if err := query.Check(cfg.Filter); err != nil {
		return nil, err
	}
	cfg.Workers = cmp.Or(cfg.Workers, defaultWorkers)
	return &History{cfg: cfg, readers: map[string]*reader{}}, nil
}

// Read hands over what stretches hold, piece by piece, in the order of time within each; several are read at once. It ends
// with the first error of give or of the API (a [Refused]), or with the context.
func (h *History) Read(ctx context.Context, stretches []Stretch, give func(Piece) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo, pieces := make(chan Stretch), make(chan Piece, h.cfg.Workers)
	var working sync.WaitGroup
	for range h.cfg.Workers {
		working.Go(func() {
			for s := range todo {
				if err := h.stretch(ctx, s, pieces); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	go func() {
		defer close(todo)
		for _, s := range stretches {
			select {
			case todo <- s:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		working.Wait()
		close(pieces)
	}()
	defer func() { // whoever waits to hand over sees the end
		cancel(nil)
		working.Wait()
	}()
	for {
		select {
		case p, more := <-pieces:
			if !more {
				return context.Cause(ctx)
			}
			if err := give(p); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stretch reads one stretch.
func (h *History) stretch(ctx context.Context, s Stretch, to chan<- Piece) error {
	var waiting parts
	from := s.From
	hand := func(p Piece) error {
		p.Resource, p.From = s.Resource, from
		from = later(from, p.To)
		select {
		case to <- p:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	q := query.Query{Cluster: h.cfg.Cluster, User: h.cfg.Filter, From: s.From, To: s.To}
	err := h.reader(s.Resource).read(ctx, q, func(entries []*loggingpb.LogEntry) error {
		var p Piece
		for _, e := range entries {
			if !isPart(e) {
				p.add(e)
			} else if all := waiting.add(e, h.cfg.Now()); all != nil {
				p.add(all...)
			}
		}
		for _, some := range waiting.due(time.Time{}) { // there is no room
			p.add(some...)
		}
		p.To = waiting.holdTime(entries[len(entries)-1].GetTimestamp().AsTime())
		return hand(p)
	})
	if err != nil {
		return err
	}
	last := Piece{Stretch: Stretch{To: s.To}}
	for len(waiting.open) > 0 {
		last.add(waiting.take(0)...)
	}
	return hand(last)
}

// add adds entries.
func (p *Piece) add(entries ...*loggingpb.LogEntry) {
	for _, e := range entries {
		text, err := spellEntry(e)
		if err != nil {
			text = unspelled(e)
		}
		p.Lines = append(append(p.Lines, text...), '\n')
		p.Entries++
	}
}

// unspelled stands for an entry that has no form in JSON, so that whoever reads it rejects and counts it.
func unspelled(e *loggingpb.LogEntry) []byte {
	wire, _ := proto.MarshalOptions{AllowPartial: true}.Marshal(e) // what there is of it
	text, err := json.Marshal(map[string]string{
		"logName": e.GetLogName(), "insertId": e.GetInsertId(), "protoPayload": base64.StdEncoding.EncodeToString(wire),
	})
	if err != nil {
		return []byte(`{"logName":"","protoPayload":""}`)
	}
	return text
}

func (h *History) reader(resource string) *reader {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readers[resource] == nil {
		h.readers[resource] = &reader{
			client: h.cfg.Client, quota: h.cfg.Quotas.Of(resource), resource: resource, priority: Past, logger: h.cfg.Logger, backoff: h.cfg.Backoff,
		}
	}
	return h.readers[resource]
}

// Counters add up what was read of all resources, and what the quotas did.
func (h *History) Counters() (ReadCounters, QuotaCounters) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var read ReadCounters
	var quota QuotaCounters
	counted := map[*Quota]bool{}
	for _, r := range h.readers {
		c := r.counters()
		read.Requests += c.Requests
		read.Empty += c.Empty
		read.Retries += c.Retries
		read.Quota += c.Quota
		read.Restarts += c.Restarts
		read.Entries += c.Entries
		if counted[r.quota] {
			continue
		}
		counted[r.quota] = true
		q := r.quota.Counters()
		quota.Requests += q.Requests
		quota.Waits += q.Waits
		quota.Waited += q.Waited
		quota.Refusals += q.Refusals
		quota.Blocked = later(quota.Blocked, q.Blocked)
		quota.PerMinute += q.PerMinute
	}
	return read, quota
}
