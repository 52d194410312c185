package field

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

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
				Paths:   []string{"any"}, extract: jsonValue}),
			&Field{Name: prefix + "obj", Class: classJSON, Doc: "The event as JSON text, indented by two blanks.",
				Paths: []string{"/"}, extract: jsonObject},
			&Field{Name: prefix + "rawtime", Class: classJSON, Doc: "Time of the event in nanoseconds since 1970, as text; evt.rawtime is a number.",
				Paths: []string{"/stageTimestamp"}, extract: func(c *Context, _ Arg) []Item {
					return text(strconv.FormatUint(nanoseconds(c), 10))
				}},
		)
	}
	return t
}

func jsonValue(c *Context, a Arg) []Item {
	v := c.root()
	if a.Key == "" {
		return text(string(v.Compact()))
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(a.Key, "/"), "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~") // in this order: ~01 is ~1
		if v.Kind() != audit.Array {
			v = v.Get(step)
			continue
		}
		i, err := strconv.Atoi(step)
		if err != nil {
			return nil
		}
		v = v.Index(i)
	}
	return one(v)
}

func jsonObject(c *Context, _ Arg) []Item {
	var b bytes.Buffer
	if err := json.Indent(&b, c.Event.Root().Compact(), "", "  "); err != nil {
		return nil
	}
	return text(b.String())
}
