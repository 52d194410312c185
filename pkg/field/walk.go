package field

import (
	"github.com/kubewitness/kubewitness/pkg/audit"
)

// self is a step that stays where it is. As the last one of a walk it opens an
// array that the walk would else end at.
const self = ""

// A taker appends what one end of a walk stands for. The end is absent for an
// element, of an array on the way, without the path. ok is false where such an
// end makes the whole field absent.
type taker func(dst []Item, end audit.Value) (items []Item, ok bool)

// walk follows keys from v as Falco's extractor does, and takes each end of the
// path. An array on the way stands for each of its elements, or with an index
// for that one; inside an opened array an element without the path gives an
// absent end. ok is false when the path breaks anywhere else, when the index is
// out of range, and when the taker says so.
func walk(dst []Item, v audit.Value, a Arg, keys []string, take taker) (items []Item, ok bool) {
	v, left := descend(v, a, keys)
	if !v.Exists() {
		return dst, false
	}
	return takeEnds(dst, v, left, take)
}

// descend follows keys up to their end or to an array that must be opened; left
// are the keys from there on. It gives an absent value when the path breaks.
func descend(v audit.Value, a Arg, keys []string) (at audit.Value, left []string) {
	for i, key := range keys {
		if v.Kind() == audit.Array {
			if !a.Present {
				return v, keys[i:]
			}
			v = v.Index(a.Index)
		}
		if key != self {
			v = v.Get(key)
		}
		if !v.Exists() {
			return audit.Value{}, nil
		}
	}
	return v, nil
}

func takeEnds(dst []Item, v audit.Value, left []string, take taker) (items []Item, ok bool) {
	if len(left) == 0 {
		return take(dst, v)
	}
	for elem := range v.Elems() {
		at, rest := descend(elem, Arg{}, left)
		if dst, ok = takeEnds(dst, at, rest, take); !ok {
			return dst, false
		}
	}
	return dst, true
}

// appendEnds is walk from the event's root, for a field that finds what the
// taker takes.
func appendEnds(dst []Item, c *Context, a Arg, keys []string, take taker) []Item {
	items, ok := walk(dst, c.root(), a, keys, take)
	if !ok {
		return dst
	}
	return items
}

// takeValue takes the text of a value; an absent one is passed over.
func takeValue(dst []Item, end audit.Value) ([]Item, bool) { return appendValue(dst, end), true }

// takeNeeded is takeValue for what no element may lack.
func takeNeeded(dst []Item, end audit.Value) ([]Item, bool) {
	return appendValue(dst, end), end.Exists()
}

// takeElems takes the elements of an array; anything else is passed over.
func takeElems(dst []Item, end audit.Value) ([]Item, bool) { return appendElems(dst, end), true }

func appendText(dst []Item, s string) []Item { return append(dst, Item{Text: s}) }

// appendValue appends the text of a value, whatever its kind: null is "null", an
// object or array its compact JSON. An absent value gives nothing.
func appendValue(dst []Item, v audit.Value) []Item {
	if !v.Exists() {
		return dst
	}
	return append(dst, Item{Text: v.Text()})
}

// appendElems appends the texts of an array's elements; anything else is absent.
func appendElems(dst []Item, v audit.Value) []Item {
	for elem := range v.Elems() {
		dst = append(dst, Item{Text: elem.Text()})
	}
	return dst
}
