package search

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/store"
)

const (
	testWait = 10 * time.Second
	testTick = time.Millisecond
)

// BenchmarkPushdown is what it costs to make filters and evaluator of a condition.
func BenchmarkPushdown(b *testing.B) {
	const text = `ka.verb in (create, update, patch) and ka.target.resource = pods and not ka.user.name startswith "system:" and (kw.pod.containers.privileged intersects (true) or kw.pod.hostpaths intersects (/, /etc))`
	for b.Loop() {
		e, err := parse(text, nil)
		require.NoError(b, err)
		boundsOf(e)
		_, err = newJudge(e, "", match.Options{})
		require.NoError(b, err)
	}
}

// BenchmarkSearch is the first page of 100,000 rows.
func BenchmarkSearch(b *testing.B) {
	f := stored(b)
	big := openStore(b, "bench")
	b.Cleanup(func() { big.Close() })
	begin := time.Now().UTC().Add(-20 * time.Hour)
	const rows = 100_000
	for n := 0; n < rows; {
		batch := make([]store.Row, 0, 1000)
		for range cap(batch) {
			r := f.rows[n%len(f.rows)]
			r.ID, r.Time = fmt.Sprintf("%064x", n), begin.Add(time.Duration(n)*500*time.Millisecond)
			batch = append(batch, r)
			n++
		}
		_, err := big.Write(context.Background(), batch)
		require.NoError(b, err)
	}
	require.NoError(b, big.Sync(context.Background()))
	s := New(Config{Store: big, Now: time.Now})
	for _, c := range []struct{ name, cond string }{
		{"all", ""}, {"dense", "ka.verb = get"}, {"sparse", "ka.auditid = nobody"}, {"rare", `ka.user.name contains "b'"`}, {"judged", "jevt.value[/verb] = get"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				search(b, s, local, Request{Condition: c.cond}, Page{})
			}
		})
		b.Run("count-"+c.name, func(b *testing.B) {
			for b.Loop() {
				_, _, err := s.Count(context.Background(), local, Request{Condition: c.cond})
				require.NoError(b, err)
			}
		})
	}
}
