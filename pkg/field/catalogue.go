package field

import (
	"slices"
	"strings"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// Catalogue is a set of fields in the order of their documentation. It never
// changes once made.
type Catalogue struct {
	fields []*Field
	byName map[string]*Field
}

var (
	allFields   = sync.OnceValue(func() *Catalogue { return newCatalogue(append(falcoTable(), oursTable()...)) })
	falcoFields = sync.OnceValue(func() *Catalogue { return newCatalogue(falcoTable()) })
)

// Default has every field: Falco's and the kw.* of our own.
func Default() *Catalogue { return allFields() }

// Falco has the fields that Falco has for this source, without the kw.*.
func Falco() *Catalogue { return falcoFields() }

func falcoTable() []*Field {
	var t []*Field
	for _, part := range [][]*Field{eventTable(), bindingTable(), podTable(), objectTable(), jsonTable(), evtTable()} {
		t = append(t, part...)
	}
	return t
}

func oursTable() []*Field {
	var t []*Field
	for _, part := range [][]*Field{whoTable(), whatTable(), commandTable(), templateTable(), grantTable(), admissionTable(), seenTable(), correlateTable()} {
		t = append(t, part...)
	}
	for _, f := range t {
		f.Ours = true
	}
	return t
}

func newCatalogue(fields []*Field) *Catalogue {
	c := &Catalogue{fields: fields, byName: make(map[string]*Field, len(fields))}
	for _, f := range fields {
		f.ArgAllowed = f.ArgAllowed || f.ArgRequired
		f.inBody = f.inBody || slices.ContainsFunc(f.Paths, pathInBody)
		c.byName[f.Name] = f
	}
	return c
}

// pathInBody tells whether a path leads into the request or the response
// object, or is the whole event.
func pathInBody(path string) bool {
	return path == "/" || strings.HasPrefix(path, "/requestObject") || strings.HasPrefix(path, "/responseObject")
}

// All gives the fields in documentation order. The caller must not change them.
func (c *Catalogue) All() []*Field { return c.fields }

// Lookup finds a field by its exact name.
func (c *Catalogue) Lookup(name string) (*Field, bool) {
	f, ok := c.byName[name]
	return f, ok
}

// Field is Lookup for the condition language.
func (c *Catalogue) Field(name string) (condition.FieldInfo, bool) {
	f, ok := c.byName[name]
	if !ok {
		return condition.FieldInfo{}, false
	}
	return f.Info(), true
}

var _ condition.Catalogue = (*Catalogue)(nil)
