package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// mark is the metadata of the consumers that the configuration owns: others, such
// as somebody's look into an external stream, are let be.
const mark = "kubewitness"

func (c *Config) subject() string    { return c.Stream + ".records" }
func (c *Config) deadStream() string { return c.Stream + "-DEAD" }
func (c *Config) deadSubject() string {
	return c.deadStream() + ".letters"
}

// ensure makes streams and consumers as the configuration wants them. The order
// counts: a stream that keeps only what consumers wait for acknowledges and drops
// everything while it has none, so consumers come before such retention and go
// after it.
func (e *engine) ensure(ctx context.Context, c *Config) error {
	if e.maxPayload(c) < leastPayload {
		return fmt.Errorf("the server takes messages of %d bytes only; raise its max_payload", e.conn.MaxPayload())
	}
	if c.readOnly {
		var err error
		e.stream, err = e.js.Stream(ctx, c.Stream)
		return err
	}
	if err := e.ensureDead(ctx, c); err != nil {
		return err
	}
	want := c.streamConfig()
	var err error
	e.stream, err = e.js.Stream(ctx, c.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		e.stream, err = e.js.CreateStream(ctx, want)
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", c.Stream, err)
	}
	for _, name := range c.Consumers {
		if _, err := e.stream.CreateOrUpdateConsumer(ctx, c.consumerConfig(name, e.maxPayload(c))); err != nil {
			return fmt.Errorf("consumer %s: %w", name, err)
		}
	}
	if e.stream, err = e.js.UpdateStream(ctx, want); err != nil {
		return fmt.Errorf("stream %s: %w", c.Stream, err)
	}
	return e.removeConsumers(ctx, c)
}

func (c *Config) streamConfig() jetstream.StreamConfig {
	s := jetstream.StreamConfig{
		Name: c.Stream, Subjects: []string{c.subject()}, Description: "kubewitness: events and detections",
		Retention: jetstream.InterestPolicy, Discard: jetstream.DiscardNew,
		Storage: jetstream.FileStorage, Replicas: c.Replicas, MaxBytes: c.MaxBytes, MaxConsumers: -1,
		AllowDirect: true, // a look at a message is then the message, not base64 in JSON
	}
	if len(c.Consumers) == 0 {
		// Nobody settles anything, so DiscardNew would end in a log full for good.
		s.Retention, s.Discard = jetstream.LimitsPolicy, jetstream.DiscardOld
	}
	return s
}

func (e *engine) ensureDead(ctx context.Context, c *Config) error {
	_, err := e.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: c.deadStream(), Subjects: []string{c.deadSubject()}, Description: "kubewitness: dead letters of consumers",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		Storage: jetstream.FileStorage, Replicas: c.Replicas, MaxBytes: c.DeadBytes, AllowDirect: true,
	})
	if err != nil {
		return fmt.Errorf("stream %s: %w", c.deadStream(), err)
	}
	return nil
}

func (c *Config) consumerConfig(name string, payload int) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: name, Metadata: map[string]string{mark: "consumer"},
		DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: c.AckWait, MaxDeliver: -1, MaxAckPending: c.maxInflight(payload),
	}
}

// removeConsumers deletes the consumers that the configuration no longer has.
func (e *engine) removeConsumers(ctx context.Context, c *Config) error {
	var gone []string
	list := e.stream.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Metadata[mark] != "" && !slices.Contains(c.Consumers, info.Name) {
			gone = append(gone, info.Name)
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("list consumers: %w", err)
	}
	for _, name := range gone {
		c.Logger.Warn("spool: consumer is no longer configured and loses its place", "consumer", name)
		if err := e.stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete consumer %s: %w", name, err)
		}
	}
	return nil
}
