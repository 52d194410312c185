// Package deploy_test holds what is there to run kubewitness with: the Dockerfile,
// the manifests of deploy/kubernetes, and the documents that tell how to use them.
// What they say is parsed and laid out as an image builder, a kubelet or a reader
// would, then run; with KUBEWITNESS_INTEGRATION=1 against a real kube-apiserver.
//
// How the service behaves once it runs is tested where it is written. The unit and
// the audit policy of deploy/apiserver are held by test/rig.
package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parseYAML reads the plain kind of YAML that our manifests are written in: blocks by
// indentation, lists, flow lists and mappings on one line, scalars on one line. It
// refuses everything else, keys that come twice among it; what it takes means the
// same to everybody. Values are map[string]any, []any and string.
func parseYAML(text string) (docs []any, err error) {
	p := &yamlParser{}
	flush := func() error {
		if len(p.lines) == 0 {
			return nil
		}
		v, err := p.block(p.lines[0].indent)
		if err == nil && p.at < len(p.lines) {
			err = p.fail("is not indented as what is above it")
		}
		docs = append(docs, v)
		*p = yamlParser{number: p.number}
		return err
	}
	for line := range strings.Lines(text) {
		p.number++
		line = strings.TrimRight(line, "\r\n")
		if line == "---" {
			if err := flush(); err != nil {
				return nil, err
			}
			continue
		}
		content, ok := uncommented(line)
		if !ok || strings.Contains(content, "\t") {
			return nil, fmt.Errorf("line %d: quotes that do not close, or a tab", p.number)
		}
		if trimmed := strings.TrimLeft(content, " "); trimmed != "" {
			p.lines = append(p.lines, yamlLine{len(content) - len(trimmed), trimmed, p.number})
		}
	}
	return docs, flush()
}

type yamlLine struct {
	indent int
	text   string
	number int
}

type yamlParser struct {
	lines  []yamlLine
	at     int
	number int // lines read
}

func (p *yamlParser) fail(what string) error {
	l := p.lines[min(p.at, len(p.lines)-1)]
	return fmt.Errorf("line %d: %q %s", l.number, l.text, what)
}

// uncommented cuts a comment off a line.
func uncommented(line string) (content string, ok bool) {
	quote := byte(0)
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return strings.TrimRight(line[:i], " "), true
		}
	}
	return strings.TrimRight(line, " "), quote == 0
}

// block reads what is indented so far.
func (p *yamlParser) block(indent int) (any, error) {
	if isItem(p.lines[p.at].text) {
		return p.list(indent)
	}
	m := map[string]any{}
	for p.at < len(p.lines) && p.lines[p.at].indent == indent && !isItem(p.lines[p.at].text) {
		key, rest, ok := keyOf(p.lines[p.at].text)
		if !ok {
			return nil, p.fail("is no key with a value")
		}
		if _, has := m[key]; has {
			return nil, p.fail("is there before")
		}
		v, err := p.value(rest, indent, true)
		if err != nil {
			return nil, err
		}
		m[key] = v
	}
	return m, nil
}

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

func keyOf(text string) (key, rest string, ok bool) {
	if strings.HasPrefix(text, "{") {
		return "", "", false
	}
	if key, ok = strings.CutSuffix(text, ":"); !ok {
		key, rest, ok = strings.Cut(text, ": ")
	}
	return unquoted(key), strings.TrimSpace(rest), ok && key != "" && !strings.ContainsAny(key, " {}[]")
}

// value reads what stands behind a key: on its line, or below it.
func (p *yamlParser) value(rest string, indent int, listToo bool) (any, error) {
	if rest != "" {
		v, err := scalarOrFlow(rest)
		if err != nil {
			return nil, p.fail(err.Error())
		}
		p.at++
		return v, nil
	}
	p.at++
	if p.at < len(p.lines) {
		next := p.lines[p.at]
		if next.indent > indent || listToo && next.indent == indent && isItem(next.text) {
			return p.block(next.indent)
		}
	}
	return "", nil
}

func (p *yamlParser) list(indent int) (any, error) {
	list := []any{}
	for p.at < len(p.lines) && p.lines[p.at].indent == indent && isItem(p.lines[p.at].text) {
		l := &p.lines[p.at]
		rest := strings.TrimLeft(strings.TrimPrefix(l.text, "-"), " ")
		var v any
		var err error
		if _, _, isMap := keyOf(rest); isMap || isItem(rest) { // the item begins behind the dash
			l.indent += len(l.text) - len(rest)
			l.text = rest
			v, err = p.block(l.indent)
		} else {
			v, err = p.value(rest, indent, false)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func unquoted(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// scalarOrFlow reads a value on one line.
func scalarOrFlow(s string) (any, error) {
	open, end := s[0], s[len(s)-1]
	switch {
	case open == '{' && end == '}':
		m := map[string]any{}
		for _, part := range flowParts(s) {
			key, value, ok := strings.Cut(part, ": ")
			if !ok {
				return nil, fmt.Errorf("has %q, which is no key with a value", part)
			}
			v, err := scalarOrFlow(strings.TrimSpace(value))
			if err != nil {
				return nil, err
			}
			m[unquoted(key)] = v
		}
		return m, nil
	case open == '[' && end == ']':
		list := []any{}
		for _, part := range flowParts(s) {
			v, err := scalarOrFlow(part)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case strings.IndexByte("{}[]|>&*!%@`", open) >= 0:
		return nil, fmt.Errorf("has a value of a kind that is not read here")
	}
	return unquoted(s), nil
}

// flowParts takes the inside of brackets apart at its own commas.
func flowParts(s string) (parts []string) {
	depth, from := 0, 1
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '{' || s[i] == '[':
			depth++
		case depth > 0 && (s[i] == '}' || s[i] == ']'):
			depth--
		case depth == 0 && (s[i] == ',' || i == len(s)-1):
			if part := strings.TrimSpace(s[from:i]); part != "" {
				parts = append(parts, part)
			}
			from = i + 1
		}
	}
	return parts
}

// at goes down a value: a string is a key, a number an index. What is not there is nil.
func at(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			list, _ := v.([]any)
			if s >= len(list) {
				return nil
			}
			v = list[s]
		}
	}
	return v
}

// all gives the items of a list.
func all(v any, path ...any) []any {
	list, _ := at(v, path...).([]any)
	return list
}

func TestParseYAML(t *testing.T) {
	docs, err := parseYAML("# c\na: 1 # c\nb:\n- x\n- {y: 'q: r', z: [1, {k: v}]}\n- k: v\n  l:\n    m: n\nc: []\n---\n- - 1\n  - 2\n-\n  a: \"#\"\n")
	require.NoError(t, err)
	type m = map[string]any
	assert.Equal(t, []any{
		m{"a": "1", "b": []any{"x", m{"y": "q: r", "z": []any{"1", m{"k": "v"}}}, m{"k": "v", "l": m{"m": "n"}}}, "c": []any{}},
		[]any{[]any{"1", "2"}, m{"a": "#"}},
	}, docs)
	for _, bad := range []string{"a: 1\na: 2\n", "a: |\n  x\n", "a: 1\n  b: 2\n", "a\n", "a: 'x\n", "\ta: 1\n", "a: {b}\n", "a: &x 1\n", "  a: 1\nb: 1\n"} {
		_, err := parseYAML(bad)
		assert.Error(t, err, bad)
	}
}
