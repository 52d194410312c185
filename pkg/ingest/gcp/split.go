package gcp

import (
	"slices"
	"strconv"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Bounds of what is kept of entries whose parts have not all come.
const (
	maxPending      = 256      // entries
	maxPendingBytes = 64 << 20 // of all parts
	maxPendingAge   = 10_000   // entries read since the first part
	maxGivenUp      = 4096     // entries that were given up, of which a late part is passed over
)

// Assembler puts the parts of split entries together. Parts come in any order, with other entries between them. What is not
// complete when it has waited for long enough becomes an event that is marked as truncated: parts kept are bounded in
// number, bytes, and entries read meanwhile.
//
// It is for one goroutine.
type Assembler struct {
	pending map[string]*pending
	order   []*pending // by age
	bytes   int
	read    int
	givenUp map[string]bool
	gone    []string // keys of givenUp, by age
}

// pending is an entry of which parts are missing.
type pending struct {
	key   string
	parts []*entry // by index; nil where missing
	found int
	bytes int
	begun int // number of the entry with the first part
}

// Add takes an entry and returns the events that are ready: the entry's own, unless parts are missing, and those of entries
// that have waited too long. The errors are those of [Converter.Convert]; results may come with one. The entry must not be
// written afterwards while a part of it is kept.
func (a *Assembler) Add(raw []byte) ([]Result, error) {
	v, err := audit.ParseValue(raw)
	if err != nil {
		return nil, &Malformed{err}
	}
	return a.add(v, len(raw))
}

func (a *Assembler) add(v audit.Value, size int) ([]Result, error) {
	a.read++
	e, err := readEntry(v)
	if err != nil {
		return a.expire(), err
	}
	ready := e
	if e.part.missing() && e.payload.Exists() {
		ready = a.collect(e, size)
	}
	out := a.expire()
	if ready == nil {
		return out, nil
	}
	r, err := ready.result()
	if err != nil {
		return out, err
	}
	return append(out, r), nil
}

// Flush returns the events of all that is incomplete, the oldest first. What comes next is a new beginning: parts of
// entries that were given up are waited for again.
func (a *Assembler) Flush() (out []Result) {
	for len(a.order) > 0 {
		out = a.giveUp(out)
	}
	clear(a.givenUp)
	a.gone = nil
	return out
}

// Pending is the number of entries of which parts are missing.
func (a *Assembler) Pending() int { return len(a.order) }

// collect keeps a part; it returns the whole entry when it was the last one.
func (a *Assembler) collect(e *entry, size int) *entry {
	key := e.part.uid + "/" + strconv.Itoa(e.part.total)
	if a.givenUp[key] {
		return nil
	}
	p := a.pending[key]
	if p == nil {
		p = &pending{key: key, parts: make([]*entry, e.part.total), begun: a.read}
		if a.pending == nil {
			a.pending, a.givenUp = map[string]*pending{}, map[string]bool{}
		}
		a.pending[key] = p
		a.order = append(a.order, p)
	}
	if p.parts[e.part.index] != nil {
		return nil // twice the same
	}
	p.parts[e.part.index] = e
	p.found++
	p.bytes += size
	a.bytes += size
	if p.found < len(p.parts) {
		return nil
	}
	a.forget(p)
	return p.whole()
}

func (a *Assembler) forget(p *pending) {
	delete(a.pending, p.key)
	a.order = slices.DeleteFunc(a.order, func(o *pending) bool { return o == p })
	a.bytes -= p.bytes
}

// expire gives up what has waited too long, or there is no room for.
func (a *Assembler) expire() (out []Result) {
	for len(a.order) > 0 {
		oldest := a.order[0]
		if len(a.order) <= maxPending && a.bytes <= maxPendingBytes && a.read-oldest.begun < maxPendingAge {
			break
		}
		out = a.giveUp(out)
	}
	return out
}

// giveUp makes an event of the oldest incomplete entry.
func (a *Assembler) giveUp(out []Result) []Result {
	p := a.order[0]
	a.forget(p)
	if len(a.gone) >= maxGivenUp {
		delete(a.givenUp, a.gone[0])
		a.gone = a.gone[1:]
	}
	a.givenUp[p.key] = true
	a.gone = append(a.gone, p.key)
	r, err := p.whole().result()
	if err != nil {
		return out // only events in jsonPayload can fail, which are never kept
	}
	return append(out, r)
}

// whole puts the parts at hand together.
func (p *pending) whole() *entry {
	var parts []*entry
	for _, e := range p.parts {
		if e != nil {
			parts = append(parts, e)
		}
	}
	e := parts[0]
	e.part.found = len(parts)
	var requests, responses []audit.Value
	for _, part := range parts {
		requests = append(requests, part.request)
		responses = append(responses, part.response)
	}
	e.request, e.response = merged(requests), merged(responses)
	return e
}

// readPart says that parts are missing.
func (v *event) readPart() {
	if p := v.entry.part; p.missing() {
		v.annotations[truncated] = "true"
		v.annotate("split", strconv.Itoa(p.found)+" of "+strconv.Itoa(p.total))
		v.unknown = append(v.unknown, "requestObject", "responseObject")
	}
}
