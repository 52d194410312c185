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

// History is what happened to an object: a page of the requests about it, the newest
// ones first asked for, and on a page the oldest first. Next leads to older ones.
type History struct {
	Object  Object         `json:"object"`
	Entries []HistoryEntry `json:"entries"`
	Folded  int            `json:"folded"` // events left out since a later stage of the same request is there
	Reads   uint64         `json:"reads"`  // events left out since they only read; counted on the first page
	Summary
}

// HistoryEntry is a request about the object.
type HistoryEntry struct {
	Event
	Effect
}

// Effect is what a request made of the object.
type Effect struct {
	UID string `json:"uid,omitempty"` // of the object, where the event tells

	State         json.RawMessage `json:"state,omitempty"`          // the object after it; absent: not known, or not changed
	StateAsked    bool            `json:"state_asked,omitempty"`    // State is what was asked for: what the server made of it is not recorded
	StateRedacted []string        `json:"state_redacted,omitempty"` // JSON pointers of the places in State where secrets were; whether those changed is not known
	StateUnknown  string          `json:"state_unknown,omitempty"`  // why it is not known though the request changed it, in a few words
	Patch         json.RawMessage `json:"patch,omitempty"`          // what a patch asked for, where State is not known

	Against     string   `json:"against,omitempty"`      // id of the event whose state Changes is against: the one before, or a review that shows the object before; absent: none is known
	Changes     []Change `json:"changes"`                // how State differs from that
	MoreChanges int      `json:"more_changes,omitempty"` // beyond what is told
	Ignored     int      `json:"ignored,omitempty"`      // places that differ with every write and are never told
	Reordered   []string `json:"reordered,omitempty"`    // JSON pointers of lists whose order is another one
	Missed      int      `json:"missed,omitempty"`       // requests between the two whose states are not known: theirs are in Changes too

	Created  bool `json:"created,omitempty"`  // by this request
	Deleted  bool `json:"deleted,omitempty"`  // gone with this request, or soon after it
	Replaced bool `json:"replaced,omitempty"` // another object than in the entries before, of the same name
}

// What became of a place in an object.
const (
	ChangeAdded   = "added"
	ChangeRemoved = "removed"
	ChangeChanged = "changed"
)

// Change is a place in an object that is not as it was.
type Change struct {
	Pointer  string          `json:"pointer"`             // JSON pointer; elements of lists are told by name: /spec/containers/[name=web]/image
	Op       string          `json:"op"`                  // ChangeAdded, ChangeRemoved or ChangeChanged
	Old      json.RawMessage `json:"old,omitempty"`       // not of an added place
	New      json.RawMessage `json:"new,omitempty"`       // not of a removed place
	OldBytes int             `json:"old_bytes,omitempty"` // how long the value is where it is left out as too long
	NewBytes int             `json:"new_bytes,omitempty"`
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
// as far as the events of a time tell. Of its Summary Hits has no meaning. The stages of a
// request are an event each.
type Entity struct {
	Kind       string    `json:"kind"`
	Cluster    string    `json:"cluster,omitempty"` // "": of all clusters
	Value      string    `json:"value"`             // as the events have it
	Events     uint64    `json:"events"`
	Detections uint64    `json:"detections"` // events with at least one
	First      time.Time `json:"first,omitzero"`
	Last       time.Time `json:"last,omitzero"`
	Outcomes   Outcomes  `json:"outcomes"`
	Claimed    uint64    `json:"claimed,omitempty"` // events in which an address is only claimed: the peer had another one

	Facets         []Facet      `json:"facets"`                    // with whom and with what it had to do
	StepSeconds    int64        `json:"step_seconds,omitempty"`    // of Activity
	Activity       []Bucket     `json:"activity"`                  // over time; steps without events are left out
	ImpersonatedBy []FacetValue `json:"impersonated_by,omitempty"` // users who acted as this user; what they did is not counted here
	Origins        []Origin     `json:"origins,omitempty"`         // where its tokens were issued to, among the newest Sampled events
	Sampled        int          `json:"sampled,omitempty"`
	New            []NewValue   `json:"new,omitempty"`      // what its events since NewSince have, and none before
	NewSince       time.Time    `json:"new_since,omitzero"` // absent: there is too little to compare

	Recent   []Event `json:"recent"`   // its newest events
	Detected []Event `json:"detected"` // its newest detections
	Changes  []Event `json:"changes"`  // its newest requests that changed something, or ran something in a pod
	Summary
}

// Outcomes are how requests ended that the log shows the end of.
type Outcomes struct {
	Allowed uint64 `json:"allowed"` // a status below 400
	Denied  uint64 `json:"denied"`  // 401, 403
	Failed  uint64 `json:"failed"`  // any other
}

// Origin is what a token was issued to.
type Origin struct {
	Pod    string    `json:"pod,omitempty"` // namespace/name; "" where the token is none of a pod's
	Node   string    `json:"node,omitempty"`
	Events int       `json:"events"`
	Last   time.Time `json:"last,omitzero"`
}

// NewValue is a value that was not there before.
type NewValue struct {
	Field  string `json:"field"`
	Value  string `json:"value"`
	Events uint64 `json:"events"`
}
