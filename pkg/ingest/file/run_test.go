package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// judge finds nothing.
type judge struct{}

func (judge) Judge(events []*audit.Event, _ []audit.Identity) ([]record.Item, []byte) {
	items := make([]record.Item, len(events))
	for i, e := range events {
		items[i].Raw = e.Raw
	}
	return items, []byte("none")
}

func (judge) Text(s string) string { return s }

// events counts the events in the records of a log by what they are.
type events struct {
	mu      sync.Mutex
	byRaw   map[string]int
	records []spool.Record
	enough  chan struct{}
	want    int
}

func (l *events) Append(_ context.Context, r spool.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	for _, item := range r.Events {
		if l.byRaw[string(item.Raw)]++; len(l.byRaw) == l.want && l.byRaw[string(item.Raw)] == 1 {
			close(l.enough)
		}
	}
	return nil
}

// The real loop in front of the real intake, while a log is written and rotated.
func TestTailInFrontOfTheIntake(t *testing.T) {
	const total = 5000
	log := &events{byRaw: map[string]int{}, enough: make(chan struct{}), want: total}
	in := ingest.New(ingest.Config{Log: log, Judge: judge{}, Ledger: ingest.NewLedger(ingest.LedgerConfig{Now: time.Now}), Now: time.Now})
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	tail, err := New(Config{
		Path: path, Cluster: "prod", Position: filepath.Join(t.TempDir(), "position"), FromStart: true, Taker: in,
		Poll: time.Millisecond, Linger: 20 * time.Millisecond, MaxBody: 20_000, Now: time.Now,
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	tail.step(ctx) // what was rotated before the first look is none of its business
	done := make(chan struct{})
	go func() {
		defer close(done)
		tail.Run(ctx)
	}()
	defer func() { stop(); <-done }()

	var f *os.File
	for n := range total {
		if n%700 == 0 {
			if f != nil {
				require.NoError(t, f.Close())
				require.NoError(t, os.Rename(path, filepath.Join(dir, fmt.Sprintf("audit-2026-11-21T10-00-00.%03d.log", n/700))))
			}
			f, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			require.NoError(t, err)
		}
		_, err := fmt.Fprintf(f, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"%d","stage":"ResponseComplete","stageTimestamp":"2026-11-21T10:00:00.000000Z"}`+"\n", n)
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
	select {
	case <-log.enough:
	case <-time.After(60 * time.Second):
		require.Fail(t, "not all events were taken", "%+v", tail.Status())
	}
	stop()
	<-done
	for raw, n := range log.byRaw {
		assert.Equal(t, 1, n, raw)
	}
	s := tail.Status()
	assert.Equal(t, []int64{total, 0, 0, 0}, []int64{s.Events, s.Known, s.Dead, s.Gaps})
	assert.Equal(t, "file", log.records[0].Kind)
	assert.Equal(t, "prod", log.records[0].Cluster)
}
