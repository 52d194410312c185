package search

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// overdue is a context whose deadline passes when its test says so.
type overdue struct {
	context.Context
	done chan struct{}
}

func newOverdue(t *testing.T) *overdue { return &overdue{t.Context(), make(chan struct{})} }

func (o *overdue) Done() <-chan struct{} { return o.done }

func (o *overdue) Err() error {
	select {
	case <-o.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (o *overdue) pass() {
	if o.Err() == nil {
		close(o.done)
	}
}

// daily is a store with an event of each of some days, the newest first.
func daily(t *testing.T, days int) (s *Searcher, ids []string) {
	t.Helper()
	st := openStore(t, "daily")
	t.Cleanup(func() { assert.NoError(t, st.Close()) })
	var rows []store.Row
	for i := range days {
		at := time.Now().UTC().Truncate(time.Hour).AddDate(0, 0, -i)
		raw := fmt.Sprintf(`{"kind":"Event","auditID":"day-%d","stage":"ResponseComplete","verb":"get","stageTimestamp":%q}`, i, at.Format(time.RFC3339Nano))
		e, err := audit.Converted{Raw: []byte(raw)}.Event()
		require.NoError(t, err)
		rows = append(rows, row.Encode(&record.Event{Event: e, ID: e.Identity(), Received: at}))
		ids = append(ids, rows[i].ID)
	}
	_, err := st.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, st.Sync(t.Context()))
	return New(Config{Store: st, Hostname: "host", Now: time.Now}), ids
}

// TestTimeIsOver: what was found by then is a page, from which the next one goes on.
func TestTimeIsOver(t *testing.T) {
	s, ids := daily(t, 12)
	for name, r := range map[string]Request{
		"all":        {},
		"a text":     {Text: "day-9"},
		"a residual": {Condition: `ka.auditid endswith "9" or ka.verb=get`},
	} {
		t.Run(name, func(t *testing.T) {
			var all, got []string
			_, err := s.Search(t.Context(), local, r, Page{}, func(h *Hit) error { all = append(all, h.ID); return nil })
			require.NoError(t, err)
			pages, after := 0, ""
			for more := true; more; pages++ {
				ctx := newOverdue(t)
				sum, err := s.Search(ctx, local, r, Page{After: after, Progress: func(Progress) { ctx.pass() }}, func(h *Hit) error {
					got = append(got, h.ID)
					return nil
				})
				require.NoError(t, err)
				assert.Equal(t, sum.Partial, sum.Next != "")
				if sum.Partial {
					assert.Contains(t, sum.Why, "time was over")
					assert.False(t, sum.Reached.IsZero())
				}
				after, more = sum.Next, sum.Partial
			}
			assert.Equal(t, all, got)
			assert.Greater(t, pages, 1, "the deadline has passed on the way")
		})
	}
	assert.Len(t, ids, 12)

	ctx := newOverdue(t)
	ctx.pass()
	_, err := s.Search(ctx, local, Request{}, Page{}, func(*Hit) error { return nil })
	assert.ErrorIs(t, err, context.DeadlineExceeded, "nothing was looked at")
}
