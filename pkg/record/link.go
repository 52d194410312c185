package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Link joins an event of an audit log and the admission review of the same request. The
// event that came to the log second has it; the first one is not written again.
type Link struct {
	Review string    `json:"review"`          // uid of the review
	At     time.Time `json:"at"`              // when it came
	Audit  string    `json:"audit,omitempty"` // of a review that came second: the audit ID of the request
	Told   []string  `json:"told,omitempty"`  // rules that the first one has detections of
	// Attempts are the uids of reviews of the same request before Review, which the API server began again.
	Attempts []string `json:"attempts,omitempty"`
}

// WithLink adds a link to an item's notes. Notes that cannot be read stay as they are.
func WithLink(notes []byte, l *Link) []byte {
	n, err := DecodeNotes(notes)
	if err != nil {
		return notes
	}
	n.Link = l
	return EncodeNotes(n)
}

// HasTold tells whether a rule's detection went out with the first event of the request.
func (l *Link) HasTold(rule string) bool { return l != nil && slices.Contains(l.Told, rule) }

// Untold gives an event without the detections that went out with the first event of the
// same request, and how many these are. The event itself is not changed.
func (e *Event) Untold() (rest *Event, told int) {
	if e.Link == nil || len(e.Link.Told) == 0 {
		return e, 0
	}
	left := slices.DeleteFunc(slices.Clone(e.Detections), func(d match.Detection) bool { return e.Link.HasTold(d.Rule.Name) })
	if told = len(e.Detections) - len(left); told == 0 {
		return e, 0
	}
	less := *e
	less.Detections = left
	return &less, told
}

// RuleNames are the names of the rules in what EncodeDetections wrote, each once; nil where
// it cannot be read.
func RuleNames(found []byte) (names []string) {
	if len(found) == 0 {
		return nil
	}
	var in []struct {
		Rule string `json:"rule"`
	}
	if err := json.NewDecoder(bytes.NewReader(found)).Decode(&in); err != nil {
		return nil
	}
	for _, d := range in {
		if !slices.Contains(names, d.Rule) {
			names = append(names, d.Rule)
		}
	}
	return names
}

// reviewDomain keeps identities made here from being those of anything else. It must never
// change: everything that is stored would be stored again.
const reviewDomain = "kubewitness/admission/1"

// ReviewIdentity is the identity of the event that is made of a review.
func ReviewIdentity(cluster, uid string) audit.Identity {
	h := sha256.New()
	for _, s := range []string{reviewDomain, cluster, uid} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:]) // without it "a", "bc" would be "ab", "c"
		h.Write([]byte(s))
	}
	return audit.Identity(h.Sum(nil))
}

// joinedFor is how long after its review an event of a request is taken for the same: streams
// end hours after they were opened, which is no moment of the past.
const joinedFor = 2 * time.Minute

// Counts gives the identity and the time by which rules about several events take an event.
// One that was joined with the review of its request has those of the review, so that
// what both are counts once, however they come.
func (e *Event) Counts() (audit.Identity, time.Time) {
	l := e.Link
	if l == nil || l.Audit != "" || e.Event.Time.Sub(l.At).Abs() > joinedFor {
		return e.ID, e.Event.Time
	}
	return ReviewIdentity(e.Event.Cluster, l.Review), l.At
}
