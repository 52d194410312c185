package api

import "time"

// Status is how the service is, as far as the one who asks may know.
type Status struct {
	Version   string    `json:"version"`
	Now       time.Time `json:"now"` // the service's clock
	Principal Principal `json:"principal"`
	Store     Store     `json:"store"`
}

// Principal is who asks.
type Principal struct {
	Name       string   `json:"name"` // of the token; "local" where none is needed
	All        bool     `json:"all"`  // may see everything
	Clusters   []string `json:"clusters,omitempty"`
	Namespaces []string `json:"namespaces,omitempty"` // none: all of these clusters
	Import     bool     `json:"import"`               // may import
}

// Store is what is stored: all of it, or for one who may not see everything what he may.
type Store struct {
	Events   uint64    `json:"events"`
	Oldest   time.Time `json:"oldest,omitzero"`
	Newest   time.Time `json:"newest,omitzero"`
	ReadOnly bool      `json:"read_only"`           // nothing more is stored, for want of disk
	Reason   string    `json:"reason,omitempty"`    // why, and what to do
	Bytes    uint64    `json:"bytes,omitempty"`     // on disk; only to one who may see everything
	MovedTo  string    `json:"moved_to,omitempty"`  // where a store that could not be opened lies; likewise
	MovedFor string    `json:"moved_for,omitempty"` // why it could not be opened; likewise
}

// Imported says what became of a body of audit events.
type Imported struct {
	Events     uint64            `json:"events"`     // in the store now: those of this body, and those that were there
	Known      uint64            `json:"known"`      // of these were there already
	Detections uint64            `json:"detections"` // of the rules in force, in these events; nobody was notified
	Redacted   uint64            `json:"redacted"`   // events that held secrets, which are not stored
	Expired    uint64            `json:"expired"`    // events older than is kept, filed under the time of the import
	Ahead      uint64            `json:"ahead"`      // events more than an hour in the future, likewise
	From       time.Time         `json:"from,omitzero"`
	To         time.Time         `json:"to,omitzero"`          // the times of the earliest and the latest event
	Rejected   map[string]uint64 `json:"rejected,omitempty"`   // what is no event, by reason
	Rejections []string          `json:"rejections,omitempty"` // the first of these: where, and why
}
