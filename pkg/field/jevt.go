package field

import (
	"bytes"
	"encoding/json"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const classJSON = "Anything in the event (json.*, jevt.*)"

// jsonTable has the fields of Falco's JSON plugin: json.* and the same under
// their old name jevt.*.
func jsonTable() []*Field {
	var t []*Field
	for _, prefix := range []string{"json.", "jevt."} {
		t = append(t,
			keyed(&Field{Name: prefix + "value", Class: classJSON,
				Doc: "The value that the key points to as JSON pointer (RFC 6901; the leading / may be left out, a number is an index). " +
					"Text of a string, source text of a number, true, false, null, compact JSON of an object or array. An empty key is the whole event.",
				Example: prefix + "value[/objectRef/apiGroup] = apps",
				Paths:   []string{"any"}, pointer: true, extract: jsonValue}),
			&Field{Name: prefix + "obj", Class: classJSON, Doc: "The event as JSON text, indented by two blanks.",
				Paths: []string{"/"}, extract: jsonObject},
			&Field{Name: prefix + "rawtime", Class: classJSON, Doc: "Time of the event in nanoseconds since 1970, as text; evt.rawtime is a number.",
				Paths: []string{"/stageTimestamp"}, extract: func(dst []Item, c *Context, _ Arg) []Item {
					return appendText(dst, decimal(nanoseconds(c), 0))
				}},
		)
	}
	return t
}

func jsonValue(dst []Item, c *Context, a Arg) []Item {
	if a.Key == "" {
		return appendText(dst, eventText(c))
	}
	return appendValue(dst, a.steps().follow(c.root()))
}

// eventText is the event as compact JSON text.
func eventText(c *Context) string {
	v := c.Event.Root()
	if v.Kind() == audit.Object {
		return v.Text() // the same, and no copy
	}
	return string(v.Compact())
}

func jsonObject(dst []Item, c *Context, _ Arg) []Item {
	var b bytes.Buffer
	if err := json.Indent(&b, c.Event.Root().Compact(), "", "  "); err != nil {
		return dst
	}
	return appendText(dst, b.String())
}
