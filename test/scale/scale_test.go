package scale

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/bench"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/load"
)

// Variables of the environment.
const (
	envEvents = "KUBEWITNESS_SCALE"      // how many events to fill the store with
	envFrom   = "KUBEWITNESS_SCALE_FROM" // a file of recorded events, one a line; empty: those of test/bench
	envData   = "KUBEWITNESS_SCALE_DATA" // a folder; one that has a store is used as it is
)

// days is how many days the history goes back.
const days = 7

// TestScale measures and prints.
func TestScale(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv(envEvents))
	if n == 0 {
		t.Skipf("it takes minutes: make scale, or set %s to a number of events", envEvents)
	}
	m := newMeasuring(t)
	m.fill(t, n)
	m.ask(t)
}

// TestAnswers asks everything once, of a small store.
func TestAnswers(t *testing.T) {
	if _, err := load.CPU("self"); err != nil {
		t.Skip("the kernel does not tell what a process takes")
	}
	m := newMeasuring(t)
	m.fill(t, 2000)
	s := m.serve(t)
	ids := m.ids(t, s, 2)
	require.Len(t, ids, 2)
	for _, q := range questions(ids) {
		a, err := Ask(s.HTTP, q, 1)
		require.NoError(t, err)
		require.Len(t, a.Took, len(q.Query))
		require.Positive(t, a.Bytes)
	}
}

// TestHistory: what is written are events of their own, in the order of time.
func TestHistory(t *testing.T) {
	h := newHistory(t)
	var out bytes.Buffer
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	size, err := h.Write(&out, 3000, from, from.Add(3000*time.Second))
	require.NoError(t, err)
	require.Equal(t, int64(out.Len()), size)
	seen := map[string]bool{}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var e struct {
			AuditID        string
			StageTimestamp time.Time
		}
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		require.Equal(t, from.Add(time.Duration(i)*time.Second), e.StageTimestamp)
		seen[e.AuditID] = true
	}
	require.Len(t, seen, 3000)
}

func newHistory(t testing.TB) *History {
	t.Helper()
	var recorded io.Reader
	if name := os.Getenv(envFrom); name != "" {
		f, err := os.Open(name)
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		recorded = f
	} else {
		b, err := bench.Events("3k")
		require.NoError(t, err)
		recorded = bytes.NewReader(b)
	}
	h, err := NewHistory(recorded)
	require.NoError(t, err)
	return h
}

// measuring is a program and a data folder.
type measuring struct {
	binary string
	data   string
	filled bool // the store was there
}

func newMeasuring(t testing.TB) *measuring {
	t.Helper()
	m := &measuring{binary: filepath.Join(t.TempDir(), "kubewitness"), data: os.Getenv(envData)}
	if m.data == "" {
		m.data = t.TempDir()
	}
	_, err := os.Stat(filepath.Join(m.data, "store"))
	m.filled = err == nil
	build := exec.Command("go", "build", "-trimpath", "-o", m.binary, "./cmd/kubewitness")
	build.Dir = corpora.Root(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return m
}

func (m *measuring) command(args ...string) *exec.Cmd {
	cmd := exec.Command(m.binary, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KUBEWITNESS_") })
	return cmd
}

// fill imports a history.
func (m *measuring) fill(t testing.TB, n int) {
	t.Helper()
	if m.filled {
		return
	}
	in, out := io.Pipe()
	var raw int64
	h := newHistory(t)
	go func() {
		var err error
		now := time.Now()
		raw, err = h.Write(out, n, now.AddDate(0, 0, -days), now.Add(-time.Minute))
		_ = out.CloseWithError(err)
	}()
	cmd := m.command("import", "-", "--data", m.data, "--cluster", "prod")
	cmd.Stdin = in
	begin := time.Now()
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	took := time.Since(begin)
	size := sizeOf(t, m.data)
	peak := cmd.ProcessState.SysUsage()
	fmt.Printf("import: %d events of %d bytes in %.0f s, %.0f events/s, %s CPU each (the sender not counted); %d bytes an event on disk; memory %v\n",
		n, raw/int64(n), took.Seconds(), float64(n)/took.Seconds(),
		(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())/time.Duration(n), size/int64(n), resident(peak))
}

func sizeOf(t testing.TB, dir string) (size int64) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	}))
	return size
}

// settings of the service.
const settings = `
data: %q
webhook: {listen: "127.0.0.1:0", insecure: true}
http: {listen: "127.0.0.1:0"}
log: {format: json}
outputs:
  stdout: {enabled: false}
`

func (m *measuring) serve(t testing.TB) *load.Service {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scale.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, settings, m.data), 0o600))
	s, err := load.Start(m.command("serve", "--config", file), os.Stderr)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Stop()) })
	return s
}

// ids gives the ids of some events.
func (m *measuring) ids(t testing.TB, s *load.Service, n int) (ids []string) {
	t.Helper()
	resp, err := http.Get("http://" + s.HTTP + "/api/v1/events?limit=" + strconv.Itoa(n) + "&q=ka.verb%3Ddelete")
	require.NoError(t, err)
	defer resp.Body.Close()
	var list struct{ Events []struct{ ID string } }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&list))
	for _, e := range list.Events {
		ids = append(ids, e.ID)
	}
	return ids
}

// ask asks all questions while 2,000 events a second come in.
func (m *measuring) ask(t testing.TB) {
	t.Helper()
	s := m.serve(t)
	recorded, err := bench.Events("3k")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	var sent load.Result
	sending.Go(func() {
		sent, err = load.Send(ctx, s.Webhook, load.Plan{Events: 400, Rate: 2000, Connections: 4, Time: time.Hour}, recorded)
	})
	defer sending.Wait()
	defer stop()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "question\tasked\tmedian\tworst\t")
	for _, q := range questions(m.ids(t, s, 5)) {
		a, err := Ask(s.HTTP, q, 5)
		require.NoError(t, err)
		fmt.Fprintf(table, "%s\t%d\t%.0f ms\t%.0f ms\t\n", q.Name, len(a.Took), milliseconds(a.Share(0.5)), milliseconds(a.Share(1)))
	}
	require.NoError(t, table.Flush())
	peak, err := s.PeakMemory()
	require.NoError(t, err)
	counts, err := s.Metrics()
	require.NoError(t, err)
	stop()
	sending.Wait()
	fmt.Printf("%.0f events in the store, %.0f bytes each; %d came in meanwhile, %.0f/s, p99 %.0f ms; peak of memory %d MB\n",
		counts["store_events"], counts["store_bytes"]/counts["store_events"], sent.Events, sent.PerSecond(), milliseconds(sent.Latency(0.99)), peak>>20)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
