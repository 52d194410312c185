package ecs

import (
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// GCPAudit is the data set of Elastic's integration for Google Cloud, which its rules for
// GKE read. A document in it is what that integration makes of the log entry, rebuilt from
// the event that package ingest/gcp has made of the entry.
const GCPAudit = "gcp.audit"

// Annotations by which an event tells of the log entry that it was made of; package
// ingest/gcp lists them.
const (
	gkePrefix        = "gcp.kubewitness.io/"
	gkeInsertID      = gkePrefix + "insert-id"
	gkeReconstructed = gkePrefix + "reconstructed"

	decisionNote = "authorization.k8s.io/decision"
)

// FromGKE tells whether an event was made of a log entry of GKE.
func FromGKE(e *record.Event) bool {
	return textOf(e.Event.Root().Path("annotations", gkeInsertID)) != ""
}

// AppendGCPAudit appends the document of an event from GKE in the shape of the data set
// GCPAudit, one line of JSON without its end. Its _id is ID's.
func AppendGCPAudit(dst []byte, e *record.Event, o *Options) []byte {
	w := newWriter(e, o)
	defer w.release()
	g := w.entry()
	start := len(dst)
	dst = append(dst, '{')
	dst = w.head(dst, GCPAudit)
	dst = w.gcpEvent(dst, &g)
	dst = g.cloud(dst)
	dst = append(dst, `"service":{"name":"k8s.io"},`...)
	dst = w.gcpUser(dst, &g)
	dst = w.gcpOrchestrator(dst, &g)
	dst = append(dst, `"gcp":{"audit":{"type":"type.googleapis.com/google.cloud.audit.AuditLog","resource":{"type":"k8s_cluster"},`...)
	dst = w.gcpAudit(dst, &g)
	dst[len(dst)-1] = '}'
	dst = append(dst, "},"...)
	dst = openObject(dst, `"kubewitness":`)
	dst = member(dst, `"id":`, w.id)
	dst = list(dst, `"odd":`, w.odd)
	dst = closeObject(dst, start)
	return append(dst[:len(dst)-1], '}')
}

// AppendReducedGCPAudit appends the document of an event that was refused in the shape of
// AppendGCPAudit: when, what and why it is no more.
func AppendReducedGCPAudit(dst []byte, e *record.Event, o *Options, reason string) []byte {
	w := newWriter(e, o)
	defer w.release()
	g := w.entry()
	start := len(dst)
	dst = append(dst, '{')
	dst = w.head(dst, GCPAudit)
	dst = w.ingested(append(dst, `"event":{"kind":"event"`...))
	dst = append(dst, `,"module":"gcp","dataset":"`+GCPAudit+`",`...)
	dst = member(dst, `"action":`, g.method)
	dst = append(dst, `"outcome":"`...)
	dst = append(append(dst, g.outcome()...), `"},"error":{"message":`...)
	dst = append(appendText(dst, reason[:min(len(reason), maxReason)]), `},"service":{"name":"k8s.io"},`...)
	dst = openObject(dst, `"kubewitness":`)
	dst = member(dst, `"id":`, w.id)
	dst = yes(dst, `"reduced":`, true)
	dst = closeObject(dst, start)
	return append(dst[:len(dst)-1], '}')
}

// entry is what is left of a log entry in the event that was made of it.
type entry struct {
	notes    audit.Value // annotations of the event
	rebuilt  string      // members of the event that stand in no such form in the entry, with commas
	method   string      // methodName
	resource string      // resourceName
	decision string      // allow or forbid; "": none is known
	code     int         // HTTP; 0: not known
	email    string      // principalEmail
	subject  string      // principalSubject, as far as it says more
}

func (w *writer) entry() entry {
	g := entry{notes: w.root.Get("annotations")}
	g.rebuilt = "," + g.note("reconstructed") + ","
	g.method, g.resource = g.names(w.root)
	g.decision = textOf(g.notes.Get(decisionNote))
	g.code = w.answer.What.Code
	g.email, g.subject = textOf(w.root.Path("user", "username")), g.note("principal-subject")
	if g.isRebuilt("user.username") { // of the subject: the entry has no address
		if g.subject == "" {
			g.subject = g.email
		}
		g.email = ""
	}
	return g
}

// note is an annotation of package ingest/gcp.
func (g *entry) note(name string) string { return textOf(g.notes.Get(gkePrefix + name)) }

// isRebuilt tells whether a member of the event was worked out of something else.
func (g *entry) isRebuilt(member string) bool { return strings.Contains(g.rebuilt, ","+member+",") }

// outcome is event.outcome. Elastic takes the gRPC code, which for streams that were let
// through can be UNKNOWN, and they failures; here they are what they were. An event of
// which a decision is known and no code had one that stands for no answer of HTTP.
func (g *entry) outcome() string {
	switch {
	case g.code >= 400, g.code == 0 && g.decision != "":
		return "failure"
	case g.code > 0:
		return "success"
	}
	return "unknown"
}

func (w *writer) gcpEvent(dst []byte, g *entry) []byte {
	dst = w.ingested(append(dst, `"event":{"kind":"event"`...))
	dst = append(dst, `,"module":"gcp","dataset":"`+GCPAudit+`",`...)
	dst = member(dst, `"provider":`, g.note("log"))
	dst = member(dst, `"action":`, g.method)
	var categories, types []string
	switch stage := w.answer.When.Stage; {
	case stage == "ResponseStarted" && g.code != 401: // of which it is the only stage
		categories, types = append(categories, "session"), append(types, "start")
	case stage == "ResponseComplete" && isStream(w.answer.What.Action) && g.code < 400:
		categories, types = append(categories, "session"), append(types, "end")
	}
	switch g.decision {
	case "allow":
		categories, types = append(categories, "network", "configuration"), append(types, "access", "allowed")
	case "forbid":
		categories, types = append(categories, "network", "configuration"), append(types, "access", "denied")
	}
	dst = list(dst, `"category":`, categories)
	dst = list(dst, `"type":`, types)
	dst = append(append(append(dst, `"outcome":"`...), g.outcome()...), `",`...)
	dst = member(dst, `"id":`, g.note("insert-id"))
	dst = append(dst, `"created":`...)
	dst = append(appendTime(dst, within(w.e.Received)), ',')
	if w.o.EventURL != "" {
		dst = member(dst, `"url":`, w.o.EventURL+w.id)
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

func (g *entry) cloud(dst []byte) []byte {
	dst = append(dst, `"cloud":{"provider":"gcp",`...)
	dst = member(dst, `"availability_zone":`, textOf(g.notes.Get("location")))
	if project := textOf(g.notes.Get("project_id")); project != "" {
		dst = append(dst, `"project":{"id":`...)
		dst = append(appendText(dst, project), "},"...)
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// gcpUser appends who sent the request, and from where.
func (w *writer) gcpUser(dst []byte, g *entry) []byte {
	mark := len(dst)
	dst = openObject(dst, `"client":`)
	inner := len(dst)
	dst = openObject(dst, `"user":`)
	dst = member(dst, `"email":`, g.email)
	dst = member(dst, `"id":`, g.subject)
	dst = closeObject(dst, inner)
	dst = closeObject(dst, mark)
	if g.email != "" {
		dst = append(dst, `"user":{"email":`...)
		dst = append(appendText(dst, g.email), "},"...)
	}
	if agent := w.answer.Who.UserAgent; agent != "" {
		dst = append(dst, `"user_agent":{"original":`...)
		dst = append(appendText(dst, agent), "},"...)
	}
	from, known := addressOf(textOf(w.root.Get("sourceIPs").Index(0)))
	if known {
		dst = append(dst, `"source":{"ip":"`...)
		dst = append(from.AppendTo(dst), `"},`...)
	}
	w.texts = add(w.texts[:0], g.email, g.subject)
	mark = len(dst)
	dst = openObject(dst, `"related":`)
	dst = list(dst, `"user":`, w.texts)
	if known {
		dst = append(dst, `"ip":["`...)
		dst = append(from.AppendTo(dst), `"],`...)
	}
	return closeObject(dst, mark)
}

// gcpOrchestrator appends which cluster and object it was. As Elastic has it, only what
// is in a namespace has a name here.
func (w *writer) gcpOrchestrator(dst []byte, g *entry) []byte {
	dst = append(dst, `"orchestrator":{"type":"kubernetes",`...)
	cluster := textOf(g.notes.Get("cluster_name"))
	if cluster == "" {
		cluster = w.e.Event.Cluster
	}
	if cluster != "" {
		dst = append(dst, `"cluster":{"name":`...)
		dst = append(appendText(dst, cluster), "},"...)
	}
	ref := w.root.Get("objectRef")
	namespace, name := textOf(ref.Get("namespace")), textOf(ref.Get("name"))
	if isNamespace(ref) {
		namespace = ""
	}
	if namespace == "" {
		name = ""
	}
	dst = member(dst, `"api_version":`, textOf(ref.Get("apiVersion")))
	dst = member(dst, `"namespace":`, namespace)
	mark := len(dst)
	dst = openObject(dst, `"resource":`)
	dst = member(dst, `"name":`, name)
	dst = member(dst, `"type":`, textOf(ref.Get("resource")))
	dst = closeObject(dst, mark)
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// gcpAudit appends the members of gcp.audit.
func (w *writer) gcpAudit(dst []byte, g *entry) []byte {
	mark := len(dst)
	dst = openObject(dst, `"authentication_info":`)
	dst = member(dst, `"authority_selector":`, textOf(w.root.Path("impersonatedUser", "username")))
	dst = member(dst, `"service_account_key_name":`, g.note("key"))
	dst = closeObject(dst, mark)
	if g.decision != "" {
		dst = openObject(dst, `"authorization_info":[`)
		dst = member(dst, `"permission":`, g.method)
		dst = member(dst, `"resource":`, g.resource)
		dst = append(dst, `"granted":`...)
		if g.decision == "allow" {
			dst = append(dst, "true}],"...)
		} else {
			dst = append(dst, "false}],"...)
		}
	}
	dst = w.gcpLabels(dst, g)
	if id := textOf(w.root.Get("auditID")); id != "" && id != g.note("insert-id") {
		dst = append(dst, `"logentry_operation":{"id":`...)
		dst = append(appendText(dst, id), "},"...)
	}
	if at, err := time.Parse(time.RFC3339Nano, g.note("receive-timestamp")); err == nil {
		dst = append(dst, `"receive_timestamp":`...)
		dst = append(appendTime(dst, within(at)), ',')
	}
	dst = w.gcpBody(dst, `"request":`, "gcp.audit.request", w.root.Get("requestObject"))
	if caller := g.note("caller-ip"); caller != "" {
		dst = append(dst, `"request_metadata":{"raw":{"caller_ip":`...)
		dst = append(appendText(dst, caller), "}},"...)
	}
	dst = member(dst, `"resource_name":`, g.resource)
	dst = w.gcpBody(dst, `"response":`, "gcp.audit.response", w.root.Get("responseObject"))
	mark = len(dst)
	dst = openObject(dst, `"status":`)
	status := w.root.Get("responseStatus")
	if code := grpcCode(g.code, textOf(status.Get("reason"))); code > 0 {
		dst = number(dst, `"code":`, code)
	}
	dst = member(dst, `"message":`, textOf(status.Get("message")))
	return closeObject(dst, mark)
}

// grpcCode is the gRPC code that stands for an HTTP code, where only one does; 0: none, or
// one of several.
func grpcCode(http int, reason string) int64 {
	switch http {
	case 401:
		return 16 // UNAUTHENTICATED
	case 403:
		return 7 // PERMISSION_DENIED
	case 404:
		return 5 // NOT_FOUND
	case 409:
		switch reason {
		case "AlreadyExists":
			return 6 // ALREADY_EXISTS
		case "Conflict":
			return 10 // ABORTED
		}
	case 429:
		return 8 // RESOURCE_EXHAUSTED
	case 499:
		return 1 // CANCELLED
	case 501:
		return 12 // UNIMPLEMENTED
	case 503:
		return 14 // UNAVAILABLE
	case 504:
		return 4 // DEADLINE_EXCEEDED
	}
	return 0
}

// gcpLabels appends the labels of the entry: the annotations that nobody added to them.
func (w *writer) gcpLabels(dst []byte, g *entry) []byte {
	mark := len(dst)
	dst = openObject(dst, `"labels":`)
	done := map[string]bool{"cluster_name": true, "location": true, "project_id": true}
	done[decisionNote] = g.isRebuilt("annotations." + decisionNote)
	for key := range g.notes.Members() {
		if !done[key] && !strings.HasPrefix(key, gkePrefix) {
			done[key] = true
			dst = w.flatMember(dst, "gcp.audit.labels", key, g.notes.Get(key), 0, 1)
		}
	}
	return closeObject(dst, mark)
}

// bodyDepth is the depth at which a body begins, so that it may have sixteen levels: as
// many as the server takes, and some to spare.
const bodyDepth = maxFlatDepth - 16

// gcpBody appends a request or response: of one that is no object, the object that holds
// it in an entry. A status that is a text gives way to that of objects, as Elastic has it.
func (w *writer) gcpBody(dst []byte, key, name string, v audit.Value) []byte {
	mark := len(dst)
	dst = openObject(dst, key)
	if v.Kind() != audit.Object {
		return closeObject(w.flatMember(dst, name, "value", v, 0, bodyDepth), mark)
	}
	done := map[string]bool{}
	for key := range v.Members() {
		if done[key] || key == "status_value" {
			continue
		}
		done[key] = true
		value := v.Get(key)
		if key == "status" && value.Kind() != audit.Object {
			key = "status_value"
		}
		dst = w.flatMember(dst, name, key, value, 0, bodyDepth)
	}
	return closeObject(dst, mark)
}
