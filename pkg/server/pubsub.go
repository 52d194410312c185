package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/pubsub"
)

// emulator is the variable that Google's library takes the address of an emulator from, instead of Pub/Sub's.
const emulator = "PUBSUB_EMULATOR_HOST"

// push is a subscription that is received from.
type push struct {
	subscription *pubsub.Subscription
}

// openPubSub opens the subscriptions of the configuration; the intake is there. Pub/Sub is asked when the service runs.
func (s *Server) openPubSub(context.Context) error {
	c := s.cfg.PubSub
	for _, name := range c.Subscriptions {
		sub, err := pubsub.Open(pubsub.Config{
			Subscription: name, CredentialsFile: c.CredentialsFile, Emulator: os.Getenv(emulator),
			Outstanding: c.Outstanding, OutstandingBytes: int(c.OutstandingBytes),
			Taker: s.intake, Logger: s.logger, Now: time.Now,
		})
		if err != nil {
			return fmt.Errorf("subscription %s: %w", name, err)
		}
		s.pushes = append(s.pushes, &push{sub})
	}
	return nil
}

func (p *push) run(ctx context.Context) error {
	p.subscription.Run(ctx)
	return nil
}
