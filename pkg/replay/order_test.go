package replay_test

import (
	"bytes"
	"fmt"
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
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		text := documents(rnd)
		var want, got said
		src := replay.Source{Inputs: []string{"-"}, Stdin: strings.NewReader(text)}
		src.Rejected = func(r *audit.Rejection) { want.rejections = append(want.rejections, rejectionText(r)) }
		err := replay.Events(t.Context(), src, func(c *field.Context) error {
			want.events = append(want.events, fmt.Sprintf("%d id=%s %d %d", c.Num, c.Event.AuditID, c.Event.Line, c.Event.Offset))
			return nil
		})
		require.NoError(t, err)

		var out bytes.Buffer
		opt := options(t, &out, "-")
		opt.Workers = 3
		opt.Stdin = strings.NewReader(text)
		if seed%3 == 0 {
			opt.Stdin = iotest.HalfReader(opt.Stdin)
		}
		opt.Rejected = func(r *audit.Rejection) { got.rejections = append(got.rejections, rejectionText(r)) }
		opt.Line = lineWithPlace
		summary, err := replay.Run(t.Context(), opt)
		require.NoError(t, err)
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "id=") {
				got.events = append(got.events, strings.TrimSpace(line))
			}
		}
		require.Equal(t, want, got, "seed %d:\n%.2000s", seed, text)
		require.Equal(t, int64(len(want.events)), summary.Events)
	}
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
