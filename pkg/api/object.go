package api

import (
	"encoding/json"
	"time"
)

// Object names an object of a cluster.
type Object struct {
	Cluster   string `json:"cluster"`
	APIGroup  string `json:"api_group,omitempty"` // "" for the core group
	Resource  string `json:"resource"`            // plural: "deployments"
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// History is all that happened to an object, and what each event made of it.
type History struct {
	Object  Object         `json:"object"`
	Entries []HistoryEntry `json:"entries"` // newest first
	Summary
}

// HistoryEntry is an event about the object.
type HistoryEntry struct {
	Event
	State   json.RawMessage `json:"state,omitempty"` // the object after it, if the event shows it
	Changes []Change        `json:"changes"`         // against the state before, if both are known
}

// Change is a place in an object that is not as it was.
type Change struct {
	Path   string          `json:"path"`             // JSON pointer
	Op     string          `json:"op"`               // "add", "remove" or "replace"
	Before json.RawMessage `json:"before,omitempty"` // not with "add"
	After  json.RawMessage `json:"after,omitempty"`  // not with "remove"
}

// Kinds of entities.
const (
	EntityUser           = "user"
	EntityServiceAccount = "serviceaccount"
	EntityAddress        = "address"
	EntityObject         = "object"
	EntityNamespace      = "namespace"
)

// Entity sums up who or what one user, service account, address, object or namespace is,
// as far as the events tell.
type Entity struct {
	Kind       string    `json:"kind"`
	Cluster    string    `json:"cluster,omitempty"` // "": of all clusters
	Value      string    `json:"value"`
	Events     uint64    `json:"events"`
	Detections uint64    `json:"detections"` // events with at least one
	First      time.Time `json:"first,omitzero"`
	Last       time.Time `json:"last,omitzero"`
	Facets     []Facet   `json:"facets"` // with whom and with what it had to do
	Recent     []Event   `json:"recent"` // its newest events
	Summary
}
