package pubsub

import (
	"context"
	"sync"
	"time"
)

// Subscription receives the messages of one subscription. Open makes one.
type Subscription struct {
	cfg  Config
	dial dialer
	seen *recent

	mu      sync.Mutex
	hand    map[*message]struct{}
	parts   *parts // of the connection there is; nil: there was none yet
	trouble [troubles]string
	status  Status
}

// Open checks a configuration. Nobody is asked for anything yet: the service starts while Pub/Sub cannot be reached.
func Open(cfg Config) (*Subscription, error) {
	cfg, err := cfg.check()
	if err != nil {
		return nil, err
	}
	dial, err := dialerOf(cfg)
	if err != nil {
		return nil, err
	}
	return newSubscription(cfg, dial), nil
}

func newSubscription(cfg Config, dial dialer) *Subscription {
	return &Subscription{
		cfg: cfg, dial: dial, seen: newRecent(), hand: map[*message]struct{}{}, status: Status{Subscription: cfg.Subscription},
	}
}

// incoming is what the library gives for a message.
type incoming struct {
	id        string
	data      []byte
	published time.Time
	attempt   *int // how often it was delivered, where Pub/Sub counts that
	from      receipt
}

// connection is a client of Pub/Sub. receive calls f with each message, until ctx ends, when it returns nil, or an error that
// stays; f's context ends with both. It returns when all messages are settled.
type connection interface {
	receive(ctx context.Context, f func(context.Context, incoming)) error
	close()
}

// dialer makes a connection. What the connection itself gets over goes to note.
type dialer func(ctx context.Context, note func(error)) (connection, error)

// Backing off from Pub/Sub itself.
const (
	leastPause = time.Second
	mostPause  = time.Minute
)

// Run receives until ctx ends, hands back what is not stored then, and returns. What goes wrong is in Status, and tried
// again. It may be called once.
func (s *Subscription) Run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		before := s.Status().Received
		err := s.receive(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.note(receiving, err)
		if s.Status().Received > before {
			failures = 0
		}
		pause(ctx.Done(), min(leastPause<<min(failures, 10), mostPause))
	}
}

// receive connects and receives until something ends it.
func (s *Subscription) receive(ctx context.Context) error {
	conn, err := s.dial(ctx, func(err error) { s.note(receiving, err) })
	if err != nil {
		return err
	}
	defer conn.close()
	f := s.start(ctx)
	defer f.end()
	ended := make(chan error, 1)
	go func() { ended <- conn.receive(ctx, f.accept) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	f.end()
	// The library waits until Pub/Sub has taken what was settled, which it need not do ever.
	select {
	case <-ended:
	case <-time.After(s.cfg.Grace / 2):
		s.cfg.Logger.Warn("Pub/Sub: it did not take all acknowledgements; some messages come again", "subscription", s.cfg.Subscription)
	}
	return nil
}

// pause waits; false when stop is closed before.
func pause(stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}
