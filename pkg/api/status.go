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

// Imported says what became of a file or body of audit events.
type Imported struct {
	Events     uint64 `json:"events"`     // that were read
	Stored     uint64 `json:"stored"`     // of them
	Known      uint64 `json:"known"`      // of them: they were there already
	Rejected   uint64 `json:"rejected"`   // what is no event
	Detections uint64 `json:"detections"` // of the rules in force, on the events that were stored; nobody was notified
	// First rejections in words: where, and why.
	Rejections []string `json:"rejections,omitempty"`
}
