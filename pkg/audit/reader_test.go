package audit

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ev returns an event on one line.
func ev(id string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"` + id + `","stage":"ResponseComplete",` +
		`"user":{"username":"u"},"stageTimestamp":"2026-01-02T03:04:05.123456Z"}`
}

// item returns an event as in an EventList.
func item(id string) string {
	return `{"auditID":"` + id + `","stageTimestamp":"2026-01-02T03:04:05.123456Z"}`
}

// pretty returns an event on many lines.
func pretty(id string) string {
	return "{\n  \"kind\": \"Event\",\n  \"auditID\": \"" + id + "\",\n  \"user\": {\n    \"username\": \"u\"\n  },\n" +
		"  \"stageTimestamp\": \"2026-01-02T03:04:05.123456Z\"\n}"
}

func eventList(items ...string) string {
	return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(items, ",") + `]}`
}

// read reads everything. Events are told by their auditID, rejections as reason@line.
func read(t testing.TB, r *Reader) (ids, rejected []string, err error) {
	t.Helper()
	ids, rejected = []string{}, []string{}
	for {
		e, err := r.Next()
		var rej *Rejection
		switch {
		case err == io.EOF:
			require.Nil(t, e)
			return ids, rejected, nil
		case errors.As(err, &rej):
			require.Nil(t, e)
			require.NotEmpty(t, rej.Error())
			require.NotNil(t, rej.Err)
			require.Equal(t, r.input, rej.Input)
			require.LessOrEqual(t, len(rej.Excerpt), 300)
			rejected = append(rejected, fmt.Sprintf("%s@%d", rej.Reason, rej.Line))
		case err != nil:
			require.Nil(t, e)
			return ids, rejected, err
		default:
			require.NotNil(t, e)
			ids = append(ids, e.AuditID)
		}
		require.Less(t, len(ids)+len(rejected), 1_000_000)
	}
}

var readerCases = []struct {
	name     string
	in       string
	ids      string // separated by blanks
	rejected string // reason@line, separated by blanks
}{
	// The forms in which events come.
	{"nothing", "", "", ""},
	{"blank lines only", "\n\r\n \t\n", "", ""},
	{"one event", ev("a"), "a", ""},
	{"lines", ev("a") + "\n" + ev("b") + "\n", "a b", ""},
	{"lines, CRLF, blank ones", "\r\n" + ev("a") + "\r\n\r\n" + ev("b") + "\r\n", "a b", ""},
	{"side by side", ev("a") + ev("b") + " " + ev("c"), "a b c", ""},
	{"list", eventList(item("a"), item("b")), "a b", ""},
	{"lists on lines", eventList(item("a")) + "\n" + eventList(item("b")) + "\n", "a b", ""},
	{"list with kinds in it", eventList(ev("a"), item("b")), "a b", ""},
	{"empty list", eventList(), "", ""},
	{"list without items", `{"kind":"EventList"}`, "", ""},
	{"list of null", `{"kind":"EventList","items":null}`, "", ""},
	{"items first", `{"items":[` + item("a") + `],"metadata":{"x":[1,{}]},"kind":"EventList"}`, "a", ""},
	{"items twice", `{"kind":"EventList","items":[` + item("a") + `],"items":[` + item("b") + `]}`, "a b", ""},
	{"escaped names", `{"kin\u0064":"Event\u004cist","item\u0073":[` + item("a") + `]}`, "a", ""},
	{"escaped names behind items", `{"items":[` + item("a") + `],"kin\u0064":"Event\u004cist"}`, "a", ""},
	{"array", "[" + ev("a") + " , " + ev("b") + "]", "a b", ""},
	{"empty array", "[]", "", ""},
	{"arrays in arrays", "[[" + ev("a") + "],[],[[" + ev("b") + "]]," + ev("c") + "]", "a b c", ""},
	{"lists in an array", "[" + eventList(item("a")) + "," + ev("b") + "," + eventList() + "]", "a b", ""},
	{"pretty", pretty("a") + "\n" + pretty("b") + "\n", "a b", ""},
	{"pretty list", strings.ReplaceAll(eventList(pretty("a"), pretty("b")), "\n", "\n    "), "a b", ""},
	{"array of lines", "[\n" + ev("a") + ",\n" + ev("b") + "\n]\n", "a b", ""},
	{"any mix", pretty("a") + ev("b") + "\n[" + ev("c") + "]" + eventList(item("d"), item("e")) + "\n", "a b c d e", ""},
	{"byte order mark", "\ufeff" + ev("a") + "\n\ufeff" + ev("b"), "a b", ""},
	{"byte order mark only", "\ufeff", "", ""},
	{"v1beta1", strings.Replace(ev("a"), "/v1", "/v1beta1", 1), "a", ""},
	{"v1alpha1", strings.Replace(ev("a"), "/v1", "/v1alpha1", 1), "a", ""},
	{"no apiVersion", `{"kind":"Event",` + item("a")[1:], "a", ""},

	// Content that is refused costs one item.
	{"no object", "1\n" + ev("a") + "\nnull \"x\" true [2," + ev("b") + "] 34", "a b",
		"type@1 type@3 type@3 type@3 type@3 type@3"},
	{"no objects in a list", eventList(item("a"), "1", "[]", `"x"`, "null", item("b")), "a b", "type@1 type@1 type@1 type@1"},
	{"kinds", `{"kind":"Pod"}{"kind":null}{}{"kind":["Event"]}` + ev("a") + "[" + item("b") + "]", "a",
		"kind@1 kind@1 kind@1 kind@1 kind@1"},
	{"kinds in a list", eventList(`{"kind":"Pod"}`, eventList(item("x")), `{"kind":null,`+item("x")[1:], item("a")), "a",
		"kind@1 kind@1 kind@1"},
	{"items of another kind", `{"kind":"PodList","items":[` + item("a") + `]}` + ev("b"), "b", "kind@1"},
	{"items of another kind, told later", `{"items":[` + item("a") + `],"kind":"PodList"}` + ev("b"), "a b", "kind@1"},
	{"items of no kind", `{"items":[` + item("a") + "]}\n" + ev("b"), "a b", "kind@1"},
	{"items of two kinds", `{"items":[],"kind":"EventList","kind":"X"}`, "", "kind@1"},
	{"items that are no array", `{"kind":"EventList","items":{}} {"kind":"EventList","items":"[]"}` + ev("a"), "a",
		"type@1 type@1"},
	{"items of an event", `{"kind":"Event","items":[1],` + item("a")[1:], "a", ""},
	{"last kind counts", `{"kind":"Pod","kind":"Event",` + item("a")[1:] + `{"kind":"Event","kind":"Pod",` + item("b")[1:],
		"a", "kind@1"},
	{"no time", `{"kind":"Event","auditID":"x"}` + "\n" + ev("a"), "a", "time@1"},
	{"bad times", eventList(`{"stageTimestamp":""}`, `{"stageTimestamp":"2026-01-02"}`, `{"stageTimestamp":12}`,
		`{"stageTimestamp":null}`, `{"stageTimestamp":"2026-01-02T03:04:05"}`, item("a")), "a",
		"time@1 time@1 time@1 time@1 time@1"},
	{"last time counts", `{"kind":"Event","stageTimestamp":"x",` + item("a")[1:], "a", ""},
	{"auditID of another type", `{"kind":"Event","auditID":12,"stage":{},` + item("a")[len(`{"auditID":"a",`):], " ", ""},
	{"invalid UTF-8", ev("\xff") + "\n" + ev("a") + "\n" + ev("\xed\xa0\x80") + ev("b"), "a b", "utf8@1 utf8@3"},
	{"half a surrogate pair", ev(`\ud800`) + ev(`\udc00x`) + ev(`\ud83d\ude00`), "\ufffd \ufffdx 😀", ""},
	{"half a surrogate pair and duplicates", `{"a":"\ud800","a":1,` + ev("a")[1:], "a", ""},
	{"invalid UTF-8 in a list", eventList(item("a"), item("\xff"), item("b")), "a b", "utf8@1"},
	{"invalid UTF-8 in a key", eventList(`{"`+"\xc3\x28"+`":1,`+item("x")[1:], item("b")), "b", "utf8@1"},
	{"invalid UTF-8 around the items", `{"x":"` + "\xff" + `","kind":"EventList","items":[` + item("a") + `],"y":"` +
		"\xff" + `"}` + ev("b"), "a b", "utf8@1"},
	{"invalid UTF-8 and duplicates", `{"a":1,"a":"` + "\xff" + `"}` + "\n" + ev("a"), "a", "utf8@1"},

	// Syntax errors cost the line.
	{"no JSON", "hello\n" + ev("a") + "\n", "a", "syntax@1"},
	{"NUL", "\x00\x00\x00\n" + ev("a") + "\x00\n" + ev("b") + "\n", "a b", "syntax@1 syntax@2"},
	{"comma between lines", ev("a") + ",\n" + ev("b") + ",\n", "a b", "syntax@1 syntax@2"},
	{"stray brackets", "]\n}\n" + ev("a") + "]\n:", "a", "syntax@1 syntax@2 syntax@3 syntax@4"},
	{"invalid UTF-8 outside of strings", "{\xff}\n" + ev("a") + "\xff\n\xef\xbb\n" + ev("b"), "a b", "syntax@1 syntax@2 syntax@3"},
	{"invalid UTF-8 and a syntax error", `{"a":"` + "\xff" + `" 1}` + "\n" + ev("a"), "a", "syntax@1"},
	{"duplicates and a syntax error", `{"a":1,"a":2 1}` + "\n" + ev("a"), "a", "syntax@1"},
	{"bad escape", ev(`\q`) + "\n" + ev("a"), "a", "syntax@1"},
	{"bad number", `{"a":01}` + "\n" + ev("a"), "a", "syntax@1"},
	{"the rest of the line", ev("a") + `{"a" 1}` + ev("x") + "\n" + ev("b"), "a b", "syntax@1"},
	{"the rest of the list", eventList(item("a"), `{"a":}`, item("x")) + "\n" + eventList(item("b")), "a b", "syntax@1"},
	{"the rest of the array", "[" + ev("a") + ",{]," + ev("x") + "]\n" + ev("b"), "a b", "syntax@1"},
	{"between items", eventList(item("a")+" "+item("x")) + "\n" + ev("b"), "a b", "syntax@1"},
	{"comma too many", eventList(item("a"), "") + "\n" + ev("b"), "a b", "syntax@1"},
	{"comma first", eventList("", item("x")) + "\n" + ev("b"), "b", "syntax@1"},
	{"wrong bracket", `{"kind":"EventList","items":[` + item("a") + "}\n" + ev("b"), "a b", "syntax@1"},
	{"behind the items", `{"kind":"EventList","items":[` + item("a") + "]]\n" + ev("b"), "a b", "syntax@1"},
	{"a member behind the items", `{"kind":"EventList","items":[],"a" 1}` + "\n" + ev("b"), "b", "syntax@1"},
	{"no name behind the items", `{"kind":"EventList","items":[],1:1}` + "\n" + ev("b"), "b", "syntax@1"},
	{"no value behind the items", `{"kind":"EventList","items":[],"a":}` + "\n" + ev("b"), "b", "syntax@1"},
}

func TestReader(t *testing.T) {
	for _, c := range readerCases {
		t.Run(c.name, func(t *testing.T) {
			check := func(how string, r io.Reader) {
				ids, rejected, err := read(t, NewReader(r, "test", Limits{}))
				require.NoError(t, err, how)
				assert.Equal(t, c.ids, strings.Join(ids, " ")+only(c.ids == " ", " "), how)
				assert.Equal(t, c.rejected, strings.Join(rejected, " "), how)
			}
			check("whole", strings.NewReader(c.in))
			check("byte by byte", iotest.OneByteReader(strings.NewReader(c.in)))
			check("end with the data", iotest.DataErrReader(strings.NewReader(c.in)))
			check("gzip", zipped(t, c.in))
		})
	}
}

func only(when bool, s string) string {
	if when {
		return s
	}
	return ""
}

func zipped(t testing.TB, members ...string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(m))
		require.NoError(t, err)
		require.NoError(t, z.Close())
	}
	return &b
}

// However a line is cut, the lines around it are read, and the cut is told.
func TestReaderTruncatedLine(t *testing.T) {
	broken := []string{ev("x"), eventList(item("x"), item("y")), "[" + ev("x") + "," + ev("y") + "]", "[" + eventList(item("x")) + "]",
		`{"items":[` + item("x") + `],"metadata":{"a":[1]},"kind":"EventList"}`}
	for _, line := range broken {
		for cut := 1; cut < len(line); cut++ {
			for _, end := range []string{"\n", "\r\n"} {
				in := ev("a") + end + line[:cut] + end + ev("b") + end + ev("c") + end + eventList(item("d")) + end
				ids, rejected, err := read(t, NewReader(strings.NewReader(in), "test", Limits{}))
				require.NoError(t, err)
				require.NotEmpty(t, rejected, line[:cut])
				kept := []string{}
				for _, id := range ids {
					if id != "x" && id != "y" {
						kept = append(kept, id)
					}
				}
				require.Equal(t, []string{"a", "b", "c", "d"}, kept, line[:cut])
			}
		}
	}
}

// A document of many lines that breaks off costs itself only.
func TestReaderTruncatedPretty(t *testing.T) {
	document := strings.ReplaceAll(eventList(pretty("x"), pretty("y")), "\n", "\n    ")
	for _, doc := range []string{pretty("x"), document} {
		for cut := 1; cut < len(doc); cut++ {
			in := pretty("a") + "\n" + doc[:cut] + "\n" + pretty("b") + "\n" + pretty("c") + "\n" + ev("d")
			ids, rejected, err := read(t, NewReader(strings.NewReader(in), "test", Limits{}))
			require.NoError(t, err)
			require.Len(t, rejected, 1, doc[:cut])
			require.Equal(t, "a b c d", strings.NewReplacer("x ", "", "y ", "").Replace(strings.Join(ids, " ")), doc[:cut])
		}
	}
}

func TestReaderEvent(t *testing.T) {
	text := `{"kind":"Event" , "stage":"Pa\u006eic","a":{"b":1,"\u0062":2},"auditID":"a\"b",` +
		`"stageTimestamp":"2026-01-02T03:04:05.000000001+02:00"}`
	r := NewReader(strings.NewReader("\ufeff\n  "+text+"\n\n"+ev("z")), "file.log", Limits{})
	e, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, text, string(e.Raw))
	assert.Equal(t, `a"b`, e.AuditID)
	assert.Equal(t, "Panic", e.Stage)
	assert.Equal(t, "2026-01-02T01:04:05.000000001Z", e.Time.Format("2006-01-02T15:04:05.999999999Z07:00"))
	assert.True(t, e.DuplicateKeys)
	assert.Equal(t, "", e.Cluster)
	assert.Equal(t, "file.log", e.Input)
	assert.EqualValues(t, 2, e.Line)
	assert.EqualValues(t, len("\ufeff\n  "), e.Offset)
	assert.Equal(t, "2", e.Root().Path("a", "b").Text())
	assert.Equal(t, "1", e.Root().FirstKeys().Path("a", "b").Text())

	z, err := r.Next()
	require.NoError(t, err)
	assert.False(t, z.DuplicateKeys)
	assert.EqualValues(t, 4, z.Line)
	assert.Equal(t, text, string(e.Raw), "events stay valid")
	_, err = r.Next()
	assert.Equal(t, io.EOF, err)
	_, err = r.Next()
	assert.Equal(t, io.EOF, err)
	assert.EqualValues(t, len("\ufeff\n  "+text+"\n\n"+ev("z")), r.Offset())
}

func TestRejectionPosition(t *testing.T) {
	in := ev("a") + "\n{\"kind\":\"Event\",\n \"user\":tru}\n"
	r := NewReader(strings.NewReader(in), "x.log", Limits{})
	_, err := r.Next()
	require.NoError(t, err)
	_, err = r.Next()
	var rej *Rejection
	require.ErrorAs(t, err, &rej)
	assert.EqualValues(t, 3, rej.Line)
	assert.EqualValues(t, strings.Index(in, "tru}")+3, rej.Offset)
	assert.Equal(t, ReasonSyntax, rej.Reason)
	assert.Equal(t, `audit: x.log:3: byte `+fmt.Sprint(rej.Offset)+`: syntax: invalid character '}' in literal true `+
		`(expecting 'e') within "/user": ..."nd\":\"Event\",\n \"user\":tru}\n"`, err.Error())
}

func TestReaderGzipMembers(t *testing.T) {
	ids, rejected, err := read(t, NewReader(zipped(t, ev("a")+"\n", ev("b")[:20], ev("b")[20:]), "test", Limits{}))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, ids)
	assert.Empty(t, rejected)
}

func TestReaderTruncatedGzip(t *testing.T) {
	data, lines := sample(t)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for _, cut := range []int{2, 5, 12, b.Len() / 2, b.Len() - 4} {
		r := NewReader(bytes.NewReader(b.Bytes()[:cut]), "x.gz", Limits{})
		ids, rejected, err := read(t, r)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Contains(t, err.Error(), "x.gz")
		assert.Empty(t, rejected)
		if cut == b.Len()-4 {
			assert.Len(t, ids, lines, "only the checksum is missing")
		} else if cut == b.Len()/2 {
			assert.Greater(t, len(ids), lines/4)
		}
		_, err = r.Next()
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "it stays")
	}
}

func TestReaderFailure(t *testing.T) {
	boom := errors.New("boom")
	r := NewReader(io.MultiReader(strings.NewReader(ev("a")+"\n"+ev("b")+"\n[1,"), iotest.ErrReader(boom)), "-", Limits{})
	ids, rejected, err := read(t, r)
	require.ErrorIs(t, err, boom)
	assert.Equal(t, []string{"a", "b"}, ids)
	assert.Equal(t, []string{"type@3"}, rejected)

	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	_, err = NewReader(dir, "dir", Limits{}).Next()
	require.ErrorContains(t, err, "is a directory")

	_, err = NewReader(iotest.TimeoutReader(strings.NewReader(ev("a"))), "t", Limits{}).Next()
	require.NoError(t, err)
	_, _, err = read(t, NewReader(stuck{}, "stuck", Limits{}))
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// stuck is a reader that never reads anything.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// An event is delivered as soon as it is there: a source that stays open must not hold it back.
func TestReaderLive(t *testing.T) {
	pr, pw := io.Pipe()
	r := NewReader(pr, "-", Limits{})
	for _, text := range []string{ev("a"), "\n" + ev("b") + "\n", pretty("c"), "[" + ev("d")} {
		go func() {
			for _, part := range []string{text[:len(text)/2], text[len(text)/2:]} {
				if _, err := pw.Write([]byte(part)); err != nil {
					return
				}
			}
		}()
		e, err := r.Next()
		require.NoError(t, err)
		assert.Contains(t, text, e.AuditID)
	}
	pr.Close()
}
