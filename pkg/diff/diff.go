package diff

import (
	"encoding/json"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Op is what became of a place.
type Op string

// The operations.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Change is one difference. Old and New are the JSON as it was written, without the white
// space between tokens; they may alias the text of the objects and must not be written.
type Change struct {
	Pointer string          `json:"pointer"`
	Op      Op              `json:"op"`
	Old     json.RawMessage `json:"old,omitempty"` // not of an added place
	New     json.RawMessage `json:"new,omitempty"` // not of a removed place
	// OldBytes and NewBytes are how long the values are where they are left out as too long; else 0.
	OldBytes int `json:"old_bytes,omitempty"`
	NewBytes int `json:"new_bytes,omitempty"`
}

// Result is how two objects differ.
type Result struct {
	Changes   []Change `json:"changes"`             // by pointer: keys in order, lists as they stand
	More      int      `json:"more,omitempty"`      // changes beyond Options.MaxChanges
	Ignored   int      `json:"ignored,omitempty"`   // places that differ and are never told, see Options.All
	Reordered []string `json:"reordered,omitempty"` // lists of named elements whose order is another one
}

// Same reports whether nothing differs but what is ignored.
func (r *Result) Same() bool { return len(r.Changes) == 0 && r.More == 0 && len(r.Reordered) == 0 }

// Options bound a diff. The zero value is meant to be used.
type Options struct {
	// All has the places told too that change with every write and say nothing besides:
	// metadata.managedFields, resourceVersion and generation, and the annotation in which
	// kubectl keeps what was applied last.
	All bool
	// ByNumber has the elements of all lists told by their numbers.
	ByNumber   bool
	MaxChanges int // 0: 1000
	MaxDepth   int // levels; what lies deeper is one value. 0: 64
	MaxValue   int // bytes of Old and of New; longer ones are left out. 0: 16 KiB
}

// Bounds.
const (
	defaultChanges = 1000
	defaultDepth   = 64
	defaultValue   = 16 << 10
	// maxCells bounds what one diff spends on common subsequences; lists beyond are compared number by number.
	maxCells = 1 << 22
)

// Objects compares two objects, or any two values; an absent one is no object at all.
func Objects(old, now audit.Value, o Options) Result {
	if o.MaxChanges <= 0 {
		o.MaxChanges = defaultChanges
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = defaultDepth
	}
	if o.MaxValue <= 0 {
		o.MaxValue = defaultValue
	}
	d := differ{opt: o, cells: maxCells}
	d.value("", old, now, 0)
	return d.out
}

// differ compares two objects.
type differ struct {
	opt   Options
	cells int // left to spend on common subsequences
	out   Result
}

// value compares what stands at a place.
func (d *differ) value(at string, old, now audit.Value, depth int) {
	if !d.opt.All && ignored[at] {
		if !same(old, now) {
			d.out.Ignored++
		}
		return
	}
	switch kind := now.Kind(); {
	case !d.opt.All && holdsIgnored[at] && objects(old, now):
		d.object(at, old, now, depth)
	case old.Kind() != kind:
		d.add(at, old, now)
	case kind != audit.Object && kind != audit.Array || depth >= d.opt.MaxDepth:
		if !same(old, now) {
			d.add(at, old, now)
		}
	case kind == audit.Object:
		d.object(at, old, now, depth)
	default:
		d.list(at, old, now, depth)
	}
}

// object compares the members of two objects, by key.
func (d *differ) object(at string, old, now audit.Value, depth int) {
	was, is := membersOf(old), membersOf(now)
	for _, key := range keysOf(was, is) {
		d.value(at+"/"+escapeKey(key), was[key], is[key], depth+1)
	}
}

// add notes a difference.
func (d *differ) add(at string, old, now audit.Value) {
	if len(d.out.Changes) >= d.opt.MaxChanges {
		d.out.More++
		return
	}
	c := Change{Pointer: at, Op: Changed}
	switch {
	case !old.Exists():
		c.Op = Added
	case !now.Exists():
		c.Op = Removed
	}
	c.Old, c.OldBytes = d.cut(old)
	c.New, c.NewBytes = d.cut(now)
	d.out.Changes = append(d.out.Changes, c)
}

func (d *differ) cut(v audit.Value) (json.RawMessage, int) {
	text := v.Compact()
	if len(text) > d.opt.MaxValue {
		return nil, len(text)
	}
	return text, 0
}

// ignored are the places that are not told.
var ignored = map[string]bool{
	"/metadata/managedFields":   true,
	"/metadata/resourceVersion": true,
	"/metadata/generation":      true,
	"/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration": true,
}

// holdsIgnored are the places above, which are compared member by member even where one
// of them is missing: else the whole of the other one would be told.
var holdsIgnored = map[string]bool{"/metadata": true, "/metadata/annotations": true}

// objects reports whether there is an object, and nothing else.
func objects(old, now audit.Value) bool {
	fits := func(v audit.Value) bool { return v.Kind() == audit.Object || !v.Exists() }
	return fits(old) && fits(now)
}
