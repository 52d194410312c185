package elastic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

// Sink indexes events. It is a sink.Counted. Unlike other sinks it keeps the memory of
// events behind Write, until they are settled; nobody may write to it.
type Sink struct {
	cfg     Config
	encoder encoder
	queue   *queue
	streams [lanes]*stream

	limit    atomic.Int64 // bytes of a bulk request; less than configured when the server took no more
	anywhere atomic.Bool  // the server does not know require_data_stream

	end     context.CancelFunc // of carrying
	carried sync.WaitGroup

	mu       sync.Mutex
	counters sink.Counters
	stats    Stats
	troubles [lanes]trouble
}

// New makes a sink, which connects to nobody before the first Write. Close ends it.
func New(cfg Config) (*Sink, error) { return newSink(cfg, ecsEncoder) }

func newSink(cfg Config, enc encoder) (*Sink, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Sink{cfg: cfg, encoder: enc, queue: newQueue(&cfg)}
	s.limit.Store(int64(cfg.BulkBytes))
	s.stats.Retried = map[Cause]uint64{}
	for l, dataset := range [lanes]string{ecs.AuditLogs, ecs.Detections, ecs.GCPAudit} {
		s.streams[l] = newStream(ecs.Stream(dataset, cfg.Documents.Namespace))
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	for range cfg.InFlight {
		s.carried.Go(func() { s.carry(ctx) })
	}
	return s, nil
}

// Name implements sink.Sink.
func (s *Sink) Name() string { return "elasticsearch" }

// What is encoded at once, so that memory is bounded also while it is.
const (
	encodedEvents = 512
	encodedBytes  = 2 << 20
)

// Write takes events into memory, and waits for room there. It returns nil before they
// are indexed, see Sync. Errors are Recoverable.
func (s *Sink) Write(ctx context.Context, batch []*record.Event) error {
	joined := 0
	for len(batch) > 0 {
		n, size := 0, 0
		for n < len(batch) && n < encodedEvents && size < encodedBytes {
			size += len(batch[n].Event.Raw)
			n++
		}
		again, err := s.queue.add(ctx, s.encode(batch[:n]))
		joined += again
		if err != nil {
			s.count(func() { s.counters.Failed++; s.stats.Joined += uint64(joined) })
			return sink.Recoverable{Err: fmt.Errorf("elastic: %w", err)}
		}
		batch = batch[n:]
	}
	s.count(func() { s.counters.Writes++; s.stats.Joined += uint64(joined) })
	return nil
}

// patience is how long a Sync waits for Elasticsearch before it tells its caller, which
// keeps the log's own account of what is wrong.
const patience = 5 * time.Second

// Sync returns nil when all that Write took is settled. Errors are Recoverable, and
// come too while there is trouble with Elasticsearch that lasts: nothing is given up
// then, and a later Sync waits for the same documents.
func (s *Sink) Sync(ctx context.Context) error {
	s.queue.flush()
	for {
		err := s.drained(ctx)
		switch told := s.State().Trouble; {
		case err == nil:
			failpoint.Hit("elastic/synced")
			return nil
		case ctx.Err() != nil || errors.Is(err, errClosed):
			return sink.Recoverable{Err: fmt.Errorf("elastic: %w", err)}
		case told != "":
			return sink.Recoverable{Err: errors.New("elastic: " + told)}
		}
	}
}

func (s *Sink) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.queue.drained(ctx)
}

// Close implements sink.Sink. It ends requests under way; what is not settled then is
// the log's to bring again.
func (s *Sink) Close() error {
	s.queue.close()
	s.end()
	s.carried.Wait()
	return nil
}
