package pubsub

import "time"

// message is a message that was received and is not settled.
type message struct {
	data      []byte
	published time.Time
	from      receipt
}

// receipt is what a message is settled with, once; a *pubsub.Message.
type receipt interface {
	Ack()
	Nack()
}

// take counts a message as one in hand, once there is room for it. false: it came too late, and was handed back.
func (s *Subscription) take(f *flow, m *message, id string, attempt *int) bool {
	if !f.room.enter(len(m.data), f.stop) {
		s.count(func(c *Status) { c.Nacked++ })
		m.from.Nack()
		return false
	}
	again := s.seen.add(id) || attempt != nil && *attempt > 1
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Received++
	if again {
		s.status.Redelivered++
	}
	s.hand[m] = struct{}{}
	return true
}

// ack settles messages of which all is on disk.
func (s *Subscription) ack(f *flow, list []*message) {
	now := s.cfg.Now()
	for _, m := range list {
		m.from.Ack()
	}
	s.settled(f, list, func(c *Status) {
		c.Acked += int64(len(list))
		if len(list) > 0 {
			c.Delay = max(0, now.Sub(list[len(list)-1].published))
		}
	})
}

// nack hands messages back: Pub/Sub sends them again.
func (s *Subscription) nack(f *flow, list []*message) {
	for _, m := range list {
		m.from.Nack()
	}
	s.settled(f, list, func(c *Status) { c.Nacked += int64(len(list)) })
}

func (s *Subscription) settled(f *flow, list []*message, change func(*Status)) {
	bytes := 0
	s.mu.Lock()
	for _, m := range list {
		delete(s.hand, m)
		bytes += len(m.data)
	}
	change(&s.status)
	s.mu.Unlock()
	f.room.leave(len(list), bytes)
}
