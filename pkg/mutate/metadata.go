package mutate

import "slices"

// mark is a label or an annotation.
type mark struct{ key, value string }

// marking puts labels or annotations on an object, or on its pods.
type marking struct {
	member         string // of metadata: "labels" or "annotations"
	pod            bool   // of the pod
	add, overwrite []mark
}

func (a *marking) apply(t *target) error {
	in := t.root
	if a.pod {
		in = t.pod
	}
	if in == nil || t.debug {
		return nil
	}
	m, err := in.path("metadata", a.member)
	if err != nil {
		return err
	}
	for _, k := range a.add {
		if !m.has(k.key) && !a.selected(t, k.key) {
			m.set(k.key, k.value)
		}
	}
	for _, k := range a.overwrite {
		there := m.has(k.key)
		if m.object[k.key] != k.value && !a.selected(t, k.key) && !(there && a.member == "labels" && t.controlled) {
			m.set(k.key, k.value)
		}
	}
	return nil
}

// selected tells whether a selector of the workload asks for a label: another value would
// have its pods be nobody's, and is refused.
func (a *marking) selected(t *target, key string) bool {
	return a.pod && a.member == "labels" && slices.Contains(t.selected, key)
}
