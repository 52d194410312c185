package row

import "github.com/kubewitness/kubewitness/pkg/field"

// Why tells why a field has no column of its own; "" where it has.
func Why(f *field.Field) string { return placeOf(f).why }
