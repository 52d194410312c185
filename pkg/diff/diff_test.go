package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func value(tb testing.TB, text string) audit.Value {
	tb.Helper()
	if text == "" {
		return audit.Value{}
	}
	v, err := audit.ParseValue([]byte(text))
	require.NoError(tb, err)
	return v
}

// lines are changes for reading.
func lines(r Result) []string {
	out := []string{}
	for _, c := range r.Changes {
		switch c.Op {
		case Added:
			out = append(out, fmt.Sprintf("+ %s %s", c.Pointer, c.New))
		case Removed:
			out = append(out, fmt.Sprintf("- %s %s", c.Pointer, c.Old))
		default:
			out = append(out, fmt.Sprintf("~ %s %s -> %s", c.Pointer, c.Old, c.New))
		}
	}
	return out
}

func TestObjects(t *testing.T) {
	for _, c := range []struct {
		name, old, now string
		want           []string
	}{
		{"nothing", "", "", nil},
		{"created", "", `{"a":1}`, []string{`+  {"a":1}`}},
		{"gone", `{"a":1}`, "", []string{`-  {"a":1}`}},
		{"equal", `{"a":[1,{"b":null}],"c":"x"}`, `{ "c":"\u0078","a":[1.0,{"b":null}]}`, nil},
		{"members", `{"a":1,"b":2,"z":0}`, `{"a":1,"b":3,"c":4}`, []string{"~ /b 2 -> 3", "+ /c 4", "- /z 0"}},
		{"another kind", `{"a":{"b":1}}`, `{"a":[1]}`, []string{`~ /a {"b":1} -> [1]`}},
		{"null is no absence", `{"a":null}`, `{}`, []string{"- /a null"}},
		{"the last of equal keys", `{"a":1,"a":2}`, `{"a":2}`, nil},
		{"keys are escaped", `{"a/b~c":1}`, `{"a/b~c":2,"[name=x]":1,"":1}`, []string{"+ / 1", "+ /~2name=x] 1", "~ /a~1b~0c 1 -> 2"}},
		{"white space is left out", "{}", "{\"a\": {\n \"b\" : 1}}", []string{`+ /a {"b":1}`}},

		{"big numbers", `{"a":9007199254740993,"b":1e400}`, `{"a":9007199254740992,"b":10e399}`, []string{"~ /a 9007199254740993 -> 9007199254740992"}},
		{"numbers of one value", `[1.50,-0,100,0.001]`, `[1.5,0,1E+2,1e-3]`, nil},
		{"numbers of signs", `[1,-1]`, `[-1,1]`, []string{"- /0 1", "+ /1 1"}},
		{"a text is no number", `{"a":"1"}`, `{"a":1}`, []string{`~ /a "1" -> 1`}},
		{"an exponent out of reach", `[1e99999999999999999999]`, `[1e99999999999999999998]`,
			[]string{"~ /0 1e99999999999999999999 -> 1e99999999999999999998"}},

		{"noise", `{"metadata":{"resourceVersion":"1","generation":1,"managedFields":[1],"name":"a"}}`,
			`{"metadata":{"resourceVersion":"2","generation":2,"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}}`, nil},
		{"beside the noise", `{}`, `{"metadata":{"resourceVersion":"2","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","a":"b"}}}`,
			[]string{`+ /metadata/annotations/a "b"`}},
		{"only there it is noise", `{"spec":{"template":{"metadata":{"generation":1}}}}`, `{"spec":{"template":{"metadata":{"generation":2}}}}`,
			[]string{"~ /spec/template/metadata/generation 1 -> 2"}},

		{"containers by name", `{"spec":{"containers":[{"name":"web","image":"a:1"},{"name":"log","image":"l"}]}}`,
			`{"spec":{"containers":[{"name":"sh","image":"s"},{"name":"web","image":"a:2"}]}}`,
			[]string{`- /spec/containers/[name=log] {"name":"log","image":"l"}`, `+ /spec/containers/[name=sh] {"name":"sh","image":"s"}`,
				`~ /spec/containers/[name=web]/image "a:1" -> "a:2"`}},
		{"mounts by path", `[{"name":"v","mountPath":"/a"},{"name":"v","mountPath":"/b"}]`, `[{"name":"w","mountPath":"/b"}]`,
			[]string{`- /[mountPath=~1a] {"name":"v","mountPath":"/a"}`, `~ /[mountPath=~1b]/name "v" -> "w"`}},
		{"subjects by kind and name", `[{"kind":"User","name":"al b"},{"kind":"Group","name":"al b"}]`, `[{"kind":"Group","name":"al b"},{"kind":"ServiceAccount","name":"s","namespace":"n"}]`,
			[]string{`- /[name="al b",kind=User] {"kind":"User","name":"al b"}`, `+ /[name=s,kind=ServiceAccount,namespace=n] {"kind":"ServiceAccount","name":"s","namespace":"n"}`}},
		{"ports by number", `[{"containerPort":80},{"containerPort":53,"protocol":"UDP"}]`, `[{"containerPort":53,"protocol":"UDP","hostPort":53},{"containerPort":80}]`,
			[]string{"+ /[containerPort=53,protocol=UDP]/hostPort 53"}},
		{"conditions by type", `[{"type":"Ready","status":"False"}]`, `[{"type":"Ready","status":"True"}]`, []string{`~ /[type=Ready]/status "False" -> "True"`}},
		{"a name twice", `[{"name":"a","value":"1"},{"name":"a","value":"2"}]`, `[{"name":"a","value":"1"}]`, []string{`- /1 {"name":"a","value":"2"}`}},
		{"one has no name", `[{"name":"a"},{"x":1}]`, `[{"name":"a"},{"x":2}]`, []string{"~ /1/x 1 -> 2"}},

		{"plain list", `["get","list"]`, `["get","watch","list"]`, []string{`+ /1 "watch"`}},
		{"plain list, the middle", `["a","b","c","d"]`, `["a","x","d","e"]`, []string{`~ /1 "b" -> "x"`, `- /2 "c"`, `+ /3 "e"`}},
		{"rules", `[{"verbs":["get"],"resources":["pods"]}]`, `[{"verbs":["get"],"resources":["pods","secrets"]},{"verbs":["*"]}]`,
			[]string{`+ /0/resources/1 "secrets"`, `+ /1 {"verbs":["*"]}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Objects(value(t, c.old), value(t, c.now), Options{})
			want := c.want
			if want == nil {
				want = []string{}
			}
			assert.Equal(t, want, lines(r))
			assert.Equal(t, len(want) == 0 && len(r.Reordered) == 0, r.Same())
		})
	}
}

// TestIgnored: what is ignored is counted, and told when asked for.
func TestIgnored(t *testing.T) {
	old := value(t, `{"metadata":{"resourceVersion":"1","generation":1,"managedFields":[1],"annotations":{}}}`)
	now := value(t, `{"metadata":{"resourceVersion":"2","generation":1,"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}}`)
	r := Objects(old, now, Options{})
	assert.True(t, r.Same())
	assert.Equal(t, 3, r.Ignored)
	r = Objects(old, now, Options{All: true})
	assert.Zero(t, r.Ignored)
	assert.Len(t, r.Changes, 3)
}

// TestReordered: named elements in another order are told by their list.
func TestReordered(t *testing.T) {
	r := Objects(value(t, `{"initContainers":[{"name":"a"},{"name":"b"},{"name":"x"}]}`), value(t, `{"initContainers":[{"name":"b"},{"name":"y"},{"name":"a"}]}`), Options{})
	assert.Equal(t, []string{`- /initContainers/[name=x] {"name":"x"}`, `+ /initContainers/[name=y] {"name":"y"}`}, lines(r))
	assert.Equal(t, []string{"/initContainers"}, r.Reordered)
	assert.False(t, r.Same())
}

// TestBounds: whatever the objects are, what is told of them is bounded, and what is left out is counted.
func TestBounds(t *testing.T) {
	many := func(format string) string {
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, format, i)
		}
		return "[" + strings.TrimSuffix(b.String(), ",") + "]"
	}
	t.Run("changes", func(t *testing.T) {
		r := Objects(value(t, "[]"), value(t, many("%d,")), Options{})
		assert.Len(t, r.Changes, 1000)
		assert.Equal(t, 2000, r.More)
	})
	t.Run("values", func(t *testing.T) {
		r := Objects(value(t, `{"a":"`+strings.Repeat("x", 20_000)+`"}`), value(t, `{"a":"y"}`), Options{})
		require.Len(t, r.Changes, 1)
		assert.Equal(t, Change{Pointer: "/a", Op: Changed, OldBytes: 20_002, New: []byte(`"y"`)}, r.Changes[0])
	})
	t.Run("depth", func(t *testing.T) {
		deep := func(leaf string) string { return strings.Repeat(`{"a":`, 9000) + leaf + strings.Repeat("}", 9000) }
		r := Objects(value(t, deep("1")), value(t, deep("2")), Options{})
		require.Len(t, r.Changes, 1)
		assert.Equal(t, strings.Repeat("/a", 64), r.Changes[0].Pointer)
		assert.True(t, func() bool { r := Objects(value(t, deep("1")), value(t, deep("1.0")), Options{}); return r.Same() }())
	})
	t.Run("lists that are too long for a subsequence", func(t *testing.T) {
		r := Objects(value(t, many("%d,")), value(t, many("-%d,")), Options{MaxChanges: 5000})
		assert.Len(t, r.Changes, 2999, "zero is zero")
	})
}
