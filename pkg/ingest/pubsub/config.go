package pubsub

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest"
)

// Source is the name that events of Pub/Sub have as their source.
const Source = "pubsub"

// Defaults of Config.
const (
	DefaultOutstanding      = 10_000
	DefaultOutstandingBytes = 64 << 20
	DefaultLinger           = 5 * time.Millisecond
	DefaultPartWait         = 30 * time.Second
	DefaultHold             = 5 * time.Minute
	DefaultGrace            = 10 * time.Second
)

// Bounds of what becomes one call of the taker.
const (
	batchMessages = 1000
	batchBytes    = 4 << 20
)

// Taker stores events; an *ingest.Intake. It returns nil only when all that it was given is on disk.
type Taker interface {
	TakeGiven(ctx context.Context, g ingest.Given) (ingest.Receipt, error)
}

// Config says what to receive. Subscription, Taker, Logger and Now are required.
type Config struct {
	Subscription     string // projects/PROJECT/subscriptions/NAME
	CredentialsFile  string // a key, or a configuration of workload identity federation; "": application default credentials
	Emulator         string // PUBSUB_EMULATOR_HOST, which the library reads by itself; only this machine is spoken to in plain text
	Outstanding      int    // messages under way at once; 0: DefaultOutstanding
	OutstandingBytes int    // bytes of these; 0: DefaultOutstandingBytes

	Taker  Taker
	Logger *slog.Logger
	Now    func() time.Time

	Linger   time.Duration // how long messages are collected; 0: DefaultLinger
	PartWait time.Duration // how long the other parts of a split entry are waited for; 0: DefaultPartWait
	Hold     time.Duration // how long a message that is not taken is tried again before it is handed back; 0: DefaultHold
	Grace    time.Duration // how long what is being stored has at the end; 0: DefaultGrace
}

func (c Config) check() (Config, error) {
	switch {
	case c.Subscription == "":
		return c, errors.New("pubsub: no subscription is named")
	case c.Taker == nil || c.Logger == nil || c.Now == nil:
		return c, errors.New("pubsub: Config.Taker, Config.Logger and Config.Now must be set")
	}
	orDefault(&c.Outstanding, DefaultOutstanding)
	orDefault(&c.OutstandingBytes, DefaultOutstandingBytes)
	orDefault(&c.Linger, DefaultLinger)
	orDefault(&c.PartWait, DefaultPartWait)
	orDefault(&c.Hold, DefaultHold)
	orDefault(&c.Grace, DefaultGrace)
	return c, nil
}

func orDefault[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// maxExtension is how long Pub/Sub is asked not to give a message to somebody else: as long as it may be kept here. When
// something hangs for longer the message comes again, here or elsewhere.
func (c *Config) maxExtension() time.Duration { return c.PartWait + c.Hold + time.Minute }
