package config

import (
	"fmt"
	"regexp"
	"strings"
)

// keyLine is a line of YAML that begins with a key.
var keyLine = regexp.MustCompile(`^(?:"([^"\\]+)"|'([^']+)'|([A-Za-z_<][^\s:#'"{}\[\],]*))[ \t]*:(?:[ \t]|$)`)

// open is a key, or an item of a list, that further lines may belong to.
type open struct {
	indent int
	key    string
	item   bool
	items  int // items of a key's list so far
}

// keyLines returns the line, from 1, on which each key stands. It knows the block
// style only, where a key begins a line, which is enough to point at a place: what
// stands in braces is found at the line of what it belongs to. It decides nothing.
func keyLines(data string) map[string]int {
	at := map[string]int{}
	stack := []open{{indent: -1}}
	for n, line := range yamlLines(data) {
		rest := strings.TrimLeft(line, " ")
		indent := len(line) - len(rest)
		for rest == "-" || strings.HasPrefix(rest, "- ") {
			stack = openItem(stack, indent)
			mark(at, stack[len(stack)-1].key, n+1)
			next := strings.TrimLeft(rest[1:], " ")
			indent += len(rest) - len(next)
			rest = next
		}
		m := keyLine.FindStringSubmatch(rest)
		if m == nil {
			continue
		}
		for stack[len(stack)-1].indent >= indent {
			stack = stack[:len(stack)-1]
		}
		key := under(stack[len(stack)-1].key, m[1]+m[2]+m[3])
		stack = append(stack, open{indent: indent, key: key})
		mark(at, key, n+1)
	}
	return at
}

// openItem puts the next item of a list on the stack. Its dash may stand right below
// the first letter of the key that the list belongs to.
func openItem(stack []open, indent int) []open {
	for top := stack[len(stack)-1]; top.indent > indent || top.indent == indent && top.item; top = stack[len(stack)-1] {
		stack = stack[:len(stack)-1]
	}
	list := &stack[len(stack)-1]
	key := item(list.key, list.items)
	list.items++
	return append(stack, open{indent: indent, key: key, item: true})
}

func mark(at map[string]int, key string, line int) {
	if at[key] == 0 {
		at[key] = line
	}
}

// under is the key of a setting in a section.
func under(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// item is the key of an item of a list.
func item(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

var lineBreak = regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]")

// yamlLines splits a text where YAML does.
func yamlLines(data string) []string {
	return lineBreak.Split(strings.TrimPrefix(data, "\ufeff"), -1)
}

// secondDocument returns the line on which another document begins, 0 if none does.
// The decoder reads the first one and says nothing of the others.
func secondDocument(data string) int {
	begun, ended := false, false
	for n, line := range yamlLines(data) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(line, "%") && !begun:
		case ended || begun && marks(line, "---"):
			return n + 1
		case marks(line, "..."):
			ended = begun
		default:
			begun = true
		}
	}
	return 0
}

// marks reports whether a line begins with a marker of documents.
func marks(line, marker string) bool {
	rest, ok := strings.CutPrefix(line, marker)
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}
