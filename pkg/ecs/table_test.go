package ecs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// check holds a document against the table: each of its keys is a field, or leads to one,
// of its data set, and each value is one that the field's type takes.
type check struct {
	fields  map[string]ecs.Field
	objects map[string]bool
	seen    map[string]bool // fields that some document had
}

func newCheck(dataset string) *check {
	c := &check{map[string]ecs.Field{}, map[string]bool{}, map[string]bool{}}
	for _, f := range ecs.FieldsOf(dataset) {
		c.fields[f.Name] = f
		for i, b := range f.Name {
			if b == '.' {
				c.objects[f.Name[:i]] = true
			}
		}
	}
	return c
}

// document gives what is wrong with a document; nil: nothing.
func (c *check) document(doc []byte) error {
	if strings.ContainsAny(string(doc), "\n\r") {
		return fmt.Errorf("more than a line")
	}
	d := json.NewDecoder(strings.NewReader(string(doc)))
	d.UseNumber()
	if err := c.value(d, ""); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("something behind the document")
	}
	return nil
}

func (c *check) value(d *json.Decoder, name string) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		f, isField := c.fields[name]
		if isField && f.Type == "flattened" {
			c.seen[name] = true
			return skip(d, 1)
		}
		if name != "" && !c.objects[name] {
			return fmt.Errorf("%s is an object", name)
		}
		return c.members(d, name)
	case json.Delim('['):
		for d.More() {
			if err := c.value(d, name); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	}
	f, ok := c.fields[name]
	if !ok || f.Alias != "" {
		return fmt.Errorf("%s is no field that documents have: %v", name, tok)
	}
	c.seen[name] = true
	return fits(f, tok)
}

func (c *check) members(d *json.Decoder, name string) error {
	keys := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		key := tok.(string)
		if keys[key] {
			return fmt.Errorf("%s has %q twice", name, key)
		}
		keys[key] = true
		if name != "" {
			key = name + "." + key
		}
		if err := c.value(d, key); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// skip reads an object of type flattened: the server takes no key twice there either.
func skip(d *json.Decoder, depth int) error {
	keys := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string)
		if keys[key] || key == "" || strings.Contains(key, "\x00") || len(key) > 1024 || depth > 20 {
			return fmt.Errorf("flattened: key %.100q at depth %d", key, depth)
		}
		keys[key] = true
		if err := skipValue(d, depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func skipValue(d *json.Decoder, depth int) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		return skip(d, depth+1)
	case json.Delim('['):
		for d.More() {
			if err := skipValue(d, depth); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	if _, ok := tok.(string); !ok {
		return fmt.Errorf("flattened: %v is no text", tok)
	}
	return nil
}

func fits(f ecs.Field, v json.Token) error {
	ok := false
	switch f.Type {
	case "keyword", "text":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "long", "integer":
		n, isNumber := v.(json.Number)
		bits := map[string]int{"long": 64, "integer": 32}[f.Type]
		_, err := strconv.ParseInt(n.String(), 10, bits)
		ok = isNumber && err == nil
	case "date":
		s, _ := v.(string)
		_, err := time.Parse("2006-01-02T15:04:05.999999999Z", s)
		ok = err == nil
	case "ip":
		s, _ := v.(string)
		a, err := netip.ParseAddr(s)
		ok = err == nil && a.Zone() == ""
	}
	if !ok {
		return fmt.Errorf("%s, %s: %v", f.Name, f.Type, v)
	}
	return nil
}

// TestDocumentsFitTheTable holds all documents of the repository's events against it, and
// that no field is only promised.
func TestDocumentsFitTheTable(t *testing.T) {
	events, detections := newCheck(ecs.AuditLogs), newCheck(ecs.Detections)
	o := options()
	written := append(readFile(t, "testdata/events.jsonl"), readFile(t, "testdata/hostile.jsonl")...)
	for i, e := range append(written, corpus(t)...) {
		if i > len(written) && i%5 != 0 {
			continue
		}
		r := full(e)
		require.NoError(t, events.document(ecs.AppendEvent(nil, r, o)), string(e.Raw))
		require.NoError(t, events.document(ecs.AppendReduced(nil, r, o, "why")), string(e.Raw))
		require.NoError(t, detections.document(ecs.AppendDetection(nil, r, 0, o)), string(e.Raw))
	}
	for name, f := range events.fields {
		if f.Alias == "" && !strings.HasPrefix(name, "kubernetes.audit.") && !strings.HasPrefix(name, "kubewitness.fields.") {
			assert.True(t, events.seen[name], "%s: no document has it", name)
		}
	}
	for name, f := range detections.fields {
		if f.Alias == "" && !strings.HasPrefix(name, "kubernetes.audit.") && name != "kubewitness.reduced" && name != "error.message" {
			assert.True(t, detections.seen[name], "%s: no detection has it", name)
		}
	}
}

// TestEqualKeysOutOfTheLog holds that equal keys are known of events as the log gives
// them: a server refuses a document with a key twice.
func TestEqualKeysOutOfTheLog(t *testing.T) {
	var items []record.Item
	for _, e := range readFile(t, "testdata/hostile.jsonl") {
		items = append(items, record.Item{Raw: e.Raw, Notes: record.EncodeNotes(record.Notes{ID: e.Identity()})})
	}
	check := newCheck(ecs.AuditLogs)
	for _, some := range [][]record.Item{items, items[4:5]} {
		events, errs := record.Decode(record.Stored{Source: "webhook", Cluster: "prod", Items: some})
		require.Empty(t, errs)
		for _, e := range events {
			require.NoError(t, check.document(ecs.AppendEvent(nil, e, options())), string(e.Event.Raw))
		}
	}
}

// odd are values to put where others are expected.
var odd = []string{
	`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e3`, `2147483648`, `9223372036854775808`, `-0`, `""`, `"x"`, `"\ud800"`, `"a\u0000b"`, `"true"`, `"7"`,
	`"2026-11-21T19:01:20Z"`, `"10.0.0.1"`, `[]`, `{}`, `["a","b"]`, `[1,[2,[3]],null]`, `[{}]`, `{"a":{"b":["c"]}}`, `{"":1}`, `{"a":1,"a":2}`, `[[{"name":"x"}],{"name":[]}]`,
}

// oddEvent is an event with random values in n random places of the table, and around
// them, which have any kind at any depth.
func oddEvent(r *rand.Rand, paths [][]string, n int) string {
	root := map[string]any{}
	for range n {
		path := paths[r.IntN(len(paths))]
		path = path[:1+r.IntN(len(path))]
		at := root
		for _, key := range path[:len(path)-1] {
			next, ok := at[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[key] = next
			}
			at = next
		}
		at[path[len(path)-1]] = json.RawMessage(odd[r.IntN(len(odd))])
	}
	root["kind"], root["auditID"], root["stageTimestamp"] = "Event", "odd", "2026-11-21T19:01:20Z"
	b, err := json.Marshal(root)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestOddEvents puts odd values everywhere.
func TestOddEvents(t *testing.T) {
	r, paths, events := rand.New(rand.NewPCG(1, 2)), ecs.Paths(), newCheck(ecs.AuditLogs)
	detections, named := newCheck(ecs.Detections), 0
	for range 3000 {
		raw := oddEvent(r, paths, 40)
		rec := full(parseEvent(t, raw))
		doc := ecs.AppendEvent(nil, rec, options())
		require.NoError(t, events.document(doc), raw)
		require.NoError(t, detections.document(ecs.AppendDetection(nil, rec, 1, options())), raw)
		if strings.Contains(string(doc), `"odd":["`) {
			named++
		}
	}
	assert.Greater(t, named, 2900, "that values were left out is told")
}

// FuzzDocuments takes any event.
func FuzzDocuments(f *testing.F) {
	for _, file := range []string{"testdata/events.jsonl", "testdata/hostile.jsonl"} {
		for _, e := range readFile(f, file) {
			f.Add(e.Raw)
		}
	}
	events, detections := newCheck(ecs.AuditLogs), newCheck(ecs.Detections)
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := audit.NewReader(bytes.NewReader(raw), "fuzz", audit.Limits{}).Next()
		if err != nil {
			return
		}
		r := full(e)
		for _, err := range []error{
			events.document(ecs.AppendEvent(nil, r, options())), events.document(ecs.AppendReduced(nil, r, options(), string(raw))),
			detections.document(ecs.AppendDetection(nil, r, 0, options())),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
