package config

import (
	"fmt"
	"strings"
)

// Origin says which kind of source a value is from.
type Origin int

// Origins, the weakest first.
const (
	FromDefault Origin = iota
	FromFile
	FromEnvironment
	FromFlag
)

// String names the origin as `config print` does.
func (o Origin) String() string {
	switch o {
	case FromFile:
		return "file"
	case FromEnvironment:
		return "environment"
	case FromFlag:
		return "flag"
	}
	return "default"
}

// layer is what one source says, and what is wrong with it.
type layer struct {
	origin   Origin
	values   map[string]any    // by the key of a leaf; lists are []string or slices of structs
	where    map[string]string // of keys, items of lists and what is in them too
	problems Problems
}

func newLayer(o Origin) *layer {
	return &layer{origin: o, values: map[string]any{}, where: map[string]string{}}
}

func (l *layer) refuse(where, key, format string, args ...any) {
	l.problems = append(l.problems, &Problem{Where: where, Key: key, Text: fmt.Sprintf(format, args...)})
}

// nested is the values as viper takes them: sections in sections.
func (l *layer) nested() map[string]any {
	tree := map[string]any{}
	for key, v := range l.values {
		parts := strings.Split(key, ".")
		at := tree
		for _, p := range parts[:len(parts)-1] {
			below, ok := at[p].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[p] = below
			}
			at = below
		}
		at[parts[len(parts)-1]] = v
	}
	return tree
}

// place returns where a key is set in the layer: its own place, or that of what it
// is in.
func (l *layer) place(key string) string {
	for key != "" {
		if w := l.where[key]; w != "" {
			return w
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return ""
}
