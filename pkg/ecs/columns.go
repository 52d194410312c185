package ecs

import (
	"sync"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/row"
)

// columnShape is how a column stands in a document.
type columnShape struct {
	key  string // quoted, with its colon
	list bool
}

var columnShapes = sync.OnceValue(func() map[string]columnShape {
	shapes := make(map[string]columnShape)
	for _, f := range field.Default().All() {
		if info, ok := row.Column(f); ok {
			shapes[info.Name] = columnShape{`"` + columnKey(info.Name) + `":`, info.Kind == row.List}
		}
	}
	return shapes
})

// columns appends what the event's row has: the values of the catalogue's fields, below
// fields, and what the rules found.
func (w *writer) columns(dst []byte) []byte {
	columns, shapes := row.Encode(w.e).Columns, columnShapes()
	mark := len(dst)
	dst = openObject(dst, `"fields":`)
	for i := range columns {
		if s, ok := shapes[columns[i].Name]; ok {
			dst = append(dst, s.key...)
			dst = appendColumn(dst, columns[i].Value, s.list)
		}
	}
	dst = closeObject(dst, mark)
	for i := range columns {
		switch columns[i].Name {
		case row.Rules, row.Tags:
			dst = append(append(append(dst, '"'), columns[i].Name...), `":`...)
			dst = appendColumn(dst, columns[i].Value, true)
		case row.Priority, row.Detections:
			dst = append(append(append(dst, '"'), columns[i].Name...), `":`...)
			dst = appendColumn(dst, columns[i].Value, false)
		}
	}
	return dst
}

// appendColumn appends a column's value. A list is JSON already, but for bytes that are
// no UTF-8.
func appendColumn(dst []byte, value string, list bool) []byte {
	switch {
	case list && utf8.ValidString(value):
		dst = append(dst, value...)
	case list:
		texts, _ := row.ParseList(value) // row wrote it
		dst = appendTexts(dst, texts)
	case value == row.Empty:
		dst = append(dst, `""`...)
	default:
		dst = appendText(dst, value)
	}
	return append(dst, ',')
}
