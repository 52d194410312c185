package diff

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// naming is the members of an element that name it in its list.
type naming struct {
	key  string
	also []string // further parts of the name, where the element has them
}

// namings are tried in this order. A volume mount has the name of its volume, which may
// be mounted twice, and the subjects of a role binding are told apart by more than names.
var namings = []naming{
	{"mountPath", nil},
	{"devicePath", nil},
	{"name", []string{"kind", "namespace"}},
	{"type", nil},
	{"containerPort", []string{"protocol"}},
	{"port", []string{"protocol"}},
	{"ip", nil},
	{"host", nil},
	{"path", []string{"pathType"}},
	{"uid", nil},
}

// nameAll names the elements of two states of a list, if all of them can be named one way
// and no two of a list have the same name.
func nameAll(old, now []audit.Value) (oldNames, newNames []string, ok bool) {
	for _, n := range namings {
		if oldNames, ok = n.all(old); !ok {
			continue
		}
		if newNames, ok = n.all(now); ok {
			return oldNames, newNames, true
		}
	}
	return nil, nil, false
}

func (n naming) all(list []audit.Value) ([]string, bool) {
	names := make([]string, len(list))
	seen := make(map[string]bool, len(list))
	for i, v := range list {
		name, ok := n.of(v)
		if !ok || seen[name] {
			return nil, false
		}
		names[i], seen[name] = name, true
	}
	return names, true
}

// of gives the name of an element as it stands in pointers, before escaping.
func (n naming) of(v audit.Value) (string, bool) {
	key := v.Get(n.key)
	if key.Kind() != audit.String && key.Kind() != audit.Number {
		return "", false
	}
	name := "[" + n.key + "=" + word(key)
	for _, also := range n.also {
		if part := v.Get(also); part.Kind() == audit.String && part.Text() != "" {
			name += "," + also + "=" + word(part)
		}
	}
	return name + "]", true
}

// word is a text as it is, if it is plain, else quoted.
func word(v audit.Value) string {
	text := v.Text()
	if text == "" || strings.IndexFunc(text, notPlain) >= 0 {
		return strconv.Quote(text)
	}
	return text
}

func notPlain(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._:/@*+", r)
}

// escape escapes a part of a pointer.
func escape(part string) string {
	return strings.ReplaceAll(strings.ReplaceAll(part, "~", "~0"), "/", "~1")
}

// escapeKey escapes the key of a member, so that it is not taken for the name of an element.
func escapeKey(key string) string {
	if rest, ok := strings.CutPrefix(key, "["); ok {
		return "~2" + escape(rest)
	}
	return escape(key)
}

// membersOf gives the members of an object; of equal keys the last one.
func membersOf(v audit.Value) map[string]audit.Value {
	m := make(map[string]audit.Value)
	for key, member := range v.Members() {
		m[key] = member
	}
	return m
}

// keysOf gives the keys of two objects in order, each once.
func keysOf(old, now map[string]audit.Value) []string {
	keys := make([]string, 0, len(old)+len(now))
	for key := range old {
		keys = append(keys, key)
	}
	for key := range now {
		if _, both := old[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
