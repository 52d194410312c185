package field_test

import (
	"testing"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// FuzzExtract asks every field of an event: none may panic, give an empty list
// that is not nil, or several items where it is no list.
func FuzzExtract(f *testing.F) {
	for _, c := range allCases() {
		f.Add([]byte(c.event), "command", 1)
	}
	f.Fuzz(func(t *testing.T, raw []byte, key string, index int) {
		v, err := audit.ParseValue(raw)
		if err != nil || v.Kind() != audit.Object {
			return
		}
		for _, strict := range []bool{false, true} {
			c := &field.Context{Event: &audit.Event{Raw: raw}, Strict: strict}
			for _, fd := range field.Default().All() {
				for _, arg := range []field.Arg{{}, {Present: true, Key: key, Index: max(index, 0)}} {
					if arg.Present && !fd.ArgAllowed || !arg.Present && fd.ArgRequired {
						continue
					}
					items := fd.Extract(c, arg)
					if items != nil && len(items) == 0 {
						t.Errorf("%s: empty, not nil", fd.Name)
					}
					if !fd.List && len(items) > 1 {
						t.Errorf("%s: %d items, but it is no list", fd.Name, len(items))
					}
				}
			}
		}
	})
}
