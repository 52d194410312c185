package pubsub

import (
	"cmp"
	"maps"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// Status says what a subscription has seen. Counts begin at Open.
type Status struct {
	Subscription string    `json:"subscription"`
	LastError    string    `json:"last_error"`           // why nothing is received, or stored, just now; empty when it is
	ErrorSince   time.Time `json:"error_since,omitzero"` // since when

	InHand    int           `json:"in_hand"` // messages received and not settled
	Parts     int           `json:"parts"`   // of these, parts of entries whose other parts have not come
	OldestAge time.Duration `json:"-"`       // since the oldest of them was published; 0: there is none
	Delay     time.Duration `json:"-"`       // of the message acknowledged last, from when it was published

	Received    int64            `json:"received"`    // messages, each time that they came
	Redelivered int64            `json:"redelivered"` // of these, those that had come before, as far as known
	Acked       int64            `json:"acked"`
	Nacked      int64            `json:"nacked"`    // handed back to Pub/Sub, to come again
	Events      int64            `json:"events"`    // stored now
	Known       int64            `json:"known"`     // stored before, and not again
	Dead        int64            `json:"dead"`      // messages that became dead letters
	Truncated   int64            `json:"truncated"` // events of split entries of which parts did not come
	Retries     int64            `json:"retries"`   // times that the intake refused
	Skipped     map[string]int64 `json:"skipped"`   // entries of no audit log of Kubernetes, by service or log
}

// maxNames bounds the names in Status.Skipped; others are counted under otherName.
const (
	maxNames  = 50
	otherName = "others"
)

// Status returns the status. It may be called at any time.
func (s *Subscription) Status() Status {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Skipped = maps.Clone(s.status.Skipped)
	out.InHand = len(s.hand)
	if s.parts != nil {
		out.Parts = s.parts.waiting()
	}
	for m := range s.hand {
		out.OldestAge = max(out.OldestAge, now.Sub(m.published))
	}
	return out
}

func (s *Subscription) count(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
}

func (s *Subscription) skip(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.Skipped == nil {
		s.status.Skipped = map[string]int64{}
	}
	if s.status.Skipped[name] == 0 && len(s.status.Skipped) >= maxNames {
		name = otherName
	}
	s.status.Skipped[name]++
}

// What can be wrong, each apart: that messages come says nothing about whether they can be stored.
const (
	receiving = iota
	storing
	troubles
)

// note keeps what is wrong, and tells it when it is another thing than before; nil: nothing is any more.
func (s *Subscription) note(what int, err error) {
	text := ""
	if err != nil {
		text = s.explain(err)
	}
	s.mu.Lock()
	before := s.trouble[what]
	s.trouble[what] = text
	s.status.LastError = cmp.Or(s.trouble[:]...)
	switch {
	case s.status.LastError == "":
		s.status.ErrorSince = time.Time{}
	case s.status.ErrorSince.IsZero():
		s.status.ErrorSince = s.cfg.Now()
	}
	s.mu.Unlock()
	switch {
	case text == before:
	case text == "":
		s.cfg.Logger.Info("Pub/Sub: going on", "subscription", s.cfg.Subscription)
	default:
		s.cfg.Logger.Warn("Pub/Sub: held up, trying again", "subscription", s.cfg.Subscription, "error", text)
	}
}

// explain says what to do about an error, where that is known.
func (s *Subscription) explain(err error) string {
	st, ok := grpcstatus.FromError(err)
	if !ok {
		return err.Error()
	}
	switch st.Code() {
	case codes.NotFound:
		return "there is no such subscription; create it, or correct pubsub.subscriptions: " + st.Message()
	case codes.PermissionDenied:
		return "the service account may not consume the subscription; grant it roles/pubsub.subscriber there: " + st.Message()
	case codes.Unauthenticated:
		return "the credentials are not accepted; look at pubsub.credentials_file, or at Workload Identity: " + st.Message()
	}
	return st.Code().String() + ": " + st.Message()
}
