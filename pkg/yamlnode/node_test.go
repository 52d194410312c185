package yamlnode

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"scalars", "[a, '1', 1, 1.5, true, ~, 2026-01-01, .nan, 0x10, 18446744073709551615]", `["a","1",1,1.5,true,null,"2026-01-01",".nan",16,18446744073709551615]`},
		{"nested", "a: {b: [c, {d: e}]}", `{"a":{"b":["c",{"d":"e"}]}}`},
		{"alias", "a: &x [1]\nb: *x", `{"a":[1],"b":[1]}`},
		{"merge", "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", `{"a":{"k":1,"l":2},"b":{"k":3,"l":2}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := Parse([]byte(tt.in))
			require.NoError(t, err)
			b, err := json.Marshal(n.Plain())
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(b))
		})
	}
	n, err := Parse([]byte("# nothing\n"))
	require.NoError(t, err)
	assert.Nil(t, n)
	n, err = Parse([]byte("a:\n  b: c\n"))
	require.NoError(t, err)
	at := n.Get("a").Get("b")
	assert.Equal(t, []int{2, 6}, []int{at.Line, at.Column})
}

func TestParseAll(t *testing.T) {
	docs, err := ParseAll([]byte("# a\n---\na: b\n---\n---\n[c]\n"))
	require.NoError(t, err)
	require.Len(t, docs, 2)
	assert.Equal(t, []int{3, 6}, []int{docs[0].Line, docs[1].Line})
	_, err = ParseAll([]byte("a: b\n---\n["))
	require.Error(t, err)
}

func TestFormat(t *testing.T) {
	b, err := Format([]byte(`{"b":["1",1000000,null,true],"a":{"c":"yes","d":"a\nb"}}`))
	require.NoError(t, err)
	assert.Equal(t, "a:\n  c: \"yes\"\n  d: |-\n    a\n    b\nb:\n  - \"1\"\n  - 1000000\n  - null\n  - true\n", string(b))
}

func TestWhatIsNoFile(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		to, from := string(rune('1'+i)), string(rune('0'+i))
		bomb += "a" + to + ": &a" + to + " [" + strings.TrimSuffix(strings.Repeat("*a"+from+", ", 10), ", ") + "]\n"
	}
	for _, tt := range []struct{ name, in, want string }{
		{"no YAML", "a: [", ":1:1: yaml: did not find expected node content"},
		{"two documents", "a: b\n---\nc: d\n", ":2:1: is a second YAML document; write one"},
		{"a key twice", "a: b\na: c\n", `:2:1: "a" is there twice`},
		{"a key that is a list", "{[a]: b}", ":1:2: a key must be a text"},
		{"a merge of a text", "<<: a", ":1:5: << takes a mapping, or a list of them"},
		{"aliases of aliases", bomb, "more than 1048576 values"},
		{"deep", strings.Repeat("[", 600) + strings.Repeat("]", 600), "more than 500 in each other"},
		{"a false number", "!!int x", `"x" is no value of its tag`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.in))
			var p *Problem
			require.True(t, errors.As(err, &p), "%v", err)
			assert.Contains(t, p.Error(), tt.want)
		})
	}
}

// TestReader: everything that is wrong is told, in the order of the lines, 50 at most.
func TestReader(t *testing.T) {
	r := &Reader{File: "f.yaml"}
	var words string
	var list []string
	r.Members(r.Document([]byte("words: ' '\nlist: {}\nmore: 1\n")), []Member{
		{"list", func(n *Node) { list = r.List(n) }}, {"words", func(n *Node) { words = r.Words(n) }},
	})
	assert.Empty(t, words)
	assert.Empty(t, list)
	assert.EqualError(t, r.Err(), "f.yaml:1:8: is no text, or an empty one; write something\n"+
		"f.yaml:2:7: is no list; begin each element with a dash\nf.yaml:3:1: \"more\" is no key here; there are list, words")
	r = &Reader{}
	assert.Nil(t, r.Document([]byte("{a")))
	require.Error(t, r.Err())
	for range 100 {
		r.Refuse(&Node{}, "x")
	}
	assert.Len(t, r.Err(), maxProblems)
}

// FuzzParse holds that no text makes it panic, and that what it takes can be written as JSON.
func FuzzParse(f *testing.F) {
	f.Add([]byte("a: &x [1]\nb: *x\nc: {<<: {d: e}}\n"))
	f.Add([]byte("? [a]\n: b"))
	f.Fuzz(func(t *testing.T, content []byte) {
		n, err := Parse(content)
		if err != nil {
			require.True(t, errors.As(err, new(*Problem)), "%T", err)
			return
		}
		if n != nil {
			_, err = json.Marshal(n.Plain())
			require.NoError(t, err)
		}
	})
}
