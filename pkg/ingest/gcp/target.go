package gcp

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// target is what a request is about.
type target struct {
	method
	namespace            string
	name                 string
	uid, resourceVersion string // as the request says them

	tail     string // behind the subresource: the path of a proxied request, without the slash before it
	path     string // of a request outside the resource API, from "/"
	doubt    bool   // method and resource name contradict each other, or one is not understood
	nameless bool   // the method alone is known: what the object is called, and where it is, is not
}

// parseTarget puts method and resource name together: "apps/v1/namespaces/shop/deployments/web/scale".
func parseTarget(methodName, resourceName string) target {
	t := target{method: parseMethod(methodName)}
	named := t.method
	words := strings.Split(strings.TrimPrefix(resourceName, "/"), "/")
	words, ok := groupFirst(words, named)
	switch {
	case ok:
		t.readResource(words, named)
	case named.resource == "" && resourceName != "":
		t.path = "/" + strings.TrimPrefix(resourceName, "/")
	case resourceName == "" && ofPaths(methodName):
		t.path = "/" // GKE leaves the slash at the begin out, and so here everything
	case named.resource != "" && t.readLoose(words, named):
		t.doubt = true
	default:
		t.doubt, t.nameless = true, true
	}
	if named.verb == "" {
		t.doubt = true
	}
	return t
}

// groupFirst returns the words of a resource name from the group on; ok is false when it is none of a resource.
func groupFirst(words []string, m method) (from []string, ok bool) {
	if m.resource == "" && m.verb != "" {
		return words, false // the method is one of paths
	}
	switch {
	case len(words) > 3 && words[0] == "apis" && isVersion(words[2]):
		words = words[1:]
	case len(words) > 2 && words[0] == "api" && isVersion(words[1]):
		words = append([]string{"core"}, words[1:]...)
	}
	return words, len(words) > 2 && words[0] != "" && isVersion(words[1]) && words[2] != ""
}

// readResource reads the words of a resource name: group, version, and what follows.
func (t *target) readResource(words []string, named method) {
	t.group, t.version, t.resource, t.subresource = words[0], words[1], "", ""
	if t.group == "core" {
		t.group = ""
	}
	rest := words[2:]
	if ns, inside, ok := namespaced(rest, t.group, named.resource); ok {
		t.namespace, rest = ns, inside
	}
	t.resource = rest[0]
	t.name = word(rest, 1)
	t.subresource = word(rest, 2)
	if len(rest) > 3 {
		t.tail = strings.Join(rest[3:], "/")
	}
	if t.tail == t.name {
		t.tail = "" // pods/web/exec/web, as GKE once wrote it
	}
	if t.subresource == "" {
		t.subresource = named.subresource
	}
	if t.isNamespace() && t.verb != "create" {
		t.namespace = t.name // as in the API server's own events
	}
	t.doubt = named.resource != "" && (named.resource != t.resource || named.subresource != t.subresource && named.subresource != "")
}

// readLoose looks for the resource of the method in words of another form:
// "projects/P/locations/L/clusters/C/k8s/namespaces/shop/pods/web", "pods/web".
func (t *target) readLoose(words []string, named method) bool {
	from := slices.Index(words, named.resource)
	for i, w := range words {
		if w == "namespaces" && word(words, i+2) == named.resource {
			from = i
			break
		}
	}
	if from < 0 {
		return false
	}
	t.readResource(append([]string{named.group, named.version}, words[from:]...), named)
	return true
}

// completeFrom takes from the object that was sent what the path does not say, as the API server does.
func (t *target) completeFrom(sent audit.Value) {
	meta := sent.Get("metadata")
	if t.verb != "create" && t.verb != "update" || meta.Kind() != audit.Object {
		return
	}
	if t.namespace == "" {
		t.namespace = text(meta.Get("namespace"))
	}
	if t.name == "" {
		t.name = text(meta.Get("name"))
	}
	t.uid, t.resourceVersion = text(meta.Get("uid")), text(meta.Get("resourceVersion"))
}

// namespaced splits a namespace off. A namespace itself and its subresources look the same, but for the method:
// namespaces/shop/finalize is about the namespace shop, namespaces/shop/pods is not.
func namespaced(rest []string, group, resource string) (ns string, inside []string, ok bool) {
	if rest[0] != "namespaces" || len(rest) < 3 || rest[1] == "" || rest[2] == "" {
		return "", nil, false
	}
	own := resource == "namespaces"
	if resource == "" {
		own = len(rest) == 3 && (rest[2] == "finalize" || rest[2] == "status")
	}
	if own && group == "" {
		return "", nil, false
	}
	return rest[1], rest[2:], true
}

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

func (t *target) isNamespace() bool { return t.resource == "namespaces" && t.group == "" }

// connects are the subresources that hand the connection over to somebody else.
var connects = []string{"attach", "exec", "portforward", "proxy"}

// connect tells whether the request was handed over to a stream or to another server.
func (t *target) connect() bool { return slices.Contains(connects, t.subresource) }

// lasting tells whether the API server reports the begin of the answer on its own, because it can go on for long.
func (t *target) lasting() bool { return t.verb == "watch" || t.connect() }

// uri builds the path that a client uses for such a request, and the query as far as the entry tells it.
func (t *target) uri(query []string) string {
	var b strings.Builder
	t.writePath(&b)
	sign := byte('?')
	if t.verb == "watch" {
		query = append([]string{"watch=true"}, query...)
	}
	for _, q := range query {
		b.WriteByte(sign)
		b.WriteString(q)
		sign = '&'
	}
	return b.String()
}

func (t *target) writePath(b *strings.Builder) {
	if t.resource == "" {
		b.WriteString(t.path)
		return
	}
	p := audit.ResourcePath{
		Group: t.group, Version: t.version, Namespace: t.namespace, Resource: t.resource, Name: t.name, Subresource: t.subresource, Tail: t.tail,
	}
	if t.verb == "create" && t.subresource == "" { // what is to be created has no path yet
		p.Name = ""
	}
	b.WriteString(p.String())
}
