package audit

import (
	"bytes"
	"encoding/json"
	"time"
)

// Answer tells what an event is about: what was done, by whom, when and where. It is plain data, made from one event
// alone; Sentence puts the same into words.
//
// The JSON names are stable: lower case, words joined with "_", never a scalar where another answer has an object, so that
// they can become fields of a search index as they are. All strings are as the event has them, that is: mostly chosen by
// clients, of any length, with any character in them. Only Sentence makes them fit for a terminal.
type Answer struct {
	What  What  `json:"what"`
	Who   Who   `json:"who"`
	When  When  `json:"when"`
	Where Where `json:"where"`
}

// What is the request and how it ended.
type What struct {
	// Action is what the request means, whatever verb carries it.
	Action Action `json:"action"`
	// Verb is the verb of the audit event; for paths outside the resource API the HTTP method in lower case.
	Verb        string `json:"verb,omitempty"`
	APIGroup    string `json:"api_group,omitempty"` // "" for the core group
	APIVersion  string `json:"api_version,omitempty"`
	Resource    string `json:"resource,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	// Name of the object: from objectRef, else (generateName) from the object in the response; never from the request.
	// Proxy names are cut down to the name of the node, service or pod: "https:worker-1:10250" is "worker-1" here.
	Name         string `json:"name,omitempty"`
	GenerateName string `json:"generate_name,omitempty"` // the prefix asked for, when the event tells no name
	// Path of a request outside the resource API as the client spelled it, without the query: "/metrics".
	Path          string `json:"path,omitempty"`
	FieldSelector string `json:"field_selector,omitempty"` // of list, watch and deletecollection
	LabelSelector string `json:"label_selector,omitempty"`
	Items         *int   `json:"items,omitempty"` // objects in the response of a list; nil when the event does not have it

	Outcome Outcome `json:"outcome"`
	Code    int     `json:"code,omitempty"`    // HTTP status
	Reason  string  `json:"reason,omitempty"`  // responseStatus.reason: "AlreadyExists"
	Message string  `json:"message,omitempty"` // responseStatus.message
	// Decision of the authorizers, "allow" or "forbid", and their reason, as annotated.
	Decision       string `json:"decision,omitempty"`
	DecisionReason string `json:"decision_reason,omitempty"`
	// DryRun: the server took the request as a dry run, whatever came of it. DryRunClaimed: the URI asks for one, and the
	// event does not show whether the server followed it (a body of a delete overrides the URI).
	DryRun        bool `json:"dry_run,omitempty"`
	DryRunClaimed bool `json:"dry_run_claimed,omitempty"`

	// ReviewUID is that of the admission review of the request: of an event that was made of one, or was joined with one.
	ReviewUID string `json:"review_uid,omitempty"`

	Command  []string `json:"command,omitempty"` // of exec, each argument decoded
	Stdin    bool     `json:"stdin,omitempty"`   // of exec and attach
	TTY      bool     `json:"tty,omitempty"`
	Follow   bool     `json:"follow,omitempty"`   // of log
	Previous bool     `json:"previous,omitempty"` // of log: of the container's previous run
	Ports    []string `json:"ports,omitempty"`    // of port-forward, where the URI has them (most clients do not put them there)
	Proxy    *Proxy   `json:"proxy,omitempty"`

	// Patch is what a patch does, for reading: the operations of a JSON patch ("add /rules/-"); of a merge patch up to
	// twenty fields, "set spec.replicas" or "remove metadata.labels.app".
	Patch       []string      `json:"patch,omitempty"`
	Privileges  []string      `json:"privileges,omitempty"` // what pods get of their node: "privileged", "host path /"
	Replicas    *int64        `json:"replicas,omitempty"`   // of scale
	Token       *Token        `json:"token,omitempty"`
	Grant       *Grant        `json:"grant,omitempty"` // of a role binding
	Rules       []Rule        `json:"rules,omitempty"` // of a role
	Access      *Access       `json:"access,omitempty"`
	Certificate *Certificate  `json:"certificate,omitempty"`
	Terminating bool          `json:"terminating,omitempty"` // of delete: accepted, but the object is still there
	Denied      *DeniedTarget `json:"denied_impersonation,omitempty"`
}

// When is the time line of the request up to this event's stage.
type When struct {
	Received  time.Time `json:"received,omitzero"` // requestReceivedTimestamp, UTC
	Stage     string    `json:"stage,omitempty"`
	StageTime time.Time `json:"stage_time,omitzero"` // stageTimestamp, UTC
	// Latency is StageTime less Received, in nanoseconds; 0 when one of them is missing or they are out of order.
	Latency time.Duration `json:"latency_ns,omitempty"`
}

// Where is the place that the request is about, not the one it comes from (that is in Who).
type Where struct {
	Cluster   string `json:"cluster,omitempty"`
	Namespace string `json:"namespace,omitempty"` // of a namespace itself: its own name
	// Object is one word for the object, to group by: resource[.group]/[namespace/]name.
	Object    string `json:"object,omitempty"`
	UID       string `json:"uid,omitempty"`
	Node      string `json:"node,omitempty"`      // the node itself, the node of the pod, or the target of a binding
	Container string `json:"container,omitempty"` // of exec, attach and log; the name of a new ephemeral container
	// Images of all containers (init and ephemeral ones too) of the pod or pod template: of a patch and of debug containers
	// those that the request names, else those of the object in the response, else in the request.
	Images []string `json:"images,omitempty"`
}

// Answer works out what, who, when and where. It reads the whole event once or twice and keeps nothing.
func (e *Event) Answer() Answer {
	root := e.Root()
	a := Answer{Who: whoOf(root), When: whenOf(e, root)}
	a.What = whatOf(root, a.Who, a.When.Stage)
	a.What.ReviewUID = str(root.Path("annotations", reviewKey))
	if e.Review != "" {
		a.What.ReviewUID = e.Review
	}
	a.Where = whereOf(root, &a.What)
	a.Where.Cluster = e.Cluster
	return a
}

// String is Sentence.
func (a Answer) String() string { return a.Sentence() }

// MarshalJSON writes the four parts and, as "sentence", the sentence made of them. Whether <, > and & are escaped is up to
// the encoder that calls it.
func (a Answer) MarshalJSON() ([]byte, error) {
	type parts Answer
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Sentence string `json:"sentence"`
		parts
	}{a.Sentence(), parts(a)})
	return b.Bytes(), err
}

func whenOf(e *Event, root Value) When {
	w := When{Stage: e.Stage, StageTime: e.Time, Received: timeOf(root.Get("requestReceivedTimestamp"))}
	if w.Stage == "" {
		w.Stage = str(root.Get("stage"))
	}
	if w.StageTime.IsZero() {
		w.StageTime = timeOf(root.Get("stageTimestamp"))
	}
	if !w.Received.IsZero() && w.StageTime.After(w.Received) {
		w.Latency = w.StageTime.Sub(w.Received)
	}
	return w
}

// timeOf reads a timestamp; what is none is the zero time.
func timeOf(v Value) time.Time {
	t, err := time.Parse(time.RFC3339Nano, str(v))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// str is the content of a JSON string; any other kind of value is no text to us.
func str(v Value) string {
	if v.Kind() != String {
		return ""
	}
	return v.Text()
}

// strs is the strings of a JSON array, others left out.
func strs(v Value) []string {
	var out []string
	for e := range v.Elems() {
		if e.Kind() == String {
			out = append(out, e.Text())
		}
	}
	return out
}

// yes tells whether v is the JSON value true.
func yes(v Value) bool {
	b, ok := v.Bool()
	return ok && b
}
