package policy

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// present tells whether a field can have a value at a moment.
func (j *judge) present(u *use, m *moment) bool {
	if u.query != "" && m.lacks("/requestURI?"+u.query) != "" {
		return false
	}
	if len(u.pointers) == 0 {
		return u.field.Name != "evt.asynctype"
	}
	if !slices.ContainsFunc(u.pointers, m.member) {
		return false
	}
	if slices.ContainsFunc(u.pointers, func(p string) bool { return !inBody(p) && (u.query == "" || p != "/requestURI") }) {
		return true
	}
	if u.written.Name == "jevt.value" || u.written.Name == "json.value" {
		return true
	}
	baits := u.baitsOf()
	if len(baits) == 0 {
		return true
	}
	p := probe{field: u.written.Name, arg: u.written.Arg, group: m.target.group, resource: m.target.resource, sub: m.target.sub,
		verb: m.verb, request: m.request, response: m.response}
	return j.finds(baits, p)
}

func inBody(pointer string) bool {
	return strings.HasPrefix(pointer, "/requestObject") || strings.HasPrefix(pointer, "/responseObject")
}

// probe is the question whether a field finds anything in some request whose bodies have something everywhere it looks.
type probe struct {
	field, arg                 string
	group, resource, sub, verb string
	request, response          bool
}

// leaves are what bodies can have at the end of a path.
var leaves = []any{
	"x", true, 1, []any{"x"}, map[string]any{"x": map[string]any{}}, bare("User"), bare("Group"), bare("ServiceAccount"),
	[]any{bare("User")},
}

// bare is an object that is a subject of a binding as well as a webhook.
func bare(kind string) map[string]any {
	service := map[string]any{"namespace": "x", "name": "x"}
	return map[string]any{"kind": kind, "name": "x", "namespace": "x", "failurePolicy": "x", "clientConfig": map[string]any{"url": "x", "service": service}}
}

// bait is bodies in which a field finds something, where the request is one that it looks into.
type bait struct {
	field             *field.Field
	arg               field.Arg
	uri               string
	request, response string // members of an event, with the comma before
}

// baitsOf gives baits that a field has taken at least once: none where it looks for more than the leaves offer.
func (u *use) baitsOf() []bait {
	if u.baited {
		return u.baits
	}
	var out []bait
	for _, leaf := range leaves {
		b := bait{field: u.field, uri: "/x?command=x&container=x&" + url.QueryEscape(u.written.Arg) + "=x"}
		if u.field.ArgRequired {
			b.arg = field.Arg{Present: true, Key: u.written.Arg}
		}
		b.request, b.response = body(u.pointers, "requestObject", leaf), body(u.pointers, "responseObject", leaf)
		if slices.ContainsFunc(likely, b.taken) {
			out = append(out, b)
		}
	}
	u.baited, u.baits = true, out
	return out
}

// body is a body that has a leaf at the end of each path.
func body(pointers []string, member string, leaf any) string {
	var tree any
	for _, p := range pointers {
		if path := segments(p); path[0] == member {
			tree = plant(tree, path[1:], leaf)
		}
	}
	if tree == nil {
		return ""
	}
	raw, _ := json.Marshal(tree) // maps, arrays and texts
	return `,"` + member + `":` + string(raw)
}

// likely are requests that fields look into.
var likely = []probe{
	writes("", "pods", ""), writes("", "pods", "exec"), writes("", "serviceaccounts", "token"), writes("apps", "deployments", ""),
	writes("batch", "cronjobs", ""), writes("", "podtemplates", ""), writes("rbac.authorization.k8s.io", "roles", ""),
	writes("rbac.authorization.k8s.io", "rolebindings", ""), writes("certificates.k8s.io", "certificatesigningrequests", ""),
	writes("admissionregistration.k8s.io", "validatingwebhookconfigurations", ""),
}

func writes(group, resource, sub string) probe {
	return probe{group: group, resource: resource, sub: sub, verb: "create", request: true, response: true}
}

func (b *bait) taken(p probe) bool {
	ref, _ := json.Marshal(map[string]string{"apiGroup": p.group, "resource": p.resource, "subresource": p.sub})
	raw := `{"auditID":"x","verb":"` + p.verb + `","requestURI":"` + b.uri + `","objectRef":` + string(ref)
	if p.request {
		raw += b.request
	}
	if p.response {
		raw += b.response
	}
	c := &field.Context{Event: &audit.Event{Raw: []byte(raw + "}"), AuditID: "x"}, Num: 1}
	return len(b.field.Extract(c, b.arg)) > 0
}

func (j *judge) finds(baits []bait, p probe) bool {
	if found, ok := j.probes[p]; ok {
		return found
	}
	found := slices.ContainsFunc(baits, func(b bait) bool { return b.taken(p) })
	j.probes[p] = found
	return found
}
