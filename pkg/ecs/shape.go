package ecs

import (
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// shape is what of a value goes into a document, and as what.
type shape struct {
	name     string // of the field or object
	key      string // in the document, quoted, with its colon
	typ      string // "": an object
	members  map[string]*shape
	statuses bool // the place where an answer that is a Status has a text: that is not odd
}

// shapes are kubernetes.audit in the documents of a data set.
var eventShape, contextShape = sync.OnceValue(func() *shape { return shapeOf(AuditLogs) }), sync.OnceValue(func() *shape { return shapeOf(Detections) })

func shapeOf(dataset string) *shape {
	root := &shape{name: strings.TrimSuffix(auditPrefix, "."), key: `"audit":`}
	for _, f := range auditFields() {
		if !f.in(dataset) {
			continue
		}
		keys, at := fieldKeys(f.path), root
		for i, key := range f.path {
			at = at.member(key, keys[i])
		}
		at.typ = f.Type
	}
	return root
}

// member gives the shape of a member, which is made if there is none yet.
func (s *shape) member(key, fieldKey string) *shape {
	if m, ok := s.members[key]; ok {
		return m
	}
	if s.members == nil {
		s.members = map[string]*shape{}
	}
	m := &shape{name: s.name + "." + fieldKey, key: string(appendText(nil, fieldKey)) + ":"}
	m.statuses = m.name == auditPrefix+"responseObject.status"
	s.members[key] = m
	return m
}

// value appends a member with its comma: what of v fits the shape, nothing where nothing
// does.
func (w *writer) value(dst []byte, s *shape, v audit.Value) []byte {
	mark := len(dst)
	dst = append(dst, s.key...)
	start := len(dst)
	switch {
	case s.typ == flattened:
		dst = w.flat(dst, s.name, v)
	case v.Kind() == audit.Array:
		dst = w.elements(append(dst, '['), s, v)
		if dst[len(dst)-1] == '[' {
			return dst[:mark]
		}
		dst[len(dst)-1] = ']'
	default:
		dst = w.one(dst, s, v)
	}
	if len(dst) == start {
		return dst[:mark]
	}
	return append(dst, ',')
}

// elements appends the elements of an array and of arrays in it, each with a comma.
func (w *writer) elements(dst []byte, s *shape, v audit.Value) []byte {
	for e := range v.Elems() {
		if e.Kind() == audit.Array {
			dst = w.elements(dst, s, e)
			continue
		}
		start := len(dst)
		if dst = w.one(dst, s, e); len(dst) > start {
			dst = append(dst, ',')
		}
	}
	return dst
}

// one appends a value that is no array; nothing when it does not fit.
func (w *writer) one(dst []byte, s *shape, v audit.Value) []byte {
	kind := v.Kind()
	switch {
	case kind == audit.Null || kind == audit.Absent:
		return dst
	case s.members != nil && kind == audit.Object:
		return w.object(dst, s, v)
	case s.members != nil:
		if !s.statuses {
			w.isOdd(s.name)
		}
		return dst
	}
	dst, fits := appendScalar(dst, s.typ, v, kind)
	if !fits {
		w.isOdd(s.name)
	}
	return dst
}

// object appends an object, unless it would be empty. Of equal keys the last counts.
func (w *writer) object(dst []byte, s *shape, v audit.Value) []byte {
	if w.duplicates {
		return w.lastMembers(dst, s, v)
	}
	start := len(dst)
	dst = append(dst, '{')
	for key, value := range v.Members() {
		if m := s.members[key]; m != nil {
			dst = w.value(dst, m, value)
		}
	}
	return endObject(dst, start)
}

// lastMembers is object for an event with equal keys in some object.
func (w *writer) lastMembers(dst []byte, s *shape, v audit.Value) []byte {
	start := len(dst)
	done := map[string]bool{}
	dst = append(dst, '{')
	for key := range v.Members() {
		if m := s.members[key]; m != nil && !done[key] {
			done[key] = true
			dst = w.value(dst, m, v.Get(key))
		}
	}
	return endObject(dst, start)
}

// endObject closes the object that begins at start; an empty one is taken away.
func endObject(dst []byte, start int) []byte {
	if dst[len(dst)-1] == '{' {
		return dst[:start]
	}
	dst[len(dst)-1] = '}'
	return dst
}

// appendScalar appends a value as a type has it; nothing when it does not fit. It tells
// whether the value was of the kind that the type is meant for.
func appendScalar(dst []byte, typ string, v audit.Value, kind audit.Kind) ([]byte, bool) {
	switch typ {
	case keyword:
		return appendKeyword(dst, v, kind)
	case boolean:
		if kind == audit.Bool {
			return append(dst, v.Raw()...), true
		}
	case long, integer:
		bits := 64
		if typ == integer {
			bits = 32
		}
		if n, err := strconv.ParseInt(v.Text(), 10, bits); kind == audit.Number && err == nil {
			return strconv.AppendInt(dst, n, 10), true
		}
	case date:
		if t, ok := dateOf(v.Text()); kind == audit.String && ok {
			return appendTime(dst, t), true
		}
	case ip:
		if a, ok := addressOf(v.Text()); kind == audit.String && ok {
			return append(a.AppendTo(append(dst, '"')), '"'), true
		}
	}
	return dst, false
}

// appendKeyword appends a text. A number or a truth in its place is found by its
// spelling.
func appendKeyword(dst []byte, v audit.Value, kind audit.Kind) ([]byte, bool) {
	switch kind {
	case audit.String:
		return appendString(dst, v), true
	case audit.Number, audit.Bool:
		return appendText(dst, v.Text()), false
	}
	return dst, false
}

// dateOf reads a time of the years that a date can have.
func dateOf(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, false
	}
	year := t.UTC().Year()
	return t, year >= 0 && year <= 9999
}

// addressOf reads an IP address; one with a zone is none that a server takes.
func addressOf(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil && a.Zone() == ""
}
