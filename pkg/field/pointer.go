package field

import (
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// pointerSteps are the steps of a JSON pointer (RFC 6901), of which the leading
// slash may be left out. There are none in an empty one.
type pointerSteps []pointerStep

type pointerStep struct {
	key   string
	index int // the key as an index into an array; -1: it is none
}

// pointerArg is the argument that a pointer is.
func pointerArg(text string) Arg {
	a := Arg{Present: true, Key: text}
	if text != "" {
		steps := readPointer(text)
		a.pointer = &steps
	}
	return a
}

// steps are those of the pointer that the key is.
func (a *Arg) steps() pointerSteps {
	if a.pointer != nil {
		return *a.pointer
	}
	return readPointer(a.Key)
}

func readPointer(text string) pointerSteps {
	if text == "" {
		return nil
	}
	var steps pointerSteps
	for key := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~") // in this order: ~01 is ~1
		index, err := strconv.Atoi(key)
		if err != nil {
			index = -1
		}
		steps = append(steps, pointerStep{key, index})
	}
	return steps
}

// follow gives what the pointer points to in v.
func (steps pointerSteps) follow(v audit.Value) audit.Value {
	for _, s := range steps {
		if v.Kind() == audit.Array {
			v = v.Index(s.index)
		} else {
			v = v.Get(s.key)
		}
	}
	return v
}

// inBody tells whether the pointer leads into the request or the response
// object of an event, or is the whole event.
func (steps pointerSteps) inBody() bool {
	return len(steps) == 0 || steps[0].key == "requestObject" || steps[0].key == "responseObject"
}

// pointer writes keys as a JSON pointer.
func pointer(keys ...string) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, key := range keys {
		if key == self {
			continue
		}
		b.WriteByte('/')
		b.WriteString(escape.Replace(key))
	}
	return b.String()
}
