package gcp

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// typeKey is the member that says of what type a message is whose type is not fixed. It is Google's, not the object's.
const typeKey = "@type"

// body is a request or response object.
type body struct {
	value audit.Value
	there bool
	kind  string // worked out of the type, where the object has none
}

func readBody(v audit.Value, patch bool) body {
	v = unwrap(v)
	b := body{value: v, there: v.Exists() && v.Kind() != audit.Null}
	if v.Kind() == audit.Object && !v.Get("kind").Exists() && !patch {
		b.kind = kindOf(text(v.Get(typeKey)))
	}
	return b
}

// unwrap takes what is no object out of the object that a message must be: {"@type": ..., "value": [...]}, as JSON patches
// are.
func unwrap(v audit.Value) audit.Value {
	typ, value := text(v.Get(typeKey)), v.Get("value")
	if typ == "" || v.Len() != 2 || !value.Exists() {
		return v
	}
	if value.Kind() == audit.Array || strings.HasPrefix(typ, "type.googleapis.com/google.protobuf.") {
		return value
	}
	return v
}

// kindOf is the kind in a type: "core.k8s.io/v1.Pod".
func kindOf(typ string) string {
	version, kind, ok := strings.Cut(typ[strings.LastIndexByte(typ, '/')+1:], ".")
	if !ok || !isVersion(version) || strings.Contains(kind, ".") {
		return ""
	}
	return kind
}

// append writes the object, without its type, on one line.
func (b body) append(dst []byte) []byte {
	if b.value.Kind() != audit.Object {
		return append(dst, b.value.Compact()...)
	}
	begin := len(dst)
	if b.kind != "" {
		dst = append(dst, `,"kind":`...)
		dst = appendString(dst, b.kind)
	}
	for key, v := range b.value.Members() {
		if key == typeKey {
			continue
		}
		dst = append(dst, ',')
		dst = appendString(dst, key)
		dst = append(dst, ':')
		dst = append(dst, v.Compact()...)
	}
	if len(dst) == begin {
		return append(dst, "{}"...)
	}
	dst[begin] = '{'
	return append(dst, '}')
}
