package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/replay"
)

// TestOrder: alerts come in the order of the events, numbered through, from
// inputs many times as long as what is read at a time.
func TestOrder(t *testing.T) {
	var text, want strings.Builder
	const n = 6_000
	for i := range n {
		text.WriteString(strings.Replace(eventOf(i, "get"), `"stage"`, `"pad":"`+strings.Repeat("x", i%300)+`","stage"`, 1) + "\n")
	}
	for i := range 2 * n {
		fmt.Fprintf(&want, "%d id=%d\n", i+1, i%n)
	}
	input := writeFile(t, "a", text.String())
	for _, workers := range []int{0, 1, 2, 7} {
		var out bytes.Buffer
		opt := options(t, &out, input, input)
		opt.Workers = workers
		summary, err := replay.Run(t.Context(), opt)
		require.NoError(t, err)
		require.Equal(t, int64(2*n), summary.Events)
		require.True(t, want.String() == strings.Join(firstWords(out.String()), "\n")+"\n", "%d workers", workers)
		assert.Equal(t, int64(2*text.Len()), summary.Bytes)
	}
}

// TestForms: a replay says of any mix of documents what one event after the
// other says, with the same places.
func TestForms(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		text := documents(rnd)
		input := func() io.Reader { return strings.NewReader(text) }
		if seed%3 == 0 {
			input = func() io.Reader { return iotest.HalfReader(strings.NewReader(text)) }
		}
		want, err := oneByOne(t, input())
		require.NoError(t, err)
		got, err := replayed(t, input())
		require.NoError(t, err)
		require.Equal(t, want, got, "seed %d:\n%.2000s", seed, text)
	}
}

// TestReadError: what an input breaks off in is an error of the input, and no
// item that was refused.
func TestReadError(t *testing.T) {
	bad := errors.New("bad disk")
	text := eventOf(1, "get") + "\n{broken\n" + eventOf(2, "get") + "\n[" + eventOf(3, "get") + ",\n" + eventOf(4, "get") + "]\n" + indented(eventOf(5, "get")) + "\n"
	for cut := range len(text) + 1 {
		input := func() io.Reader { return io.MultiReader(strings.NewReader(text[:cut]), iotest.ErrReader(bad)) }
		want, err := oneByOne(t, input())
		require.ErrorIs(t, err, bad)
		got, err := replayed(t, input())
		require.ErrorIs(t, err, bad)
		require.Equal(t, want, got, "%q", text[:cut])
	}
}

// TestLongDocuments: so it does of documents that are longer than what is read
// at a time.
func TestLongDocuments(t *testing.T) {
	pad := func(id, n int) string {
		return strings.Replace(eventOf(id, "get"), `"stage"`, `"pad":"`+strings.Repeat("x", n)+`","stage"`, 1)
	}
	list := make([]string, 3000)
	for i := range list {
		list[i] = pad(i, 1500)
	}
	lines := eventOf(1, "get") + "\n{broken\n" + eventOf(2, "get") + "\n"
	for name, long := range map[string]string{
		"EventList":        `{"kind":"EventList","items":[` + strings.Join(list, ",") + "]}\n",
		"array over lines": "[" + strings.Join(list, ",\n") + "]\n",
		"broken list":      `{"kind":"EventList","items":[` + strings.Join(list, ",") + "}\n",
		"event":            pad(3, 5<<20) + "\n",
		"blanks":           strings.Repeat(" ", 5<<20) + pad(3, 0) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := lines + long + lines
			want, err := oneByOne(t, strings.NewReader(text))
			require.NoError(t, err)
			got, err := replayed(t, strings.NewReader(text))
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.NotEmpty(t, want.rejections)
			require.GreaterOrEqual(t, len(want.events), 4)
		})
	}
}

// oneByOne reads an input event after event.
func oneByOne(t *testing.T, input io.Reader) (s said, err error) {
	src := replay.Source{Inputs: []string{"-"}, Stdin: input}
	src.Rejected = func(r *audit.Rejection) { s.rejections = append(s.rejections, rejectionText(r)) }
	err = replay.Events(t.Context(), src, func(c *field.Context) error {
		s.events = append(s.events, fmt.Sprintf("%d id=%s %d %d", c.Num, c.Event.AuditID, c.Event.Line, c.Event.Offset))
		return nil
	})
	return s, err
}

// replayed reads an input with three workers.
func replayed(t *testing.T, input io.Reader) (s said, err error) {
	var out bytes.Buffer
	opt := options(t, &out, "-")
	opt.Workers = 3
	opt.Stdin = input
	opt.Rejected = func(r *audit.Rejection) { s.rejections = append(s.rejections, rejectionText(r)) }
	opt.Line = lineWithPlace
	summary, err := replay.Run(t.Context(), opt)
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "id=") {
			s.events = append(s.events, strings.TrimSpace(line))
		}
	}
	require.Equal(t, int64(len(s.events)), summary.Events)
	return s, err
}

// said is what there is to say of an input.
type said struct{ events, rejections []string }

func rejectionText(r *audit.Rejection) string {
	return fmt.Sprintf("rejected %s %d %d", r.Reason, r.Line, r.Offset)
}

func lineWithPlace(dst []byte, a *alert.Alert) []byte {
	words := strings.Fields(a.Detection.Output)
	return fmt.Appendf(dst, "%s %d %d", strings.Join(words[:2], " "), a.Event.Line, a.Event.Offset)
}

// documents writes a log of single events on one line or many, lists of both
// kinds, and what is broken in every way, now and then with long events.
func documents(rnd *rand.Rand) string {
	var b strings.Builder
	id := 0
	event := func() string {
		id++
		e := eventOf(id, "get")
		if rnd.IntN(6) == 0 {
			e = indented(e)
		}
		if rnd.IntN(40) == 0 {
			e = strings.Replace(e, `"stage"`, `"pad":"`+strings.Repeat("x", rnd.IntN(600_000))+`","stage"`, 1)
		}
		return e
	}
	list := func() string {
		items := make([]string, rnd.IntN(5))
		for i := range items {
			items[i] = event()
		}
		return strings.Join(items, [...]string{",", ",\n", "\n,\n  "}[rnd.IntN(3)])
	}
	for range 1 + rnd.IntN(200) {
		switch rnd.IntN(14) {
		case 0:
			b.WriteString("[" + list() + "]")
		case 1:
			b.WriteString(`{"kind":"EventList","items":[` + list() + "]}")
		case 2:
			e := event()
			b.WriteString(e[:rnd.IntN(len(e))])
		case 3:
			b.WriteString([]string{`{"kind":"Pod"}`, `{"kind":"Event"}`, "nonsense", "\x00\x00", "{}", "]", `"\xff"`, "", "\r"}[rnd.IntN(9)])
		case 4:
			b.WriteString(event() + " ")
			continue // the next one on the same line
		default:
			b.WriteString(event())
		}
		b.WriteString([]string{"\n", "\n", "\n", "\r\n", "\n\n"}[rnd.IntN(5)])
	}
	return b.String()
}

func indented(event string) string {
	return strings.ReplaceAll(strings.ReplaceAll(event, `,"`, ",\n  \""), "}", "\n}")
}
