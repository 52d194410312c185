package pubsub

import (
	"errors"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
)

// lot is what is stored together, with the messages that hang on it.
type lot struct {
	given     ingest.Given
	messages  []*message
	truncated int       // events of entries of which parts are missing
	begun     time.Time // when it was first to be stored
}

// sorter makes lots of messages. There is one for each cluster, so that a cluster that sends more than it may holds nobody
// else up, and one for what is no event: a lot is given again as a whole, and dead letters, which have no identity, would be
// stored again.
type sorter struct {
	f    *flow
	lots []*lot
	by   map[string]*lot
	dead *lot
}

// convert makes lots of a batch. Messages that hold nothing to be stored, and parts of entries, are in none.
func (f *flow) convert(batch []*message) []*lot {
	s := &sorter{f: f}
	var skipped []*message
	for _, m := range batch {
		if key := partKey(m.data); key != "" {
			skipped = append(skipped, s.part(key, m)...)
			continue
		}
		r, err := gcp.Converter{}.Convert(m.data)
		switch other := (*gcp.NotKubernetes)(nil); {
		case errors.As(err, &other):
			f.s.skip(other.What)
			skipped = append(skipped, m)
		case err != nil:
			s.refuse(m, err)
		default:
			s.event(r, m)
		}
	}
	if len(skipped) > 0 {
		f.s.ack(f, skipped)
	}
	return s.lots
}

// part takes a part of an entry, and gives it back when it holds nothing to be stored.
func (s *sorter) part(key string, m *message) (skipped []*message) {
	made, whole, over, err := s.f.parts.add(key, m, s.f.s.cfg.Now())
	for _, p := range over {
		s.split(p, p.parts.Flush())
	}
	switch other := (*gcp.NotKubernetes)(nil); {
	case errors.Is(err, errClosed):
		s.f.s.nack(s.f, []*message{m})
	case errors.As(err, &other):
		s.f.s.skip(other.What)
		return []*message{m}
	case err != nil:
		s.refuse(m, err)
	case whole != nil:
		s.split(whole, made)
	}
	return nil
}

// split takes what became of a split entry.
func (s *sorter) split(p *split, made []gcp.Result) {
	if len(made) == 0 {
		made = append(made, gcp.Result{}) // it is refused, and so kept
	}
	s.event(made[0], p.messages...)
}

// event takes an event and the messages that it came in.
func (s *sorter) event(r gcp.Result, from ...*message) {
	e, err := r.Converted().Event()
	if err != nil {
		s.refuse(from[0], err)
		s.dead.messages = append(s.dead.messages, from[1:]...)
		return
	}
	l := s.by[e.Cluster]
	if l == nil {
		l = s.begin()
		if s.by == nil {
			s.by = map[string]*lot{}
		}
		s.by[e.Cluster] = l
	}
	l.given.Events = append(l.given.Events, e)
	l.messages = append(l.messages, from...)
	if r.Truncated {
		l.truncated++
	}
}

// refuse takes a message of which nothing can be made.
func (s *sorter) refuse(m *message, err error) {
	if s.dead == nil {
		s.dead = s.begin()
	}
	s.dead.given.Refused = append(s.dead.given.Refused, ingest.Refused{Reason: audit.ReasonEntry, Err: err, Raw: m.data})
	s.dead.messages = append(s.dead.messages, m)
}

func (s *sorter) begin() *lot {
	now := s.f.s.cfg.Now()
	l := &lot{given: ingest.Given{Source: Source, Received: now}, begun: now}
	s.lots = append(s.lots, l)
	return l
}
