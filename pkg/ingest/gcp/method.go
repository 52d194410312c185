package gcp

import (
	"slices"
	"strings"
)

// method is a method name taken apart: "io.k8s.authorization.rbac.v1.clusterroles.patch". The group stands in it from the
// end to the begin, and built-in groups have no domain at all, so a resource name is believed before it.
type method struct {
	group       string // as in the API; a guess for groups without a domain of their own
	version     string
	resource    string // "" for requests outside the resource API
	subresource string
	verb        string
}

func parseMethod(name string) method {
	parts := strings.Split(name, ".")
	if slices.Contains(parts, "") {
		return method{}
	}
	verb := parts[len(parts)-1]
	// The version is followed by resource, subresource and verb. Looked for from the end: domains can have a part like it.
	for at := len(parts) - 3; at >= 1; at-- {
		if !isVersion(parts[at]) {
			continue
		}
		m := method{group: groupOf(parts[:at]), version: parts[at], resource: parts[at+1], verb: verb}
		if rest := parts[at+2 : len(parts)-1]; len(rest) > 0 {
			m.subresource = rest[0]
		}
		return m
	}
	if len(parts) < 2 {
		return method{}
	}
	return method{verb: verb}
}

// ofPaths tells whether a method is that of requests outside the resource API: "io.k8s.get".
func ofPaths(name string) bool {
	verb, ok := strings.CutPrefix(name, "io.k8s.")
	return ok && verb != "" && !strings.Contains(verb, ".")
}

// plainGroups are the groups of Kubernetes that have no domain.
var plainGroups = []string{"apps", "autoscaling", "batch", "extensions", "policy"}

// groupOf turns the parts of a method name before the version into a group.
func groupOf(parts []string) string {
	if len(parts) == 3 && parts[0] == "io" && parts[1] == "k8s" {
		if parts[2] == "core" {
			return ""
		}
		if slices.Contains(plainGroups, parts[2]) {
			return parts[2]
		}
	}
	reversed := slices.Clone(parts)
	slices.Reverse(reversed)
	return strings.Join(reversed, ".")
}

// isVersion tells whether s is a version of the API: v1, v2beta1, v1alpha3.
func isVersion(s string) bool {
	rest, ok := strings.CutPrefix(s, "v")
	if !ok {
		return false
	}
	major := strings.TrimLeft(rest, "0123456789")
	if len(major) == len(rest) {
		return false
	}
	if major == "" {
		return true
	}
	for _, step := range []string{"alpha", "beta"} {
		if minor, ok := strings.CutPrefix(major, step); ok {
			return minor != "" && strings.TrimLeft(minor, "0123456789") == ""
		}
	}
	return false
}
