package admission

import (
	"net/url"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// target is what a request is about.
type target struct {
	group, version, resource, subresource string
	namespace, name                       string
	convertedTo                           string // version and kind of the object, where the request's was another
}

// readTarget takes the resource that the client named: with matchPolicy Equivalent the
// webhook may be asked about another version of it.
func (r *review) readTarget() target {
	resource, sub := r.request.Get("requestResource"), r.request.Get("requestSubResource")
	if resource.Kind() != audit.Object {
		resource, sub = r.request.Get("resource"), r.request.Get("subResource")
	}
	t := target{
		group: text(resource.Get("group")), version: text(resource.Get("version")), resource: text(resource.Get("resource")),
		subresource: text(sub), namespace: text(r.request.Get("namespace")), name: text(r.request.Get("name")),
	}
	if t.resource == "namespaces" && t.group == "" {
		t.namespace = t.name // as in the API server's own events, where it is not
		if r.operation == opCreate {
			t.namespace = ""
		}
	}
	asked, given := gvk(r.request.Get("requestKind")), gvk(r.request.Get("kind"))
	if asked != "" && given != asked {
		t.convertedTo = given
	}
	return t
}

// gvk is "apps/v1 Deployment".
func gvk(kind audit.Value) string {
	name := text(kind.Get("kind"))
	if name == "" {
		return ""
	}
	group := text(kind.Get("group"))
	if group != "" {
		group += "/"
	}
	return group + text(kind.Get("version")) + " " + name
}

// streams are the subresources that are opened with one verb or another and are no proxy.
var streams = []string{"attach", "exec", "portforward"}

func (t *target) stream() bool { return slices.Contains(streams, t.subresource) }

// verb gives the verb of the request, "" where it is not known, and the one that it may
// have been as well.
func (r *review) verb() (verb, maybe string) {
	switch r.operation {
	case opCreate:
		if r.target.subresource != "" { // an apply has an object of its own
			return "create", ""
		}
		return "create", "patch"
	case opUpdate:
		return "update", "patch"
	case opDelete:
		return "delete", "deletecollection"
	}
	if r.target.stream() {
		return "create", "get"
	}
	return "", ""
}

// uri builds the path and the query of such a request, as far as a review tells them.
func (r *review) uri() string {
	t := &r.target
	p := audit.ResourcePath{
		Group: t.group, Version: t.version, Namespace: t.namespace, Resource: t.resource, Name: t.name, Subresource: t.subresource,
	}
	if r.operation == opCreate && t.subresource == "" { // what is to be created has no path yet
		p.Name = ""
	}
	if r.operation == opConnect {
		p.Tail = strings.TrimLeft(text(r.object.Get("path")), "/")
	}
	if q := r.query(); q != "" {
		return p.String() + "?" + q
	}
	return p.String()
}

// query is what the options say that clients put into the query.
func (r *review) query() string {
	q := url.Values{}
	switch r.operation {
	case opConnect:
		r.connectQuery(q)
	case opDelete: // the options are the body
		if r.dryRun && !r.options.Exists() {
			q.Set("dryRun", "All")
		}
	default:
		if r.dryRun {
			q.Set("dryRun", "All")
		}
		for _, key := range []string{"fieldManager", "fieldValidation"} {
			if v := text(r.options.Get(key)); v != "" {
				q.Set(key, v)
			}
		}
	}
	return q.Encode()
}

// connectQuery writes the options of a stream (PodExecOptions and its like) as clients do.
func (r *review) connectQuery(q url.Values) {
	if !r.target.stream() {
		return
	}
	for key, v := range r.object.Members() {
		switch v.Kind() {
		case audit.String:
			if key != "kind" && key != "apiVersion" {
				q.Set(key, v.Text())
			}
		case audit.Bool, audit.Number:
			q.Set(key, v.Text())
		case audit.Array:
			q.Del(key)
			for e := range v.Elems() {
				if k := e.Kind(); k == audit.String || k == audit.Number {
					q.Add(key, e.Text())
				}
			}
		}
	}
}
