//go:build unix

package pubsub

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// tray is where messages are handed out and settled, in memory.
type tray struct {
	next  func() []byte
	n     int
	acked sync.WaitGroup
}

func (t *tray) Ack()   { t.acked.Done() }
func (t *tray) Nack()  { panic("nothing is handed back") }
func (t *tray) close() {}

// receive calls back as the library does: from many goroutines.
func (t *tray) receive(ctx context.Context, f func(context.Context, incoming)) error {
	t.acked.Add(t.n)
	var callbacks sync.WaitGroup
	running := make(chan struct{}, 1000) // the library has a bound, too
	for i := range t.n {
		data := t.next()
		running <- struct{}{}
		callbacks.Go(func() {
			defer func() { <-running }()
			f(ctx, incoming{id: fmt.Sprint(i), data: data, published: time.Now(), from: t})
		})
	}
	callbacks.Wait()
	t.acked.Wait()
	<-ctx.Done()
	return nil
}

// entries makes entries out of those that the conversion is tested with, each with an insertId of its own.
func entries(t testing.TB) (next func() []byte, size int) {
	files, err := filepath.Glob("../gcp/testdata/entries/*.txtar")
	require.NoError(t, err)
	var all [][]byte
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		for i := 0; i < len(a.Files); i += 2 {
			event := a.Files[i+1].Data
			if bytes.HasPrefix(event, []byte("gcp: ")) || bytes.Contains(a.Files[i].Data, []byte(`"split"`)) || !bytes.Contains(a.Files[i].Data, []byte(`"insertId"`)) {
				continue
			}
			all = append(all, bytes.TrimSpace(a.Files[i].Data))
			size += len(a.Files[i].Data)
		}
	}
	require.Greater(t, len(all), 40)
	n := 0
	return func() []byte {
		n++
		e := all[n%len(all)]
		return bytes.Replace(e, []byte(`"insertId": "`), fmt.Appendf(nil, `"insertId": "%d-`, n), 1)
	}, size / len(all)
}

// processor is how much of processors the process has had.
func processor(t testing.TB) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIntake is all that happens to an entry here: collected, converted, judged by the built-in rules, its secrets taken
// out, put on disk, acknowledged. An operation is one entry. Run it with -cpu 1.
func BenchmarkIntake(b *testing.B) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(b, err)
	compiled, err := judge.Compile(set, judge.Options{})
	require.NoError(b, err)
	red, err := redact.New(redact.Config{})
	require.NoError(b, err)
	dir, err := os.MkdirTemp(".", "spool-") // a disk, which a temporary folder need not be on
	require.NoError(b, err)
	defer os.RemoveAll(dir)
	log, err := spool.Open(b.Context(), spool.Config{Dir: dir, Consumers: []string{"c"}, FreeFloor: 1, Now: time.Now})
	require.NoError(b, err)
	defer log.Close(context.Background())
	in := ingest.New(ingest.Config{Log: log, Judge: judge.New(compiled, red, "host"), Ledger: ingest.NewLedger(ingest.LedgerConfig{Now: time.Now}), Now: time.Now})

	next, size := entries(b)
	tray := &tray{next: next, n: b.N}
	cfg := valid()
	cfg.Taker = in
	cfg, err = cfg.check()
	require.NoError(b, err)
	s := newSubscription(cfg, func(context.Context, func(error)) (connection, error) { return tray, nil })
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	before := processor(b)
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	go s.Run(ctx)
	for s.Status().Acked < int64(b.N) {
		pause(nil, 20*time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/(processor(b)-before).Seconds(), "entries/cpu-s") // which others on the machine do not change
	st := s.Status()
	require.Empty(b, st.Dead+st.Nacked+st.Retries)
	require.EqualValues(b, b.N, st.Events)
}
