package audit

import (
	"net/url"
	"strings"
)

// ResourcePath is where an API server has objects: what is "" is left out. Names are as
// they are, not escaped.
type ResourcePath struct {
	Group, Version, Namespace, Resource, Name, Subresource string

	Tail string // behind the subresource, as of a proxied request, without the slash before it
}

// String gives the path of a URI, as clients write it.
func (p ResourcePath) String() string {
	var b strings.Builder
	segment := func(s string) {
		if s != "" {
			b.WriteByte('/')
			b.WriteString(url.PathEscape(s))
		}
	}
	b.WriteString("/api")
	if p.Group != "" {
		b.WriteString("s")
		segment(p.Group)
	}
	segment(p.Version)
	if p.Namespace != "" && (p.Resource != "namespaces" || p.Group != "") { // which is its own namespace
		segment("namespaces")
		segment(p.Namespace)
	}
	segment(p.Resource)
	segment(p.Name)
	segment(p.Subresource)
	if p.Tail != "" {
		b.WriteByte('/')
		b.WriteString((&url.URL{Path: p.Tail}).EscapedPath())
	}
	return b.String()
}
