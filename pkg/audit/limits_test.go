package audit

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// long returns an event of that many bytes.
func long(id string, size int) string {
	head := `{"kind":"Event","auditID":"` + id + `","stageTimestamp":"2026-01-02T03:04:05Z","requestObject":{"x":["`
	const tail = `"]}}`
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
}

// nested returns an event with that many levels, the event itself counted.
func nested(id string, levels int, kind string) string {
	open, close := "[", "]"
	if kind == "objects" {
		open, close = `{"a":`, "}"
	}
	n := levels - 1
	value := strings.Repeat(open, n) + strings.Repeat(close, n)
	if kind == "objects" {
		value = strings.Repeat(open, n) + "1" + strings.Repeat(close, n)
	}
	return `{"kind":"Event","auditID":"` + id + `","stageTimestamp":"2026-01-02T03:04:05Z","requestObject":` + value + `}`
}

func TestReaderSize(t *testing.T) {
	const limit = 1000
	for _, c := range []struct{ name, in, ids, rejected string }{
		{"just right", long("a", limit) + "\n" + ev("b"), "a b", ""},
		{"one too many", long("a", limit+1) + "\n" + ev("b"), "b", "size@1"},
		{"far too many", long("a", 3*firstBuffer) + "\n" + ev("b"), "b", "size@1"},
		{"in a list", eventList(item("a"), long("x", limit+1), item("b"), long("x", 3*firstBuffer), item("c")) + ev("d"), "a b c d",
			"size@1 size@1"},
		{"in an array", "[" + long("x", 3*firstBuffer) + ",\n" + long("x", 2*limit) + ",\n" + ev("c") + "]" + ev("d"), "c d",
			"size@1 size@2"},
		{"pretty", strings.Replace(pretty("x"), `"u"`, "[\n      \"a\",\n      "+strings.Repeat(" ", 3*firstBuffer)+"{}\n    ]", 1) +
			"\n" + ev("b"), "b", "size@1"},
		{"string", `"` + strings.Repeat(`\"`, 3*firstBuffer) + `" ` + ev("b"), "b", "size@1"},
		{"number", strings.Repeat("1", 3*firstBuffer) + " " + ev("b"), "b", "size@1"},
		{"number in an array", "[" + strings.Repeat("1", 3*firstBuffer) + "," + ev("b") + "]", "b", "size@1"},
		{"before the items", `{"a":"` + strings.Repeat("x", limit) + `","items":[` + item("x") + `]}` + ev("b"), "b", "size@1"},
		{"behind the items", `{"kind":"EventList","items":[` + item("a") + `],"b":"` + strings.Repeat("x", limit) + `"}` + ev("b"),
			"a b", "size@1"},
		{"cut in a string", long("x", 3*firstBuffer)[:2*firstBuffer] + "\n" + ev("b"), "b", "size@1"},
		{"cut behind a string", long("x", 3*firstBuffer)[:3*firstBuffer-len("]}}")] + "\n" + ev("b") + "\n" + ev("c"), "b c", "size@1"},
		{"cut in a list", "[" + ev("a") + "," + long("x", 3*firstBuffer)[:2*firstBuffer] + "\n" + ev("b"), "a b", "size@1 syntax@1"},
		{"cut at the end", long("x", 3*firstBuffer)[:2*firstBuffer], "", "size@1"},
		{"cut at the end of a list", "[" + long("x", 3*firstBuffer)[:2*firstBuffer], "", "size@1 syntax@1"},
		{"brackets that do not match", `{"x":[` + strings.Repeat("1,", limit) + "1}}" + "\n" + ev("b"), "b", "size@1"},
		{"white space", strings.Repeat(" ", 3*firstBuffer) + ev("a") + strings.Repeat("\n", 3*firstBuffer) + ev("b"), "a b", ""},
		{"white space in an array", "[" + strings.Repeat(" ", 3*firstBuffer) + ev("a") + strings.Repeat("\n", 3*firstBuffer) + "]" + ev("b"),
			"a b", ""},
		{"no JSON at all", strings.Repeat("x", 3*firstBuffer) + "\n" + ev("b"), "b", "syntax@1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.in), "test", Limits{MaxEvent: limit})
			ids, rejected, err := read(t, r)
			require.NoError(t, err)
			assert.Equal(t, c.ids, strings.Join(ids, " "))
			assert.Equal(t, c.rejected, strings.Join(rejected, " "))
			assert.LessOrEqual(t, len(r.window.space), 4*firstBuffer, "what is too long must not be kept")
		})
	}
}

func TestReaderDepth(t *testing.T) {
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for _, c := range []struct {
		name, in string
		depth    int
		ids      string
		rejected string
	}{
		{"just right", nested("a", 10000, "arrays") + nested("b", 10000, "objects"), 0, "a b", ""},
		{"one too many", nested("x", 10001, "arrays") + nested("y", 10001, "objects") + ev("b"), 0, "b", "depth@1 depth@1"},
		{"far too many", nested("x", 1_000_000, "arrays") + "\n" + ev("b"), 0, "b", "depth@1"},
		{"in a list", eventList(item("a"), nested("x", 10001, "objects"), nested("b", 10000, "objects")), 0, "a b", "depth@1"},
		{"only opened", strings.Repeat(`{"a":`, 20000) + "\n" + ev("b"), 0, "b", "depth@1"},
		{"only opened, in a list", "[" + ev("a") + "," + strings.Repeat(`{"a":`, 20000) + "\n" + ev("b"), 0, "a b", "depth@1 syntax@2"},
		{"documents", deep(10000) + ev("a"), 0, "a", ""},
		{"documents, one too many", deep(10001) + ev("x") + "\n" + ev("b"), 0, "b", "depth@1"},
		{"documents, only opened", strings.Repeat("[", 1_000_000) + "\n" + ev("b"), 0, "b", "depth@1"},
		{"documents, only opened, on lines", strings.Repeat("[\n", 10001) + ev("b"), 0, "b", "depth@10001"},
		{"lower limit", nested("a", 5, "arrays") + nested("x", 6, "objects") + "\n[[[[[" + ev("b") + "]]]]]\n[[[[[[" + ev("x"), 5,
			"a b", "depth@1 depth@3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids, rejected, err := read(t, NewReader(strings.NewReader(c.in), "test", Limits{MaxDepth: c.depth}))
			require.NoError(t, err)
			assert.Equal(t, c.ids, strings.Join(ids, " "))
			assert.Equal(t, c.rejected, strings.Join(rejected, " "))
		})
	}
	_, err := ParseValue([]byte(deep(10000)))
	assert.NoError(t, err)
	_, err = ParseValue([]byte(deep(10001)))
	assert.Error(t, err)
}

// Lines that each look like the begin of a long document must not each cost the reading of all that follows.
func TestReaderHostileLines(t *testing.T) {
	const lines, limit = 5000, 1 << 18
	for name, line := range map[string]string{
		"until too deep":    `{"a":{"b":["` + strings.Repeat("x", 10) + "\",\n",
		"until too long":    `{"a":["` + strings.Repeat("x", 1000) + "\",\n",
		"until it is wrong": `{"a":["` + strings.Repeat("x", 10) + "\",\n" + strings.Repeat("[\n", 50) + "},\n",
	} {
		in := strings.Repeat(line, lines) + ev("b")
		r := NewReader(strings.NewReader(in), "test", Limits{MaxEvent: limit})
		ids, rejected, err := read(t, r)
		require.NoError(t, err)
		assert.Equal(t, []string{"b"}, ids, name)
		assert.GreaterOrEqual(t, len(rejected), lines, name)
		assert.Less(t, r.vain, int64(len(in)+10*limit), name)
	}
}

// listOf yields one EventList on one line, of copies of an item, without ever holding it.
type listOf struct {
	item  []byte
	left  int
	rest  []byte
	peak  uint64
	reads int
}

func newListOf(item []byte, count int) *listOf {
	return &listOf{item: append(bytes.Clone(item), ','), left: count, rest: []byte(`{"kind":"EventList","items":[`)}
}

func (l *listOf) Read(p []byte) (int, error) {
	if l.reads++; l.reads%200 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		l.peak = max(l.peak, m.HeapInuse+m.StackInuse)
	}
	if len(l.rest) == 0 {
		switch {
		case l.left > 1:
			l.rest = l.item
		case l.left == 1:
			l.rest = append(bytes.TrimSuffix(l.item, []byte(",")), "]}"...)
		default:
			return 0, io.EOF
		}
		l.left--
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// total is the size of the documents of the memory tests.
func total() int {
	if testing.Short() || underRace {
		return 30 << 20
	}
	return 300 << 20
}

// A list of 300 MB on one line is read in little memory.
func TestReaderMemory(t *testing.T) {
	one := []byte(long("a", 64<<10))
	src := newListOf(one, total()/len(one))
	r := NewReader(src, "test", Limits{})
	count := 0
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.Len(t, e.Raw, len(one))
		count++
	}
	assert.Equal(t, total()/len(one), count)
	assert.Less(t, src.peak, uint64(100<<20))
}

// A document of 300 MB on one line that is no list is passed over in little memory.
func TestReaderMemoryOneEvent(t *testing.T) {
	src := newListOf([]byte(long("a", 64<<10)), total()/(64<<10))
	src.rest = []byte(`{"kind":"Event","items":[`)
	ids, rejected, err := read(t, NewReader(io.MultiReader(src, strings.NewReader("\n"+ev("b"))), "test", Limits{}))
	require.NoError(t, err)
	assert.Equal(t, []string{"b"}, ids)
	assert.Equal(t, []string{"size@1"}, rejected)
	assert.Less(t, src.peak, uint64(200<<20))
}
