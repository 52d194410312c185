package policy

import (
	"encoding/json"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// attribute is what is known of the value of a field in a class.
type attribute struct {
	text
	member string // where an event would have it, as JSON pointer; "": nowhere
	number bool   // it stands there as a number, not as a text
}

func (t text) at(member string) (attribute, bool) { return attribute{text: t, member: member}, true }

// leaf is how an event has an exact text.
func (a *attribute) leaf() any {
	if a.number {
		return json.Number(a.is)
	}
	return a.is
}

// places are the fields that show a member as it is.
var places = map[string]string{
	"ka.auditid": "/auditID", "ka.stage": "/stage", "kw.level": "/level", "ka.verb": "/verb", "ka.uri": "/requestURI",
	"ka.user.name": "/user/username", "ka.target.name": "/objectRef/name", "ka.req.configmap.name": "/objectRef/name",
	"ka.target.namespace": "/objectRef/namespace", "ka.target.resource": "/objectRef/resource",
	"ka.target.subresource": "/objectRef/subresource", "ka.response.code": "/responseStatus/code",
	"ka.auth.decision": "/annotations/authorization.k8s.io~1decision",
}

// place is the member that a field shows as it is, "" for one that does more.
func place(f *condition.Field) string {
	switch f.Name {
	case "jevt.value", "json.value":
		if f.Arg == "" {
			return ""
		}
		return "/" + strings.TrimPrefix(f.Arg, "/")
	case "kw.annotations":
		return "/annotations/" + escape(f.Arg)
	}
	return places[f.Name]
}

// attribute tells what is known of a field; ok is false where that is nothing.
func (m *moment) attribute(f *condition.Field) (a attribute, ok bool) {
	switch f.Name {
	case "kw.object.apigroup":
		if m.target.path != nil {
			return text{absent: true}.at("")
		}
		return m.target.groupText().at("/objectRef/apiGroup")
	case "kw.user.kind":
		return m.userKind()
	case "kw.uri.path":
		if m.target.path != nil {
			return m.target.path.at("/requestURI")
		}
		return resourceURI.at("")
	case "kw.response.code":
		if m.who != nil && m.who.nobody {
			return unauthorized, true
		}
		return attribute{}, false
	case "kw.duplicate_keys": // what the API server writes itself has none: they are in patches, recorded as they came
		if m.verb != "patch" || !m.request {
			return attribute{text: exactly("false")}, true
		}
		return attribute{}, false
	}
	return m.memberText(place(f))
}

// unauthorized is the code of the answer to a failed login.
var unauthorized = attribute{text: exactly("401"), member: "/responseStatus/code", number: true}

// resourceURI is how URIs of resources begin: the API server passes over slashes in front.
var resourceURI = text{prefixes: []string{"/api", "//"}}

func (m *moment) memberText(pointer string) (attribute, bool) {
	if a, ok := m.reviewText(pointer); ok {
		return a, true
	}
	switch pointer {
	case "/auditID":
		return text{}.at("")
	case "/stage":
		return exactly(m.stage).at(pointer)
	case "/level":
		return exactly(m.level.String()).at(pointer)
	case "/verb":
		return exactly(m.verb).at(pointer)
	case "/requestURI":
		if m.target.path != nil {
			return m.target.path.beginning().at("")
		}
		return resourceURI.at("")
	case "/responseStatus/code":
		if m.who != nil && m.who.nobody {
			return unauthorized, true
		}
	case "/user/username":
		switch {
		case m.who == nil:
		case m.who.nobody:
			return text{absent: true}.at("")
		default:
			return m.who.name.at(pointer)
		}
	}
	if strings.HasPrefix(pointer, "/objectRef/") {
		return m.reference(pointer)
	}
	return attribute{}, false
}

// reference is what is known of the object that a request is about.
func (m *moment) reference(pointer string) (attribute, bool) {
	if m.target.path != nil {
		return text{absent: true}.at("")
	}
	switch pointer {
	case "/objectRef/resource":
		return m.target.resourceText().at(pointer)
	case "/objectRef/subresource":
		if m.target.anyResource {
			return attribute{}, false
		}
		return orAbsent(m.target.sub).at(pointer)
	case "/objectRef/apiGroup":
		if m.target.anyGroup {
			return m.target.groupText().at("")
		}
		return orAbsent(m.target.group).at(pointer)
	case "/objectRef/namespace":
		switch {
		case m.namespace != nil:
			return m.namespace.at(pointer)
		case m.target.clusterWide:
			return text{absent: true}.at("")
		}
	case "/objectRef/name":
		if m.name != nil && !m.name.absent { // of what has none in its URL the event may have the body's
			return m.name.at(pointer)
		}
	}
	return attribute{}, false
}

// beginning is what is known of a URI when t is known of its path.
func (t *text) beginning() text {
	if t.exact {
		return text{prefixes: []string{t.is}}
	}
	return *t
}

// userKind is the kind of a user, which each kind of names has one of.
func (m *moment) userKind() (attribute, bool) {
	if m.who == nil || m.who.anybody {
		return attribute{}, false
	}
	if m.who.nobody {
		return text{absent: true}.at("")
	}
	a, ok := exactly(m.who.like).at("/user/username")
	return a, ok
}
