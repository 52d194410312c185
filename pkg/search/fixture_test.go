package search

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/odd"
)

// dir is where the stores of the tests are.
var dir string

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "search"); err != nil {
		panic(err)
	}
	code := m.Run()
	if opened != nil {
		opened.store.Close()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// fixture is a store with events of every kind, and the same events beside it.
type fixture struct {
	store  *store.Store
	rows   []store.Row // newest first
	events []*record.Event
	set    *ruleset.Set
}

var (
	opened *fixture
	once   sync.Once
)

// stored gives the fixture, which the tests share and do not change.
func stored(t testing.TB) *fixture {
	t.Helper()
	once.Do(func() {
		set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
		require.NoError(t, err)
		f := &fixture{set: set}
		f.make(t)
		opened = f
	})
	require.NotNil(t, opened, "the fixture could not be made")
	return opened
}

func (f *fixture) searcher() *Searcher {
	return New(Config{Store: f.store, Rules: func() *ruleset.Set { return f.set }, Hostname: "host", Now: time.Now})
}

func openStore(t testing.TB, name string) *store.Store {
	t.Helper()
	path, err := os.MkdirTemp(dir, name)
	require.NoError(t, err)
	s, err := store.Open(store.Config{Dir: path, FreeFloor: 1, MaxRow: 20_000, Now: time.Now})
	require.NoError(t, err)
	return s
}

func (f *fixture) make(t testing.TB) {
	f.store = openStore(t, "fixture")
	events, err := odd.Records(f.set, time.Now().UTC().Truncate(time.Hour).Add(-6*time.Hour))
	require.NoError(t, err)
	for _, e := range events {
		f.rows = append(f.rows, row.Encode(e))
	}
	slices.SortFunc(f.rows, func(a, b store.Row) int {
		if c := b.Time.Compare(a.Time); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	for _, r := range f.rows {
		e, err := row.Decode(r)
		require.NoError(t, err)
		f.events = append(f.events, e)
	}
	ctx := context.Background()
	w, err := f.store.Write(ctx, f.rows)
	require.NoError(t, err)
	require.Equal(t, len(f.rows), w.Rows)
	require.NoError(t, f.store.Sync(ctx))
}

// firing tells what the plain evaluator says of a stored event.
func firing(m *match.Plain, e *record.Event) bool {
	return len(m.Match(contextOf(e.Event, "host")).Detections) > 0
}
