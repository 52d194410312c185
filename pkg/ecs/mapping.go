package ecs

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/row"
)

// IgnoreAbove is how many characters, as Java counts them, a keyword may have to be
// found. All of a longer one is in the document.
const IgnoreAbove = 8191

// object is a JSON object; encoding/json writes its keys in order.
type object = map[string]any

// Mapping is the "mappings" object of a data set's index template, as JSON. It has
// no type that a server without Elastic's own modules lacks.
func Mapping(dataset string) []byte {
	properties := object{}
	for _, f := range FieldsOf(dataset) {
		put(properties, strings.Split(f.Name, "."), f.mapping())
	}
	b, _ := json.Marshal(object{"dynamic": false, "date_detection": false, "properties": properties}) // texts, numbers, truths: it cannot fail
	return b
}

// put puts a mapping below properties, into the objects on the way.
func put(properties object, path []string, mapping object) {
	for _, key := range path[:len(path)-1] {
		at, ok := properties[key].(object)
		if !ok {
			at = object{"properties": object{}}
			properties[key] = at
		}
		properties = at["properties"].(object)
	}
	properties[path[len(path)-1]] = mapping
}

// mapping is the mapping of one field.
func (f *Field) mapping() object {
	if f.Alias != "" {
		return object{"type": "alias", "path": f.Alias}
	}
	m := object{"type": f.Type}
	switch {
	case f.Stored:
		m["index"], m["doc_values"] = false, false
	case f.Type == keyword, f.Type == flattened:
		m["ignore_above"] = IgnoreAbove
	case f.Name == "@timestamp": // a data stream takes none without
	case f.Type == date, f.Type == ip, f.Type == long, f.Type == integer, f.Type == boolean:
		m["ignore_malformed"] = true // documents have none; it costs nothing to be sure
	}
	if f.Number {
		m["fields"] = object{"number": object{"type": long, "ignore_malformed": true}}
	}
	return m
}

// ColumnField is the field that holds what a column of package row holds, by the column's
// name: as keyword, one value for each text of a list, "" for row.Empty. Bytes that are
// no UTF-8 are U+FFFD in it, and what is longer than IgnoreAbove is not found. False:
// none does.
//
// "id" and "cluster" are columns here. A number is a number in the field + ".number".
func ColumnField(column string) (string, bool) {
	name, ok := columnNames()[column]
	return name, ok
}

var columnNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string)
	for _, f := range field.Default().All() {
		if info, ok := row.Column(f); ok {
			names[info.Name] = columnPrefix + columnKey(info.Name)
		}
	}
	for column, name := range knownColumns {
		names[column] = name
	}
	return names
})
