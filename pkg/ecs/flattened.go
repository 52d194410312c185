package ecs

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// What a field of type flattened takes. A server refuses documents with a key and value
// of more than 32766 bytes together, with a NUL in a key, and deeper than 20 levels.
const (
	maxFlatKey   = 1024
	maxFlatDepth = 8
)

// flat appends an object whose keys clients choose, for a field of type flattened. What
// is no text in it becomes its spelling, and what lies too deep its JSON text.
func (w *writer) flat(dst []byte, name string, v audit.Value) []byte {
	switch v.Kind() {
	case audit.Object:
		return w.flatObject(dst, name, v, 0, 1)
	case audit.Null, audit.Absent:
		return dst
	}
	w.isOdd(name)
	return dst
}

// flatObject appends an object; keys is how long those around it are together.
func (w *writer) flatObject(dst []byte, name string, v audit.Value, keys, depth int) []byte {
	start := len(dst)
	var done map[string]bool
	if w.duplicates {
		done = map[string]bool{}
	}
	dst = append(dst, '{')
	for key, value := range v.Members() {
		if w.duplicates {
			if done[key] {
				continue
			}
			done[key], value = true, v.Get(key)
		}
		dst = w.flatMember(dst, name, key, value, keys, depth)
	}
	return endObject(dst, start)
}

// flatMember appends a member of such an object with its comma; nothing where its key is
// none that a server takes, or its value is null.
func (w *writer) flatMember(dst []byte, name, key string, value audit.Value, keys, depth int) []byte {
	if !flatKey(key, keys) {
		w.isOdd(name)
		return dst
	}
	mark := len(dst)
	dst = append(appendText(dst, key), ':')
	from := len(dst)
	if dst = w.flatValue(dst, name, value, keys+1+len(key), depth); len(dst) == from {
		return dst[:mark]
	}
	return append(dst, ',')
}

func (w *writer) flatValue(dst []byte, name string, v audit.Value, keys, depth int) []byte {
	switch kind := v.Kind(); {
	case kind == audit.Null || kind == audit.Absent:
		return dst
	case kind == audit.String:
		return appendString(dst, v)
	case kind == audit.Object && depth < maxFlatDepth:
		return w.flatObject(dst, name, v, keys, depth+1)
	case kind == audit.Array && depth < maxFlatDepth:
		return w.flatArray(dst, name, v, keys, depth+1)
	}
	return appendText(dst, v.Text())
}

func (w *writer) flatArray(dst []byte, name string, v audit.Value, keys, depth int) []byte {
	start := len(dst)
	dst = append(dst, '[')
	for e := range v.Elems() {
		mark := len(dst)
		if dst = w.flatValue(dst, name, e, keys, depth); len(dst) > mark {
			dst = append(dst, ',')
		}
	}
	if dst[len(dst)-1] == '[' {
		return dst[:start]
	}
	dst[len(dst)-1] = ']'
	return dst
}

// flatKey tells whether a key, with those around it, is one that a server takes.
func flatKey(key string, keys int) bool {
	return key != "" && keys+len(key) <= maxFlatKey && strings.IndexByte(key, 0) < 0
}
