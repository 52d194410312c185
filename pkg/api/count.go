package api

import "time"

// Facets is how often the values of fields occur among the events that a search finds.
// Of its Summary Hits has no meaning.
type Facets struct {
	Facets []Facet `json:"facets"` // in the order asked for
	Summary
}

// Facet is how often the values of one field occur.
type Facet struct {
	Field  string       `json:"field"`
	Values []FacetValue `json:"values"` // the most frequent first
	More   bool         `json:"more"`   // there are other values
}

// FacetValue is a value with the number of events that have it.
type FacetValue struct {
	Value  string `json:"value"`
	Events uint64 `json:"events"`
}

// Histogram is how many events a search finds, over time. Of its Summary Hits has no
// meaning: Total is their number.
type Histogram struct {
	StepSeconds int64    `json:"step_seconds"`
	Total       uint64   `json:"total"`
	Buckets     []Bucket `json:"buckets"` // oldest first; those without events are left out
	Summary
}

// Bucket is the events from Start on, for one step.
type Bucket struct {
	Start  time.Time `json:"start"`
	Events uint64    `json:"events"`
}
