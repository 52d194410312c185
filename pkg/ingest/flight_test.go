package ingest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/spool"
)

// gate is a log whose writes end when and as the test says.
type gate struct {
	mu      sync.Mutex
	stored  map[string]int  // by the raw event
	arrived chan chan error // what a write waits for
}

func newGate() *gate { return &gate{stored: map[string]int{}, arrived: make(chan chan error, 8)} }

func (g *gate) Append(_ context.Context, r spool.Record) error {
	outcome := make(chan error)
	g.arrived <- outcome
	if err := <-outcome; err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, it := range r.Events {
		g.stored[string(it.Raw)]++
	}
	return nil
}

func auditEvent(id string) string {
	return fmt.Sprintf(`{"kind":"Event","auditID":%q,"stage":"ResponseComplete","stageTimestamp":"2026-11-21T10:00:00Z"}`, id)
}

// TestEventThatComesTwiceAtOnceIsStoredOnce: the second body waits for the outcome of
// the first; when that fails it stores the event itself.
func TestEventThatComesTwiceAtOnceIsStoredOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		first   error
		receipt Receipt // of the second
	}{
		"the first is stored": {nil, Receipt{Known: 1, Events: 1}},
		"the first fails":     {spool.Full{Reason: spool.FullDisk}, Receipt{Events: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			now := func() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }
			in := New(Config{Log: g, Judge: plain{}, Ledger: NewLedger(LedgerConfig{Now: now}), Now: now})
			var receipts [2]Receipt
			var errs [2]error
			var work sync.WaitGroup
			take := func(i int, source, body string) {
				work.Go(func() {
					receipts[i], errs[i] = in.Take(context.Background(), Body{Source: source, Cluster: "prod", Data: []byte(body)})
				})
			}
			take(0, SourceWebhook, auditEvent("both"))
			first := <-g.arrived // it holds the event now
			take(1, SourceFile, auditEvent("both")+auditEvent("alone"))
			second := <-g.arrived // with its other event
			second <- nil
			first <- tt.first
			if tt.first != nil {
				again := <-g.arrived // the second stores what the first could not
				again <- nil
			}
			work.Wait()
			assert.Equal(t, tt.first, errs[0])
			require.NoError(t, errs[1])
			assert.Equal(t, tt.receipt, receipts[1])
			assert.Equal(t, map[string]int{auditEvent("both"): 1, auditEvent("alone"): 1}, g.stored)
		})
	}
}

// TestEventThatIsInABodyTwiceIsStoredOnce: an API server does not do this, but a
// log that was put together from others can.
func TestEventThatIsInABodyTwiceIsStoredOnce(t *testing.T) {
	g := newGate()
	go func() { (<-g.arrived) <- nil }()
	in := New(Config{Log: g, Judge: plain{}, Ledger: NewLedger(LedgerConfig{Now: time.Now}), Now: time.Now})
	r, err := in.Take(context.Background(), Body{Source: SourceFile, Data: []byte(auditEvent("a") + auditEvent("b") + auditEvent("a"))})
	require.NoError(t, err)
	assert.Equal(t, Receipt{Events: 2, Known: 1}, r)
	assert.Equal(t, map[string]int{auditEvent("a"): 1, auditEvent("b"): 1}, g.stored)
}
