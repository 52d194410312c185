package elastic

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/kubewitness/kubewitness/pkg/sink"
)

// Cause is why something is tried again.
type Cause string

// The causes. Those from Rights on end only when somebody does something.
const (
	Busy        Cause = "busy"        // 429: the server takes no more at the moment
	Unavailable Cause = "unavailable" // no connection, no whole answer, 5xx
	Failed      Cause = "failed"      // 5xx of one document
	TooLarge    Cause = "too_large"   // 413: comes again in parts
	Undelivered Cause = "undelivered" // nobody takes the dead letter
	Rights      Cause = "rights"      // 401, 403
	Missing     Cause = "missing"     // 404: no such stream, no template that makes it
	Target      Cause = "target"      // the index is closed, or blocked, or its pipeline is not there
	Rejected    Cause = "rejected"    // another 4xx of a whole request
)

// slow reports whether trying soon is of no use.
func (c Cause) slow() bool {
	switch c {
	case Rights, Missing, Target, Rejected:
		return true
	}
	return false
}

// trouble is what keeps documents of a stream from being indexed.
type trouble struct {
	cause Cause
	text  string        // one sentence
	after time.Duration // what the server asked to wait
	since time.Time
	told  bool // in the log
}

// State is how the sink is doing.
type State struct {
	Unsettled int       // documents that are taken and not settled
	Memory    int64     // bytes that they take
	UnderWay  int       // batches that requests are made of
	Oldest    time.Time // when the oldest of the documents was taken; zero: there is none
	BulkBytes int       // of a request, at most: less than configured when the server took no more

	Trouble string // what keeps documents from being indexed, in one sentence; "": nothing
	Cause   Cause
	Since   time.Time
}

// State tells how the sink is doing. Trouble that ends only when somebody does something
// comes first.
func (s *Sink) State() State {
	var st State
	st.Unsettled, st.Memory, st.UnderWay, st.Oldest = s.queue.load()
	st.BulkBytes = int(s.limit.Load())
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.troubles {
		if t.cause != "" && (st.Cause == "" || t.cause.slow() && !st.Cause.slow()) {
			st.Trouble, st.Cause, st.Since = t.text, t.cause, t.since
		}
	}
	return st
}

// Stats count documents, if nothing else is said, since the sink was made.
type Stats struct {
	EventsCreated     uint64
	DetectionsCreated uint64
	EntriesCreated    uint64 // events of GKE, in the data set ecs.GCPAudit
	Conflicts         uint64 // there already: the write index said so
	Found             uint64 // there already: a look-up said so
	Joined            uint64 // left out since the same one was on its way
	Reduced           uint64 // indexed, or tried, in reduced shape
	Dead              uint64 // handed to the dead letters

	Removed         uint64 // second documents that a rollover let in, and that were deleted
	Doubles         uint64 // those that could not be deleted, for want of rights
	PossibleDoubles uint64 // created without the look-up that they needed, for want of rights

	Retried map[Cause]uint64 // sent again, by cause

	Requests uint64 // bulk requests
	Bytes    uint64 // of their bodies
	LookUps  uint64 // requests that look for documents
	LookedUp uint64 // documents that were looked for
}

// Stats tells what became of documents.
func (s *Sink) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Retried = maps.Clone(st.Retried)
	return st
}

// Counters implements sink.Counted. Events and Detections are documents that were
// created, Repeated documents that were there or on their way, Refused those in the dead
// letters, Bytes those of requests.
func (s *Sink) Counters() sink.Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counters
	c.Events, c.Detections = s.stats.EventsCreated, s.stats.DetectionsCreated
	c.Repeated = s.stats.Conflicts + s.stats.Found + s.stats.Joined
	c.Refused, c.Bytes = s.stats.Dead, s.stats.Bytes
	return c
}

// count changes counters.
func (s *Sink) count(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// passing is how long trouble that may pass by itself does before the log tells of it.
const passing = 10 * time.Second

// troubled notes what keeps documents of a stream from being indexed, and counts them.
func (s *Sink) troubled(l lane, now trouble, documents int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Retried[now.cause] += uint64(documents)
	t := &s.troubles[l]
	at := s.cfg.Now()
	switch {
	case t.cause == "":
		now.since = at
		*t = now
	case t.cause != now.cause:
		now.since, now.told = t.since, t.told && !now.cause.slow()
		*t = now
	default:
		t.text = now.text
	}
	if t.told || !t.cause.slow() && at.Sub(t.since) < passing {
		return
	}
	t.told = true
	level := slog.LevelWarn
	if t.cause.slow() {
		level = slog.LevelError
	}
	s.cfg.Logger.Log(context.Background(), level, "elasticsearch: documents wait; nothing is lost, and they are tried again",
		"stream", s.streams[l].name, "cause", string(t.cause), "problem", t.text)
}

// well notes that documents of a stream were indexed.
func (s *Sink) well(l lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.troubles[l]
	s.troubles[l] = trouble{}
	if t.told {
		s.cfg.Logger.Info("elasticsearch: documents are indexed again", "stream", s.streams[l].name,
			"after", s.cfg.Now().Sub(t.since).Round(time.Second).String())
	}
}
