package api

import (
	"encoding/json"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Flags of an event.
const (
	FlagExpired = "expired" // its own time is older than what was kept when it came
	FlagAhead   = "ahead"   // its own time lay more than an hour in the future when it came
	FlagLate    = "late"    // it came more than an hour after it happened
)

// Event is an event that was found, with all that is known about it.
type Event struct {
	ID         string            `json:"id"`   // 64 hex digits
	Time       time.Time         `json:"time"` // under which it is filed: its own, or Received if it is expired or ahead
	Cluster    string            `json:"cluster"`
	Sentence   string            `json:"sentence"` // the answer in words: one printable line
	Answer     audit.Answer      `json:"answer"`
	Detections []Detection       `json:"detections"`         // what the rules said of it when it came, or was imported
	Labels     map[string]string `json:"labels,omitempty"`   // of its cluster
	Source     string            `json:"source,omitempty"`   // what took it in: "webhook", "file", "admission", "mutation", "import"
	Received   time.Time         `json:"received,omitzero"`  // when
	Ruleset    string            `json:"ruleset,omitempty"`  // digest of the rules that judged it, in hex
	Redacted   []string          `json:"redacted,omitempty"` // JSON pointers of the places in Event where secrets were
	Faults     []string          `json:"faults,omitempty"`   // rules that failed on it, with the error
	Flags      []string          `json:"flags,omitempty"`    // FlagExpired, FlagAhead, FlagLate
	// Told are rules whose detections went to outputs with the other event of the same request, the admission review or that
	// of the audit log, which came before this one. What joins both is the answer's what.review_uid, the same in both.
	Told []string `json:"told,omitempty"`
	// Event is the audit event as it is stored. See AppendEvent for how it keeps its spelling.
	Event json.RawMessage `json:"event"`
}

// Detection is what one rule said of an event.
type Detection struct {
	ID           string         `json:"id"` // 32 hex digits; the same whenever the event is judged
	Rule         string         `json:"rule"`
	Priority     string         `json:"priority"` // "Emergency" to "Debug"
	Tags         []string       `json:"tags"`
	Output       string         `json:"output"`
	OutputFields map[string]any `json:"output_fields"` // null, a text, a number, a boolean, or a list of texts each
}

// EventList is a page of events, newest first.
type EventList struct {
	Events []Event `json:"events"`
	Summary
}

// Summary says what a search came to, and what is missing from it.
type Summary struct {
	Hits    int    `json:"hits"`           // how many of what was asked for are given
	Next    string `json:"next,omitempty"` // the parameter "after" of the following page; "": there is none
	Partial bool   `json:"partial"`        // not all of the time asked for was looked at
	Why     string `json:"why,omitempty"`  // why it is partial, and what to do, in a sentence
	// Hidden is how many events were left out since what decides is a secret that was redacted
	// before the event was stored.
	Hidden     uint64            `json:"hidden"`
	HiddenBy   map[string]uint64 `json:"hidden_by,omitempty"`  // of a hunt: how many for each rule
	Unreadable uint64            `json:"unreadable,omitempty"` // events that are stored and that nobody can read any more
	Scanned    uint64            `json:"scanned"`              // events that were read and judged one by one
	Reached    time.Time         `json:"reached,omitzero"`     // the time down to which all was looked at
}

// DetectionList is a page of detections, those of the newest events first.
type DetectionList struct {
	Detections []EventDetection `json:"detections"`
	Summary
}

// EventDetection is a detection with what its event was about.
type EventDetection struct {
	Detection
	EventID  string       `json:"event_id"`
	Time     time.Time    `json:"time"`
	Cluster  string       `json:"cluster"`
	Sentence string       `json:"sentence"`
	Answer   audit.Answer `json:"answer"`
}

// HuntHit is an event that the rules of a hunt match.
type HuntHit struct {
	Event
	Found []Detection `json:"found"` // by the rules of the hunt
}
