package ecs

import (
	"net/url"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// names are methodName and resourceName of the entry: as they stand in it where the event
// says so, since they were not understood; else built from what was made of them.
//
//	io.k8s.authorization.rbac.v1.clusterroles.patch   rbac.authorization.k8s.io/v1/clusterroles/viewer
//	io.k8s.core.v1.pods.exec.create                   core/v1/namespaces/shop/pods/web-1/exec
//	io.k8s.get                                        healthz
func (g *entry) names(root audit.Value) (method, resource string) {
	method, resource = g.note("method-name"), g.note("resource-name")
	if method != "" || resource != "" {
		return method, resource
	}
	verb, ref := textOf(root.Get("verb")), root.Get("objectRef")
	path, _, _ := strings.Cut(textOf(root.Get("requestURI")), "?")
	if textOf(ref.Get("resource")) == "" {
		if verb != "" {
			method = "io.k8s." + verb
		}
		return method, strings.TrimPrefix(path, "/")
	}
	if verb != "" {
		method = methodOf(ref, verb)
	}
	return method, resourceOf(ref, path)
}

// methodOf is the method of a verb on a resource. Groups stand in it from their end to
// their begin, and those without a domain as if they had that of Kubernetes.
func methodOf(ref audit.Value, verb string) string {
	group := textOf(ref.Get("apiGroup"))
	switch {
	case group == "":
		group = "io.k8s.core"
	case !strings.Contains(group, "."):
		group = "io.k8s." + group
	default:
		parts := strings.Split(group, ".")
		slices.Reverse(parts)
		group = strings.Join(parts, ".")
	}
	return joined(".", group, textOf(ref.Get("apiVersion")), textOf(ref.Get("resource")), textOf(ref.Get("subresource")), verb)
}

// resourceOf is the name of what a request is about; the path has what lies behind a
// proxy.
func resourceOf(ref audit.Value, path string) string {
	group, version := textOf(ref.Get("apiGroup")), textOf(ref.Get("apiVersion"))
	namespace := ""
	if ns := textOf(ref.Get("namespace")); ns != "" && !isNamespace(ref) {
		namespace = "namespaces/" + ns
	}
	resource, name, sub := textOf(ref.Get("resource")), textOf(ref.Get("name")), textOf(ref.Get("subresource"))
	of := joined("/", namespace, resource, name, sub)
	tail := ""
	if sub != "" {
		if unescaped, err := url.PathUnescape(path); err == nil {
			_, tail, _ = strings.Cut(unescaped, "/"+of+"/")
		}
	}
	if group == "" {
		group = "core"
	}
	return joined("/", group, version, of, tail)
}

// isNamespace tells whether an object is a namespace, whose namespace is itself.
func isNamespace(ref audit.Value) bool {
	return textOf(ref.Get("resource")) == "namespaces" && textOf(ref.Get("apiGroup")) == ""
}

// joined joins the parts that are not empty.
func joined(between string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), between)
}
