package search

import (
	"sync"

	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/row"
)

// ColumnKind tells what the values of a field's column look like, for [Rows] that are
// not in the store and have to know; false where no field has such a column.
func ColumnKind(column string) (row.Kind, bool) {
	kind, ok := columnKinds()[column]
	return kind, ok
}

var columnKinds = sync.OnceValue(func() map[string]row.Kind {
	kinds := map[string]row.Kind{}
	for _, f := range field.Default().All() {
		if col, ok := row.Column(f); ok {
			kinds[col.Name] = col.Kind
		}
	}
	return kinds
})
