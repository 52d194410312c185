package gcp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"maps"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Stream is an [audit.Converter] for files and bodies with log entries: single ones, as a log sink and gcloud write them,
// pages as the API gives them ({"entries": [...]}), rows of BigQuery, and Pub/Sub messages with an entry in them: alone, pushed
// ({"message": ...}), and as a pull answers ({"receivedMessages": [...]}). It puts the parts of split
// entries together, passes over what is no audit entry of the Kubernetes API, and counts. The zero value is ready.
type Stream struct {
	parts Assembler

	mu     sync.Mutex
	counts Counts
}

// Counts say what a stream was given.
type Counts struct {
	Entries   int64            // log entries, all of them
	Events    int64            // that were made
	Truncated int64            // of these, those whose entry was not complete
	Skipped   map[string]int64 // entries that are no audit entries of the Kubernetes API, by service or log
}

// maxNames bounds the names in Counts.Skipped; others are counted under otherName.
const (
	maxNames  = 50
	otherName = "others"
)

// Counts returns what was counted so far. It may be called at any time.
func (s *Stream) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Skipped = maps.Clone(c.Skipped)
	return c
}

// marks are what stands in every piece of an input with entries.
var marks = [][]byte{[]byte(`"logName"`), []byte(`"protoPayload"`), []byte(`"messageId"`), []byte(`"message_id"`), []byte(`"` + rowPayload + `"`)}

// eventBegin is how an audit event begins in the log of an API server: it has a kind, and
// so is no entry, whatever else is in it.
var eventBegin = []byte(`{"kind":"Event",`)

// Concerns implements [audit.Converter]. A line that begins as audit events do is not
// searched: all of an audit log would be, and that takes longer than to read it.
func (s *Stream) Concerns(piece []byte) bool {
	for len(piece) > 0 {
		line := piece
		if end := bytes.IndexByte(piece, '\n'); end >= 0 {
			line = piece[:end+1]
		}
		if !bytes.HasPrefix(line, eventBegin) && marked(line) {
			return true
		}
		piece = piece[len(line):]
	}
	return false
}

func marked(line []byte) bool {
	for _, mark := range marks {
		if bytes.Contains(line, mark) {
			return true
		}
	}
	return false
}

// Convert implements [audit.Converter].
func (s *Stream) Convert(item []byte) ([]audit.Converted, error) {
	// The parse keeps what it is made of, and a part of an entry may be kept.
	v, err := audit.ParseValue(item)
	if err != nil {
		return nil, audit.ErrForeign
	}
	inside, kind := opened(v)
	switch kind {
	case single:
		if v.Get("split").Exists() {
			return s.bytes(bytes.Clone(item))
		}
		return s.one(v, len(item))
	case page:
		var out []audit.Converted
		for e := range inside.Elems() {
			made, entryErr := s.bytes(bytes.Clone(e.Raw()))
			out, err = append(out, made...), errors.Join(err, entryErr)
		}
		return out, err
	case pulled:
		var out []audit.Converted
		for m := range inside.Elems() {
			made, messageErr := s.message(m.Get("message"))
			out, err = append(out, made...), errors.Join(err, messageErr)
		}
		return out, err
	case message:
		return s.message(inside)
	}
	return nil, audit.ErrForeign
}

// message takes what is in a Pub/Sub message.
func (s *Stream) message(m audit.Value) ([]audit.Converted, error) {
	raw, err := base64.StdEncoding.DecodeString(text(m.Get("data")))
	if err != nil {
		return nil, malformed("data of a Pub/Sub message: %w", err)
	}
	return s.bytes(raw)
}

// shape says in what an entry comes.
type shape int

const (
	foreign shape = iota
	single
	page    // of entries
	pulled  // messages
	message // one, of Pub/Sub
)

// opened looks into what an item is: the entry, the entries, the messages, the message in it.
func opened(v audit.Value) (inside audit.Value, kind shape) {
	if isEntry(v) {
		return v, single
	}
	if list := v.Get("entries"); list.Kind() == audit.Array && list.Len() > 0 && isEntry(list.Index(0)) {
		return list, page
	}
	if list := v.Get("receivedMessages"); list.Kind() == audit.Array && isMessage(list.Index(0).Get("message")) {
		return list, pulled
	}
	for _, m := range []audit.Value{v.Get("message"), v} {
		if isMessage(m) {
			return m, message
		}
	}
	return audit.Value{}, foreign
}

func isMessage(m audit.Value) bool {
	return (m.Get("messageId").Exists() || m.Get("message_id").Exists()) && m.Get("data").Kind() == audit.String
}

// bytes takes an entry that nobody else writes.
func (s *Stream) bytes(raw []byte) ([]audit.Converted, error) {
	v, err := audit.ParseValue(raw)
	if err != nil {
		return nil, &Malformed{err}
	}
	return s.one(v, len(raw))
}

// one takes an entry. One that is not ours is counted and no error.
func (s *Stream) one(v audit.Value, size int) ([]audit.Converted, error) {
	results, err := s.parts.add(v, size)
	s.mu.Lock()
	s.counts.Entries++
	if other := (*NotKubernetes)(nil); errors.As(err, &other) {
		s.skip(other.What)
		err = nil
	}
	s.mu.Unlock()
	return s.converted(results), err
}

func (s *Stream) skip(name string) {
	if s.counts.Skipped == nil {
		s.counts.Skipped = map[string]int64{}
	}
	if s.counts.Skipped[name] == 0 && len(s.counts.Skipped) >= maxNames {
		name = otherName
	}
	s.counts.Skipped[name]++
}

// Flush implements [audit.Converter].
func (s *Stream) Flush() []audit.Converted { return s.converted(s.parts.Flush()) }

func (s *Stream) converted(results []Result) []audit.Converted {
	if len(results) == 0 {
		return nil
	}
	out := make([]audit.Converted, 0, len(results))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range results {
		s.counts.Events++
		if r.Truncated {
			s.counts.Truncated++
		}
		out = append(out, r.Converted())
	}
	return out
}
