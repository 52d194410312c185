package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzValue compares Value with encoding/json, whose last equal key wins too. What encoding/json takes and we do not
// must be bad UTF-8; it takes nothing less than we do.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"a":[true,null,-1.5e7,"\u00e9\n"]}`, ` [ ] `, `"\ud83d\ude00"`, `{"":{"":{}}}`, `1e400`, `"\ud800"`, "\"\xff\"", `[[],{}]x`,
		`{"a":{"b":1,"\u0062":"\"}"}}`,
	} {
		f.Add([]byte(seed))
	}
	data, _ := sample(f)
	for line := range bytes.Lines(data[:20_000]) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := decodeNumbers(text)
		v, err := ParseValue(text)
		if err != nil {
			require.False(t, v.Exists())
			if wantErr == nil {
				require.False(t, utf8.Valid(text), "%q: %v", text, err)
			}
			return
		}
		require.NoError(t, wantErr, "%q", text)
		compare(t, want, v)
		require.Equal(t, equalKeys(v), v.tree.duplicates)
		var compacted bytes.Buffer
		require.NoError(t, json.Compact(&compacted, text))
		require.Equal(t, compacted.String(), string(v.Compact()))
	})
}

// decodeNumbers decodes one JSON value, numbers as they are spelled.
func decodeNumbers(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func compare(t *testing.T, want any, v Value) {
	switch want := want.(type) {
	case nil:
		require.Equal(t, Null, v.Kind())
	case bool:
		b, ok := v.Bool()
		require.True(t, ok)
		require.Equal(t, want, b)
	case json.Number:
		require.Equal(t, Number, v.Kind())
		require.Equal(t, want.String(), v.Text())
	case string:
		require.Equal(t, String, v.Kind())
		require.Equal(t, want, v.Text())
	case []any:
		require.Equal(t, Array, v.Kind())
		require.Equal(t, len(want), v.Len())
		i := 0
		for e := range v.Elems() {
			compare(t, want[i], e)
			i++
		}
		require.Equal(t, len(want), i)
		require.False(t, v.Index(i).Exists())
	case map[string]any:
		require.Equal(t, Object, v.Kind())
		last := map[string]Value{}
		for key, m := range v.Members() {
			if _, seen := last[key]; !seen {
				require.Equal(t, m, v.FirstKeys().Get(key).asLast())
			}
			last[key] = m
		}
		require.Equal(t, len(want), len(last))
		for key, w := range want {
			require.Equal(t, last[key], v.Get(key))
			compare(t, w, v.Get(key))
		}
	}
}

// equalKeys looks for equal keys the simple way.
func equalKeys(v Value) bool {
	for e := range v.Elems() {
		if equalKeys(e) {
			return true
		}
	}
	seen := map[string]bool{}
	for key, m := range v.Members() {
		if seen[key] || equalKeys(m) {
			return true
		}
		seen[key] = true
	}
	return false
}

// asLast undoes FirstKeys.
func (v Value) asLast() Value {
	v.first = false
	return v
}

var readerSeeds = []string{
	"", "\n", "{", "[", `"`, "\x1f\x8b", "\ufeff", `{"kind":"EventList","items":[`, `{"items":[],"x":`, `{"a":[`, "[\n", "{\"a\":\n", "1", "]",
	`{"kind":"EventList","items":[{"stageTimestamp":"2026-01-02T03:04:05Z"},1,{"kind":"Pod"}],"kind":"X"}`, `{"a":"` + "\xff" + `"}`,
}

// FuzzReader reads any bytes, followed by two good lines. It must come to an end without a panic, deliver the good
// lines, tell true positions, and do the same however the input comes in pieces.
func FuzzReader(f *testing.F) {
	for _, seed := range readerSeeds {
		f.Add([]byte(seed))
	}
	for _, c := range readerCases {
		f.Add([]byte(c.in))
	}
	data, _ := sample(f)
	for line := range bytes.Lines(data) {
		if bytes.Contains(line, []byte(`"requestObject":{`)) && len(line) < 3000 {
			f.Add(line)
			break
		}
	}
	f.Fuzz(func(t *testing.T, junk []byte) {
		if len(junk) > 1<<16 || bytes.HasPrefix(junk, []byte("\x1f\x8b")) {
			return
		}
		in := append(bytes.Clone(junk), "\n"+ev("good1")+"\n"+ev("good2")+"\n"...)
		for _, lim := range []Limits{{}, {MaxEvent: 400, MaxDepth: 8}} {
			events, rejected := readAll(t, in, bytes.NewReader(in), lim, len(in))
			require.GreaterOrEqual(t, len(events), 2)
			require.Equal(t, "good1", events[len(events)-2].AuditID, "%q", in)
			require.Equal(t, "good2", events[len(events)-1].AuditID, "%q", in)
			if count, ok := naive(in); len(rejected) == 0 {
				require.True(t, !ok || count == len(events), "%d events, not %d: %q", len(events), count, in)
			}
			slow, slowly := readAll(t, in, iotest.OneByteReader(bytes.NewReader(in)), lim, 64)
			require.Equal(t, texts(events), texts(slow))
			require.Equal(t, len(rejected), len(slowly))
			for i := range rejected {
				// Of several faults in one place another one can be met first: offset and cause may differ.
				require.Equal(t, rejected[i].Reason, slowly[i].Reason, "%q", in)
				require.Equal(t, rejected[i].Line, slowly[i].Line, "%q", in)
			}
		}
	})
}

// readAll reads the events of in through r, and checks where they say that they are.
func readAll(t *testing.T, in []byte, r io.Reader, lim Limits, chunk int) (events []*Event, rejected []*Rejection) {
	next := NewReader(r, "test", lim)
	next.window.chunk = chunk
	from := int64(0)
	for {
		e, err := next.Next()
		var rej *Rejection
		switch {
		case err == io.EOF:
			require.EqualValues(t, len(in), next.Offset())
			return events, rejected
		case errors.As(err, &rej):
			require.NotEmpty(t, rej.Reason)
			require.LessOrEqual(t, rej.Offset, int64(len(in)))
			require.EqualValues(t, 1+bytes.Count(in[:rej.Offset], newline), rej.Line)
			require.True(t, utf8.ValidString(rej.Error()))
			rejected = append(rejected, rej)
			require.LessOrEqual(t, len(rejected), len(in)+1)
		default:
			require.NoError(t, err)
			require.GreaterOrEqual(t, e.Offset, from)
			from = e.Offset + int64(len(e.Raw))
			require.Equal(t, string(in[e.Offset:from]), string(e.Raw))
			require.EqualValues(t, 1+bytes.Count(in[:e.Offset], newline), e.Line)
			require.Equal(t, Object, e.Root().Kind())
			require.Equal(t, e.Root().tree.duplicates, e.DuplicateKeys)
			again, err := ParseValue(e.Raw)
			require.NoError(t, err)
			require.Equal(t, outline(again), outline(e.Root()))
			require.Equal(t, again.tree.duplicates, e.DuplicateKeys)
			events = append(events, e)
		}
	}
}

// outline returns all that v holds, each value before what is inside it.
func outline(v Value) (all []string) {
	all = append(all, v.Kind().String(), string(v.Raw()))
	for e := range v.Elems() {
		all = append(all, outline(e)...)
	}
	for key, m := range v.Members() {
		all = append(append(all, key), outline(m)...)
	}
	return all
}

func texts(events []*Event) (out []string) {
	for _, e := range events {
		out = append(out, string(e.Raw))
	}
	return out
}

// naive counts the events of an input the simple way; ok is false if it has faults.
func naive(in []byte) (count int, ok bool) {
	d := json.NewDecoder(strings.NewReader(strings.ReplaceAll(string(in), "\ufeff", "")))
	var walk func(v Value)
	walk = func(v Value) {
		if v.Kind() == Array {
			for e := range v.Elems() {
				walk(e)
			}
			return
		}
		if v.Get("kind").Text() == "Event" {
			count++
			return
		}
		for key, m := range v.Members() {
			if key == "items" && m.Kind() == Array {
				count += m.Len()
			}
		}
	}
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if err == io.EOF {
			return count, true
		}
		if err != nil {
			return 0, false
		}
		v, err := ParseValue(raw)
		if err != nil {
			return 0, false
		}
		walk(v)
	}
}
