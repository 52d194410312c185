package redact

import (
	"bytes"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// memory is what a walk needs and the next one can use again.
type memory struct {
	hits  []int
	nodes []node
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// maxKept bounds, in elements, what is kept for the next event.
const maxKept = 1 << 16

// Event returns the bytes of an event without its secrets, and the places where
// they were or are, as JSON pointers in the order of the text, each once. changed
// tells whether the bytes are others than the event's.
//
// Where nothing is to be redacted, raw is e.Raw itself and nothing is allocated.
// The result is JSON with the same keys and the same kinds of values; all bytes
// outside the secrets are as they were. Redacting it again gives the same bytes
// and the same paths. Where a string holds JSON the path is that of the string.
//
// An event that is no JSON, which no Reader returns, becomes the string [Marker]
// with the path "".
func (r *Redactor) Event(e *audit.Event) (raw []byte, paths []string, changed bool) {
	if r.optOut[e.Cluster] {
		return e.Raw, nil, false
	}
	m := memories.Get().(*memory)
	defer m.release()
	m.hits = r.hits(m.hits[:0], e.Raw)
	if len(m.hits) == 0 && !r.everything {
		return e.Raw, nil, false
	}
	var how parsed
	if m.nodes, how = parse(e.Raw, m.nodes[:0]); how != parsedOK || m.nodes[0].next != len(m.nodes) {
		return []byte(`"` + Marker + `"`), []string{""}, true
	}
	d := doc{r: r, text: e.Raw, nodes: m.nodes, hits: m.hits}
	d.event()
	if len(d.edits) == 0 {
		return e.Raw, unique(d.paths), false
	}
	return apply(e.Raw, d.edits), unique(d.paths), true
}

func (m *memory) release() {
	if cap(m.nodes) <= maxKept && cap(m.hits) <= maxKept {
		memories.Put(m)
	}
}

// unique drops the paths that were there before: equal keys have equal paths.
func unique(paths []string) []string {
	if len(paths) < 2 {
		return paths
	}
	seen := make(map[string]bool, len(paths))
	out := paths[:0]
	for _, p := range paths {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// event walks the event. What the request names as its resource tells that a
// body without a kind, as a patch, is a Secret's.
func (d *doc) event() {
	if d.nodes[0].kind != object {
		d.value(0, true)
		return
	}
	bodies := d.aboutSecrets()
	for key := 1; key < d.nodes[0].next; key = d.nodes[key+1].next {
		k := d.content(key)
		back := d.push(k)
		d.value(key+1, bodies && (is(k, "requestobject") || is(k, "responseobject") || is(k, "oldobject")))
		d.path = d.path[:back]
	}
}

// aboutSecrets reports whether the request is one about Secrets, by objectRef or
// by the URI.
func (d *doc) aboutSecrets() bool {
	for key := 1; key < d.nodes[0].next; key = d.nodes[key+1].next {
		child := key + 1
		switch k := d.content(key); {
		case is(k, "objectref") && d.nodes[child].kind == object:
			for m := child + 1; m < d.nodes[child].next; m = d.nodes[m+1].next {
				if is(d.content(m), "resource") && d.nodes[m+1].kind == str && is(d.content(m+1), "secrets") {
					return true
				}
			}
		case is(k, "requesturi") && d.nodes[child].kind == str && d.touched(&d.nodes[child]):
			if path, _, _ := bytes.Cut(d.content(child), []byte("?")); pathOfSecrets(path) {
				return true
			}
		}
	}
	return false
}

func pathOfSecrets(path []byte) bool {
	for s := range bytes.SplitSeq(decode(path, pathLayer), []byte("/")) {
		if is(s, "secrets") {
			return true
		}
	}
	return false
}

// Redacted returns the event as it may be stored: e itself when nothing changes,
// else a new event in the same place of the input. Its identity is not e's: take
// that from the event as it came.
func (r *Redactor) Redacted(e *audit.Event) (stored *audit.Event, paths []string) {
	raw, paths, changed := r.Event(e)
	if !changed {
		return e, paths
	}
	stored = &audit.Event{
		Raw: raw, Stage: e.Stage, Time: e.Time, DuplicateKeys: e.DuplicateKeys,
		Cluster: e.Cluster, Review: e.Review, Input: e.Input, Line: e.Line, Offset: e.Offset,
	}
	if id := stored.Root().Get("auditID"); id.Kind() == audit.String {
		stored.AuditID = id.Text() // clients choose it, so it can be anything
	}
	return stored, paths
}

// Text returns a text that is no event without its secrets: a message, an
// excerpt, a body that could not be read. It knows them by shape only, unless
// the text is JSON.
//
// It takes no list of secrets to look for, on purpose: a mark in the place of
// every "admin" tells the reader that admin is one. What shows an event's values
// is made again from the redacted event; see [Printer].
func (r *Redactor) Text(s string) string {
	edits := r.textEdits([]byte(s), 1, false)
	if len(edits) == 0 {
		return s
	}
	return string(apply([]byte(s), edits))
}
