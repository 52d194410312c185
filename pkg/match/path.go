package match

import (
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// pathNode is a place in events that a slot's value stands at, or that is on
// the way there. What several slots pass on their way is looked up once for an
// event. Node 0 is the event itself.
type pathNode struct {
	parent int32
	key    string
}

// path gives the node of a place.
func (c *compiler) path(keys []string) int32 {
	var at int32
	for _, key := range keys {
		n := pathNode{at, key}
		id, ok := c.pathIDs[n]
		if !ok {
			id = int32(len(c.paths))
			c.paths = append(c.paths, n)
			c.pathIDs[n] = id
		}
		at = id
	}
	return at
}

// plainPath gives the keys that lead to the value of a field, for fields that
// are nothing but the text of the value at one place outside of the bodies; nil
// for all others. Of these, ka.* are absent from events without an auditID.
func plainPath(f fieldOperand) []string {
	name := f.field.Name
	switch {
	case inBody(f), f.field.List:
		return nil
	case name == "jevt.value", name == "json.value":
		return pointerKeys(f.arg.Key)
	case strings.HasPrefix(name, "ka.") && !f.field.ArgAllowed && len(f.field.Paths) == 1 && !strings.ContainsAny(f.field.Paths[0], "*{"):
		return pointerKeys(f.field.Paths[0])
	}
	return nil
}

// pointerKeys reads a JSON pointer; nil for one that can lead into an array.
func pointerKeys(pointer string) []string {
	if pointer == "" {
		return nil
	}
	keys := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, key := range keys {
		keys[i] = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		if _, err := strconv.Atoi(keys[i]); err == nil {
			return nil
		}
	}
	return keys
}

// pathMemo is what stands at a place.
type pathMemo struct {
	stamp uint32
	value audit.Value
}

// at gives what stands at a place of the event.
func (st *state) at(id int32) audit.Value {
	m := &st.paths[id]
	if m.stamp == st.stamp {
		return m.value
	}
	m.stamp = st.stamp
	switch n := &st.prog.paths[id]; {
	case id > 0:
		m.value = st.at(n.parent).Get(n.key)
	case st.c.Strict:
		m.value = st.c.Event.Root().FirstKeys()
	default:
		m.value = st.c.Event.Root()
	}
	return m.value
}

// identified tells whether the event has an auditID.
func (st *state) identified() bool {
	return st.c.Event.AuditID != "" || st.at(0).Get("auditID").Exists()
}
