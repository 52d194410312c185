package ecs

// Field is a field of the documents.
type Field struct {
	Name    string // with dots
	Type    string // of the mapping: keyword, ip, boolean, ...
	Doc     string // what is in it
	Dataset string // AuditLogs, Detections, or "" for both
}

// Fields are all fields, by name.
func Fields() []Field { return nil }

// Mapping is the "mappings" object of a data set's index template, as JSON. It has
// no type that a server without Elastic's own modules lacks.
func Mapping(dataset string) []byte { return nil }

// ColumnField is the field that holds what a column of package row holds, by the column's
// name: as keyword, one value for each text of a list. False: none does.
func ColumnField(column string) (string, bool) { return "", false }
