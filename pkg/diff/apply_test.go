package diff

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// apply makes the new state of the old one: what a diff says must be enough for that.
func apply(tb testing.TB, old any, changes []Change) any {
	tb.Helper()
	root := node{children: map[string]*node{}}
	for i := range changes {
		n, c := root.at(changes[i].Pointer), &changes[i]
		if c.Op == Removed && n.change != nil {
			n.removed = c
		} else {
			n.change = c
		}
	}
	return root.apply(tb, old)
}

// node is a place that changed, or that has such places below.
type node struct {
	parts    []string // the order of children
	children map[string]*node
	change   *Change
	removed  *Change // of a list: a number may be that of an element that is gone, and of another one
}

func (n *node) at(pointer string) *node {
	if pointer == "" {
		return n
	}
	for _, part := range strings.Split(pointer[1:], "/") {
		next := n.children[part]
		if next == nil {
			next = &node{children: map[string]*node{}}
			n.children[part] = next
			n.parts = append(n.parts, part)
		}
		n = next
	}
	if n.change != nil && n.change.Op == Removed {
		n.removed, n.change = n.change, nil
	}
	return n
}

func (n *node) apply(tb testing.TB, old any) any {
	switch {
	case n.change != nil && n.change.Op == Removed:
		return nil
	case n.change != nil && len(n.children) == 0:
		return decode(tb, n.change.New)
	}
	if len(n.children) == 0 {
		return old
	}
	if list, ok := old.([]any); ok {
		return n.list(tb, list)
	}
	o, _ := old.(map[string]any)
	if o == nil {
		o = map[string]any{}
	}
	for _, part := range n.parts {
		child, key := n.children[part], unescape(part)
		if child.change != nil && child.change.Op == Removed {
			delete(o, key)
			continue
		}
		o[key] = child.apply(tb, o[key])
	}
	return o
}

func (n *node) list(tb testing.TB, old []any) any {
	gone, added := map[int]bool{}, map[int]*node{}
	var below []string
	for _, part := range n.parts {
		child := n.children[part]
		i, err := strconv.Atoi(part)
		if err != nil {
			i = indexOf(old, unescape(part))
		}
		if child.change != nil && child.change.Op == Removed {
			child.removed, child.change = child.change, nil
		}
		if child.removed != nil {
			gone[i] = true
		}
		switch {
		case child.change != nil && child.change.Op == Added && err != nil:
			old = append(old, child.apply(tb, nil))
		case child.change != nil && child.change.Op == Added:
			added[i] = child
		case child.change != nil && child.change.Op == Changed, len(child.children) > 0:
			below = append(below, part)
		}
	}
	for _, part := range below { // named ones, while their names are there
		if i := indexOf(old, unescape(part)); i >= 0 {
			old[i] = n.children[part].apply(tb, old[i])
		}
	}
	var now []any
	for i, v := range old {
		if !gone[i] {
			now = append(now, v)
		}
	}
	slots := make([]any, 0, len(now)+len(added))
	for i := 0; len(slots) < len(now)+len(added); i++ {
		if child := added[i]; child != nil {
			slots = append(slots, child.apply(tb, nil))
			continue
		}
		if i-countBelow(added, i) >= len(now) {
			break
		}
		v := now[i-countBelow(added, i)]
		if part := strconv.Itoa(i); slices.Contains(below, part) {
			v = n.children[part].apply(tb, v)
		}
		slots = append(slots, v)
	}
	return slots
}

func countBelow(added map[int]*node, i int) (n int) {
	for j := range added {
		if j < i {
			n++
		}
	}
	return n
}

// indexOf finds the element of a name.
func indexOf(list []any, name string) int {
	text, _ := json.Marshal(list)
	v, _ := audit.ParseValue(text)
	elems := slices.Collect(v.Elems())
	for _, n := range namings {
		if names, ok := n.all(elems); ok && slices.Contains(names, name) {
			return slices.Index(names, name)
		}
	}
	return -1
}

func unescape(part string) string {
	return strings.NewReplacer("~2", "[", "~1", "/", "~0", "~").Replace(part)
}

func decode(tb testing.TB, text []byte) any {
	tb.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	require.NoError(tb, dec.Decode(&v), "%q", text)
	return v
}

// canonical is the text of all values that mean the same; unordered has lists of one
// content in one order.
func canonical(tb testing.TB, v any, unordered bool) string {
	tb.Helper()
	switch v := v.(type) {
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = canonical(tb, v[i], unordered)
		}
		if unordered {
			slices.Sort(texts)
		}
		return "[" + strings.Join(texts, ",") + "]"
	case map[string]any:
		var texts []string
		for key, member := range v {
			texts = append(texts, strconv.Quote(key)+":"+canonical(tb, member, unordered))
		}
		slices.Sort(texts)
		return "{" + strings.Join(texts, ",") + "}"
	case json.Number:
		return canonicalNumber(v.String())
	case string:
		return strconv.Quote(v)
	}
	text, err := json.Marshal(v)
	require.NoError(tb, err)
	return string(text)
}
