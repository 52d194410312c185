package ecs

import (
	"slices"
	"strings"
	"sync"
)

// Field is a field of the documents.
type Field struct {
	Name    string // with dots
	Type    string // of the mapping: keyword, ip, boolean, ...
	Doc     string // what is in it
	Dataset string // AuditLogs, Detections, or "" for both
	// Alias is the field that this one is another name for: it can be asked for under both,
	// and documents have it under that one. Type is that field's.
	Alias string
	// Stored says that the field is in documents and nothing can be asked of it.
	Stored bool
	// Number says that what is a decimal number in it can be asked for as such, as type long
	// in the field Name + ".number".
	Number bool

	path []string // keys that lead to it in the event; nil: it is no copy from there
}

// The types of fields: those that every server has, also one without Elastic's own modules.
const (
	keyword   = "keyword"
	text      = "text"
	boolean   = "boolean"
	integer   = "integer"
	long      = "long"
	date      = "date"
	ip        = "ip"
	flattened = "flattened"
)

// Fields are all fields of AuditLogs and Detections, by name. The slice is the caller's.
func Fields() []Field { return slices.Clone(allFields()) }

var allFields = sync.OnceValue(func() []Field {
	fields := slices.Concat(ecsFields, auditFields(), ourFields(), columnFields())
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	types := make(map[string]string, len(fields))
	for _, f := range fields {
		types[f.Name] = f.Type
	}
	for i := range fields {
		if f := &fields[i]; f.Alias != "" {
			f.Type = types[f.Alias]
		}
	}
	return fields
})

// FieldsOf are the fields that documents of a data set can have, GCPAudit among the data
// sets, by name. The slice is the caller's.
func FieldsOf(dataset string) []Field {
	if dataset == GCPAudit {
		return slices.SortedFunc(slices.Values(gcpFields), func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	}
	return slices.DeleteFunc(Fields(), func(f Field) bool { return !f.in(dataset) })
}

// in tells whether documents of a data set can have the field.
func (f *Field) in(dataset string) bool { return f.Dataset == "" || f.Dataset == dataset }
