package admission

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// ours begins the keys of our annotations.
const ours = "admission.kubewitness.io/"

// decisionKey is the API server's annotation with what the authorizers decided.
const decisionKey = "authorization.k8s.io/decision"

// Unauthenticated stands for the sender of a review that nothing proves.
const Unauthenticated = "unauthenticated"

// Origin is what is known about a review besides what it says.
type Origin struct {
	Cluster  string
	Sender   string    // what proved who sent it, in a word; Unauthenticated where nothing did
	Received time.Time // the time of the event: a review has none
}

// Event makes the audit event of a review. The error is a [*Malformed]. The event shares no
// memory with body.
func Event(body []byte, o Origin) (*audit.Event, error) {
	r, err := readReview(body)
	if err != nil {
		return nil, err
	}
	return r.event(o)
}

func (r *review) event(o Origin) (*audit.Event, error) {
	e, err := audit.Converted{Raw: r.encode(o), Cluster: o.Cluster, Identity: record.ReviewIdentity(o.Cluster, r.uid)}.Event()
	if err != nil { // too deep, or a time beyond all calendars
		return nil, &Malformed{audit.ReasonType, err}
	}
	return e, nil
}

// head is the part of an event that is no object of the request.
type head struct {
	Kind       string    `json:"kind"`
	APIVersion string    `json:"apiVersion"`
	Level      string    `json:"level"`
	AuditID    string    `json:"auditID"`
	Stage      string    `json:"stage"`
	RequestURI string    `json:"requestURI"`
	Verb       string    `json:"verb,omitempty"`
	User       user      `json:"user"`
	ObjectRef  objectRef `json:"objectRef"`
	Received   string    `json:"requestReceivedTimestamp"`
	Staged     string    `json:"stageTimestamp"`
}

type user struct {
	Username string              `json:"username,omitempty"`
	UID      string              `json:"uid,omitempty"`
	Groups   []string            `json:"groups,omitempty"`
	Extra    map[string][]string `json:"extra,omitempty"`
}

type objectRef struct {
	Resource    string `json:"resource"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name,omitempty"`
	UID         string `json:"uid,omitempty"`
	APIGroup    string `json:"apiGroup,omitempty"`
	APIVersion  string `json:"apiVersion,omitempty"`
	Subresource string `json:"subresource,omitempty"`
}

// micro is how the API server spells times.
const micro = "2006-01-02T15:04:05.000000Z"

// encode writes the event; the annotations are the last member, see [annotate].
func (r *review) encode(o Origin) []byte {
	verb, maybe := r.verb()
	h := head{
		Kind: "Event", APIVersion: "audit.k8s.io/v1", Level: "Request", AuditID: r.uid, Stage: r.stage(), RequestURI: r.uri(), Verb: verb,
		User: r.user(), Received: o.Received.UTC().Format(micro),
		ObjectRef: objectRef{
			Resource: r.target.resource, Namespace: r.target.namespace, Name: r.target.name,
			APIGroup: r.target.group, APIVersion: r.target.version, Subresource: r.target.subresource,
		},
	}
	h.Staged = h.Received
	notes := map[string]string{
		decisionKey: "allow", ours + "uid": r.uid, ours + "operation": r.operation, ours + "sender": o.Sender,
		ours + "reconstructed": r.reconstructed(verb), ours + "unknown": unknown(verb),
	}
	for key, value := range map[string]string{"verb-may-be": maybe, "converted-to": r.target.convertedTo, "namespace-labels": r.labels} {
		if value != "" {
			notes[ours+key] = value
		}
	}
	out := bytes.TrimSuffix(marshal(h), []byte("}"))
	for _, m := range []struct {
		key string
		v   audit.Value
	}{{"requestObject", r.sent()}, {"oldObject", r.old}} {
		if m.v.Exists() {
			out = fmt.Appendf(out, `,%q:`, m.key)
			out = append(out, m.v.Compact()...)
		}
	}
	out = append(out, `,"annotations":`...)
	return append(append(out, marshal(notes)...), '}')
}

// annotate adds an annotation to an event of ours, redacted or not. One that has lost its
// annotations stays as it is.
func annotate(raw []byte, key, value string) []byte {
	if !bytes.HasSuffix(raw, []byte(`"}}`)) {
		return raw
	}
	out := slices.Clip(raw[:len(raw)-2])
	out = append(append(out, ','), marshal(ours+key)...)
	out = append(append(out, ':'), marshal(value)...)
	return append(out, "}}"...)
}

// marshal writes texts, and what is made of them, as the API server does: < is <.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts: it cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (r *review) stage() string {
	if r.asked {
		return "RequestReceived"
	}
	if r.operation == opConnect {
		return "ResponseStarted"
	}
	return "ResponseComplete"
}

// sent is what audit logs have as the request's body.
func (r *review) sent() audit.Value {
	switch r.operation {
	case opConnect:
		return audit.Value{}
	case opDelete:
		return r.options
	}
	return r.object
}

func (r *review) user() user {
	info := r.request.Get("userInfo")
	u := user{Username: text(info.Get("username")), UID: text(info.Get("uid")), Groups: texts(info.Get("groups"))}
	for key, v := range info.Get("extra").Members() {
		if v.Kind() != audit.Array {
			continue
		}
		if u.Extra == nil {
			u.Extra = map[string][]string{}
		}
		u.Extra[key] = texts(v)
	}
	return u
}

func texts(array audit.Value) []string {
	list := []string{}
	for v := range array.Elems() {
		if v.Kind() == audit.String {
			list = append(list, v.Text())
		}
	}
	return list
}

func (r *review) reconstructed(verb string) string {
	members := []string{"annotations." + decisionKey, "auditID", "level", "objectRef", "requestReceivedTimestamp", "requestURI", "stageTimestamp"}
	if !r.asked {
		members = append(members, "stage")
	}
	if verb != "" {
		members = append(members, "verb")
	}
	if r.sent().Exists() {
		members = append(members, "requestObject")
	}
	return list(members)
}

func unknown(verb string) string {
	members := []string{"impersonatedUser", "responseObject", "responseStatus", "sourceIPs", "userAgent"}
	if verb == "" {
		members = append(members, "verb")
	}
	return list(members)
}

func list(members []string) string {
	slices.Sort(members)
	return strings.Join(members, ",")
}
