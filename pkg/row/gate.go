package row

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Most events have little of what the catalogue knows to look for. So that not every
// field has to find that out from the root on, the objects and arrays in which fields
// look are looked for once for an event: the gates. A field whose gates are all shut
// is absent.

// maxGate is how many levels deep a gate lies at most.
const maxGate = 3

// gates are a tree of places in an event, parents first.
type gates []gate

type gate struct {
	parent int // -1: the event
	key    string
}

// need adds the gates of a field that looks at paths and gives their indexes; none
// when it may find something in any event.
func (g *gates) need(paths []string) []int {
	var all []int
	for _, path := range paths {
		at := -1
		for _, key := range gateKeys(path) {
			at = g.at(at, key)
		}
		if at < 0 {
			return nil
		}
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// gateKeys are the keys of a path that lead to its gate: those of the objects and the
// array on the way, not of the value at its end.
func gateKeys(path string) []string {
	if !strings.HasPrefix(path, "/") {
		return nil // "any"
	}
	keys := strings.Split(path[1:], "/")
	keys = keys[:min(len(keys)-1, maxGate)]
	if i := slices.IndexFunc(keys, notKey); i >= 0 {
		keys = keys[:i]
	}
	return keys
}

// notKey tells whether a part of a path is an element of an array, or a key that is
// not written as it is.
func notKey(part string) bool { return part == "*" || part == "0" || strings.Contains(part, "~") }

func (g *gates) at(parent int, key string) int {
	if i := slices.Index(*g, gate{parent, key}); i >= 0 {
		return i
	}
	*g = append(*g, gate{parent, key})
	return len(*g) - 1
}

// find looks the gates up in an event. In what it gives for each, shut ones are
// absent. Behind an array on the way all are open, with the array as their value: a
// field may look into its elements.
func (g gates) find(dst []audit.Value, root audit.Value) []audit.Value {
	for _, at := range g {
		v := root
		if at.parent >= 0 {
			v = dst[at.parent]
		}
		if v.Kind() != audit.Array {
			v = v.Get(at.key)
		}
		dst = append(dst, v)
	}
	return dst
}

// shut tells whether a field with these gates is absent.
func shut(of []int, found []audit.Value) bool {
	for _, i := range of {
		if found[i].Exists() {
			return false
		}
	}
	return len(of) > 0
}
