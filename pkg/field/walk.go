package field

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// self is a step that stays where it is. As the last one of a walk it opens an
// array that the walk would else end at.
const self = ""

// walk follows keys from v as Falco's extractor does. An array on the way
// stands for each of its elements, or with an index for that one. The result
// has one value for each end of the path; inside an opened array an element
// without the path gives an absent one. ok is false when the path breaks
// anywhere else, or the index is out of range.
func walk(v audit.Value, a Arg, keys ...string) (ends []audit.Value, ok bool) {
	for i, key := range keys {
		if v.Kind() == audit.Array {
			if !a.Present {
				return walkEach(v, keys[i:]), true
			}
			v = v.Index(a.Index)
		}
		if key != self {
			v = v.Get(key)
		}
		if !v.Exists() {
			return nil, false
		}
	}
	return []audit.Value{v}, true
}

func walkEach(array audit.Value, keys []string) []audit.Value {
	var ends []audit.Value
	for elem := range array.Elems() {
		if found, ok := walk(elem, Arg{}, keys...); ok {
			ends = append(ends, found...)
		} else {
			ends = append(ends, audit.Value{})
		}
	}
	return ends
}

func text(s string) []Item { return []Item{{Text: s}} }

// one gives the text of a value, whatever its kind: null is "null", an object
// or array its compact JSON. An absent value gives nothing.
func one(v audit.Value) []Item {
	if !v.Exists() {
		return nil
	}
	return text(v.Text())
}

// each gives the texts of an array's elements; anything else is absent.
func each(v audit.Value) []Item {
	if v.Kind() != audit.Array {
		return nil
	}
	items := make([]Item, 0, v.Len())
	for elem := range v.Elems() {
		items = append(items, Item{Text: elem.Text()})
	}
	return items
}

// present gives the texts of the values that exist.
func present(values []audit.Value) []Item {
	var items []Item
	for _, v := range values {
		items = append(items, one(v)...)
	}
	return items
}

// complete is present where every value exists; one absent value makes all
// absent.
func complete(values []audit.Value) []Item {
	for _, v := range values {
		if !v.Exists() {
			return nil
		}
	}
	return present(values)
}

// pointer writes keys as a JSON pointer.
func pointer(keys ...string) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, key := range keys {
		if key == self {
			continue
		}
		b.WriteByte('/')
		b.WriteString(escape.Replace(key))
	}
	return b.String()
}
