package rulegen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Mutate gives a real event with a few things changed that a client, another
// server or an attacker might have made otherwise: members gone, there twice or
// of another type, texts with escapes and NULs, white space. What it gives is
// valid JSON.
func (r *Random) Mutate(e *audit.Event) []byte {
	m := &mutator{Rand: r.texts}
	root := m.read(e.Root())
	m.all = append(m.all, root)
	for range r.texts.IntN(5) {
		m.change()
	}
	var b bytes.Buffer
	root.write(&b)
	if r.texts.IntN(6) == 0 {
		var spaced bytes.Buffer
		if json.Indent(&spaced, b.Bytes(), " ", "\t") == nil {
			return spaced.Bytes()
		}
	}
	return b.Bytes()
}

// tree is a JSON value that can be changed.
type tree struct {
	kind    audit.Kind
	text    string // of a scalar, as in JSON
	members []member
}

// member is a member of an object, or an element of an array.
type member struct {
	key   string // as in JSON; "" in arrays
	value *tree
}

type mutator struct {
	*rand.Rand
	all []*tree // objects and arrays
}

func (m *mutator) read(v audit.Value) *tree {
	t := &tree{kind: v.Kind(), text: string(v.Raw())}
	switch t.kind {
	case audit.Object:
		for key, value := range v.Members() {
			t.members = append(t.members, member{quote(key), m.read(value)})
		}
	case audit.Array:
		for value := range v.Elems() {
			t.members = append(t.members, member{"", m.read(value)})
		}
	default:
		return t
	}
	m.all = append(m.all, t)
	return t
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string can not fail
	return string(b)
}

// change changes one thing; shallow ones rather than deep ones, since that is
// where rules look.
func (m *mutator) change() {
	at := m.all[len(m.all)-1]
	if m.IntN(3) > 0 {
		at = m.all[m.IntN(len(m.all))]
	}
	if len(at.members) == 0 {
		at.members = append(at.members, m.fresh(at.kind))
		return
	}
	i := m.IntN(len(at.members))
	switch m.IntN(8) {
	case 0:
		at.members = append(at.members[:i:i], at.members[i+1:]...)
	case 1:
		again := at.members[i]
		if m.IntN(2) == 0 {
			again.value = m.value(2)
		}
		at.members = append(at.members, again)
	case 2:
		at.members[i].value = m.value(2)
	case 3:
		other := m.all[m.IntN(len(m.all))]
		if other != at && len(other.members) > 0 {
			at.members[i].value = other.members[m.IntN(len(other.members))].value.clone()
		}
	case 4:
		at.members[i].key = escaped(at.members[i].key)
	case 5:
		at.members[i].value = m.text(at.members[i].value)
	case 6:
		at.members[i].value = &tree{kind: audit.Array, members: []member{{"", at.members[i].value.clone()}}}
	default:
		at.members = append(at.members, m.fresh(at.kind))
	}
}

// fresh gives a new member.
func (m *mutator) fresh(of audit.Kind) member {
	if of == audit.Array {
		return member{"", m.value(2)}
	}
	return member{quote(pick(m.Rand, "requestObject", "responseObject", "user", "objectRef", "spec", "template", "containers", "metadata", "verb", "items", "a/b", "0")), m.value(2)}
}

func (m *mutator) value(depth int) *tree {
	t := &tree{kind: audit.String}
	switch n := m.IntN(12); {
	case n == 0 && depth > 0:
		t.kind = audit.Object
		for range m.IntN(3) {
			t.members = append(t.members, member{quote(pick(m.Rand, "name", "resource", "spec", "username", "code", "containers")), m.value(depth - 1)})
		}
	case n == 1 && depth > 0:
		t.kind = audit.Array
		for range m.IntN(3) {
			t.members = append(t.members, member{"", m.value(depth - 1)})
		}
	default:
		t.text = pick(m.Rand, "null", "true", "false", "0", "201", "-1.5e3", `""`, `"a"`, `"system:masters"`, `"create"`, `"pods"`, `"a\u0000b"`, `"\u0070ods"`, `"10.1.2.3"`, `"a b"`, `"é"`)
	}
	return t
}

// text changes a text; anything else becomes one.
func (m *mutator) text(t *tree) *tree {
	var s string
	if json.Unmarshal([]byte(t.text), &s) != nil {
		return &tree{kind: audit.String, text: quote(t.text)}
	}
	switch m.IntN(5) {
	case 0:
		return &tree{kind: audit.String, text: escaped(t.text)}
	case 1:
		s = strings.ToUpper(s)
	case 2:
		s += "\x00tail"
	case 3:
		s = s[:m.IntN(len(s)+1)]
	default:
		s = " " + s
	}
	return &tree{kind: audit.String, text: quote(strings.ToValidUTF8(s, "?"))}
}

// escaped writes the first ASCII letter of a quoted text as an escape.
func escaped(quoted string) string {
	for i := 1; i < len(quoted)-1; i++ {
		switch c := quoted[i]; {
		case c == '\\' && quoted[i+1] == 'u':
			i += 5
		case c == '\\':
			i++
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			return fmt.Sprintf("%s\\u%04x%s", quoted[:i], c, quoted[i+1:])
		}
	}
	return quoted
}

func (t *tree) clone() *tree {
	c := &tree{kind: t.kind, text: t.text}
	for _, m := range t.members {
		c.members = append(c.members, member{m.key, m.value.clone()})
	}
	return c
}

func (t *tree) write(b *bytes.Buffer) {
	open, end := "", ""
	switch t.kind {
	case audit.Object:
		open, end = "{", "}"
	case audit.Array:
		open, end = "[", "]"
	default:
		b.WriteString(t.text)
		return
	}
	b.WriteString(open)
	for i, m := range t.members {
		if i > 0 {
			b.WriteByte(',')
		}
		if t.kind == audit.Object {
			b.WriteString(m.key)
			b.WriteByte(':')
		}
		m.value.write(b)
	}
	b.WriteString(end)
}
