package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/replay"
)

// entryOf is a log entry in one line; split is "" or a member with what it is a part of.
func entryOf(id int, split string) string {
	return fmt.Sprintf(`{"insertId":"%d","timestamp":"2026-11-21T00:00:01Z",%s"resource":{"labels":{"cluster_name":"shop-eu"}},`+
		`"protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.get","resourceName":"core/v1/namespaces/shop/pods/web"}}`, id, split)
}

// ids collects auditID and cluster of each event.
func ids(dst []byte, a *alert.Alert) []byte {
	return append(dst, a.Event.AuditID+"@"+a.Event.Cluster...)
}

// TestEntries: log entries are read as the events that they hold, in their order, and
// a part of an entry finds the others over any distance and from whatever piece on.
func TestEntries(t *testing.T) {
	var text strings.Builder
	var want []string
	add := func(line, id string) {
		text.WriteString(line + "\n")
		if id != "" {
			want = append(want, id)
		}
	}
	for id := range 6000 { // more than a piece without any entry
		add(eventOf(id, "get"), fmt.Sprint(id, "@"))
	}
	add(entryOf(70, `"split":{"uid":"u","index":0,"totalSplits":2},`), "") // "7" and the number of the part
	for id := range 4000 {
		add(entryOf(10_000+id, ""), fmt.Sprint(10_000+id, "@shop-eu"))
		add(eventOf(id, "get"), fmt.Sprint(id, "@"))
	}
	add(entryOf(71, `"split":{"uid":"u","index":1,"totalSplits":2},`), "7@shop-eu")
	add(entryOf(80, `"split":{"uid":"v","index":0,"totalSplits":2},`), "8@shop-eu") // told at the end of the input

	var out bytes.Buffer
	var entries gcp.Stream
	name := writeFile(t, "mixed.jsonl", text.String())
	opt := options(t, &out, name, name)
	opt.Entries, opt.Line = &entries, ids
	opt.Matcher = matcherOf(t, `- {rule: every event, desc: d, source: k8s_audit, priority: NOTICE, condition: evt.num exists, output: x}`, false)
	summary, err := replay.Run(t.Context(), opt)
	require.NoError(t, err)
	assert.Empty(t, summary.Refused())
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Equal(t, append(want, want...), got)
	assert.EqualValues(t, 2, entries.Counts().Truncated, "inputs do not wait for each other")

	opt.Entries = nil
	summary, err = replay.Run(t.Context(), opt)
	require.NoError(t, err)
	assert.EqualValues(t, 2*4003, summary.Refused(), "without the converter they are no events")
}

// writes tells of each write.
type writes chan struct{}

func (w writes) Write(p []byte) (int, error) {
	w <- struct{}{}
	return len(p), nil
}

// TestPausingEntries: alerts on what a pipe has given come at once.
func TestPausingEntries(t *testing.T) {
	r, w := io.Pipe()
	seen := make(chan struct{}, 3)
	opt := options(t, writes(seen), "-")
	opt.Stdin, opt.Entries = r, new(gcp.Stream)
	go func() {
		for id := range 3 {
			io.WriteString(w, entryOf(id, "")+"\n")
			<-seen // the input goes on only when the alert is there
		}
		w.Close()
	}()
	summary, err := replay.Run(t.Context(), opt)
	require.NoError(t, err)
	assert.Equal(t, int64(3), summary.Events)
}

// TestEntriesOfAnInputThatFails: what came before is judged, and the failure is told.
func TestEntriesOfAnInputThatFails(t *testing.T) {
	broken := errors.New("broken")
	var out bytes.Buffer
	opt := options(t, &out, "-")
	opt.Stdin = io.MultiReader(strings.NewReader(entryOf(1, "")+"\n"), iotest.ErrReader(broken))
	opt.Entries, opt.Line = new(gcp.Stream), ids
	summary, err := replay.Run(t.Context(), opt)
	require.ErrorIs(t, err, broken)
	assert.EqualValues(t, 1, summary.Events)
	assert.Contains(t, out.String(), "1@shop-eu\n")
}

// TestEventsOfEntries: one by one they come as well.
func TestEventsOfEntries(t *testing.T) {
	var got []string
	s := replay.Source{Inputs: []string{"-"}, Stdin: strings.NewReader("[" + entryOf(1, "") + "," + entryOf(2, "") + "]"), Entries: new(gcp.Stream)}
	err := replay.Events(t.Context(), s, func(c *field.Context) error {
		got = append(got, c.Event.AuditID+"@"+c.Event.Cluster)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"1@shop-eu", "2@shop-eu"}, got)
}
