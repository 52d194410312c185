package mutate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// document is an object that is being changed, and the patch that does so.
type document struct {
	root *place
	ops  []operation
	size int // of the patch, about
}

// operation is one of a JSON patch.
type operation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// readDocument reads an object.
func readDocument(v audit.Value) (*document, error) {
	dec := json.NewDecoder(bytes.NewReader(v.Raw()))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil && err != io.EOF {
		return nil, fmt.Errorf("the object: %w", err)
	}
	d := &document{}
	d.root = &place{doc: d, object: object}
	return d, nil
}

// encode writes the object as it is now.
func (d *document) encode() []byte { return encode(d.root.object) }

// patch writes what was done so far.
func (d *document) patch() []byte { return encode(d.ops) }

func (d *document) record(op, path string, value any) {
	o := operation{Op: op, Path: path}
	if op != "remove" {
		o.Value = encode(value)
	}
	d.size += len(o.Value) + len(path)
	d.ops = append(d.ops, o)
}

// encode writes a value of those that encoding/json reads.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // it was read from JSON, or checked when the file was read
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// place is an object in the document, or where one would be.
type place struct {
	doc     *document
	pointer string
	object  map[string]any // nil: there is none
	in      *place         // that it is a member of; nil: of none, or an element of a list
	key     string         // in there
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

func (p *place) at(key string) string { return p.pointer + "/" + escaper.Replace(key) }

// member is the object in a member, or where it would be; null is no object yet.
func (p *place) member(key string) (*place, error) {
	m := &place{doc: p.doc, pointer: p.at(key), in: p, key: key}
	switch v := p.object[key].(type) {
	case nil:
	case map[string]any:
		m.object = v
	default:
		return nil, shaped(m.pointer, "an object")
	}
	return m, nil
}

// path follows members.
func (p *place) path(keys ...string) (_ *place, err error) {
	for _, key := range keys {
		if p, err = p.member(key); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// has tells whether a member is there and not null.
func (p *place) has(key string) bool { return p.object[key] != nil }

// text is a member that is a text, else "".
func (p *place) text(key string) string {
	s, _ := p.object[key].(string)
	return s
}

// set puts a member in, or another in its place. Objects that are missing on the way are made.
func (p *place) set(key string, value any) { p.put(key, clone(value)) }

// put is set for a value that is nobody else's.
func (p *place) put(key string, value any) {
	if p.object == nil {
		p.object = map[string]any{key: value}
		p.in.put(p.key, p.object)
		return
	}
	op := "add"
	if _, ok := p.object[key]; ok {
		op = "replace"
	}
	p.doc.record(op, p.at(key), value)
	p.object[key] = value
}

// list is a member that is a list; null is none.
func (p *place) list(key string) ([]any, error) {
	switch v := p.object[key].(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	}
	return nil, shaped(p.at(key), "a list")
}

// elements are those of a list of objects. They hold until the list changes.
func (p *place) elements(key string) ([]*place, error) {
	list, err := p.list(key)
	places := make([]*place, len(list))
	for i, v := range list {
		object, ok := v.(map[string]any)
		pointer := p.at(key) + "/" + strconv.Itoa(i)
		if !ok {
			return nil, shaped(pointer, "an object")
		}
		places[i] = &place{doc: p.doc, pointer: pointer, object: object}
	}
	return places, err
}

// insert puts an element into a list, which is made where there is none.
func (p *place) insert(key string, i int, value any) error {
	list, err := p.list(key)
	if err != nil {
		return err
	}
	if list == nil {
		p.set(key, []any{value})
		return nil
	}
	value = clone(value)
	p.doc.record("add", p.at(key)+"/"+strconv.Itoa(i), value)
	p.object[key] = slices.Insert(slices.Clip(list), i, value)
	return nil
}

// remove takes an element out of a list that has it.
func (p *place) remove(key string, i int) error {
	list, err := p.list(key)
	if err != nil {
		return err
	}
	p.doc.record("remove", p.at(key)+"/"+strconv.Itoa(i), nil)
	p.object[key] = slices.Delete(slices.Clone(list), i, i+1)
	return nil
}

// replace puts a value in place of an element of a list that has it.
func (p *place) replace(key string, i int, value any) error {
	list, err := p.list(key)
	if err != nil {
		return err
	}
	value, list = clone(value), slices.Clone(list)
	p.doc.record("replace", p.at(key)+"/"+strconv.Itoa(i), value)
	list[i] = value
	p.object[key] = list
	return nil
}

// clone copies what comes from the file: it must not change with the document.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, m := range v {
			out[key] = clone(m)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}
