package cloudlogging

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestQuotaOfAMinute: no minute has more requests than are allowed, and what is allowed is used.
func TestQuotaOfAMinute(t *testing.T) {
	for _, perMinute := range []int{1, 6, 60, 600} {
		synctest.Test(t, func(t *testing.T) {
			q := (&Quotas{PerMinute: perMinute, Now: time.Now}).Of("projects/p")
			var at []time.Time
			for begin := time.Now(); time.Since(begin) < 10*time.Minute; {
				require.NoError(t, q.Take(t.Context(), Live, nil))
				at = append(at, time.Now())
			}
			assert.GreaterOrEqual(t, len(at), 9*perMinute-1)
			for i, first := range at {
				if i+perMinute < len(at) {
					require.GreaterOrEqual(t, at[i+perMinute].Sub(first), 59*time.Second, "%d a minute: request %d", perMinute, i)
				}
			}
		})
	}
}

// TestLiveDoesNotStarve: who follows gets requests while many read history, and in time.
func TestLiveDoesNotStarve(t *testing.T) {
	for _, perMinute := range []int{6, 60} {
		for _, shared := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				quota := func() func() *Quota {
					one := &Quotas{PerMinute: perMinute, Now: time.Now}
					if shared {
						dir := t.TempDir()
						// Each time as another process has it.
						return func() *Quota { return (&Quotas{Dir: dir, PerMinute: perMinute, Now: time.Now}).Of("projects/p") }
					}
					return func() *Quota { return one.Of("projects/p/locations/l/buckets/b/views/v") }
				}()
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				history := make([]int, 4)
				for i := range history {
					q := quota()
					wg.Go(func() {
						for q.Take(ctx, Past, nil) == nil {
							history[i]++
						}
					})
				}
				live := quota()
				for range 20 {
					require.NoError(t, pause(ctx, time.Minute/time.Duration(perMinute)*3))
					begin := time.Now()
					require.NoError(t, live.Take(ctx, Live, nil))
					assert.LessOrEqual(t, time.Since(begin), 2*time.Minute/time.Duration(perMinute)+longestLook)
				}
				cancel()
				wg.Wait()
				for _, n := range history {
					assert.Positive(t, n, "and history goes on")
				}
			})
		}
	}
}

// TestQuotaUsedUpByOthers: all processes wait, the longer the more often it happens, and as long as the API says.
func TestQuotaUsedUpByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		one := (&Quotas{Dir: dir, PerMinute: 6000, Now: time.Now}).Of("projects/p")
		other := (&Quotas{Dir: dir, PerMinute: 6000, Now: time.Now}).Of("projects/p")
		waits := func(q *Quota) time.Duration {
			begin := time.Now()
			require.NoError(t, q.Take(t.Context(), Live, nil))
			return time.Since(begin).Round(time.Second)
		}
		assert.Zero(t, waits(one))
		for _, want := range []time.Duration{firstBlock, 2 * firstBlock, 4 * firstBlock, 8 * firstBlock, lastBlock, lastBlock} {
			assert.Equal(t, want, one.refused(0))
			assert.Equal(t, want, waits(other))
		}
		one.answered()
		assert.Equal(t, 17*time.Second, one.refused(17*time.Second))
		assert.Equal(t, 17*time.Second, waits(other))
		assert.Equal(t, longestBlock, one.refused(time.Hour*24))
		assert.EqualValues(t, 8, one.Counters().Refusals)

		ctx, cancel := context.WithCancelCause(t.Context())
		end := errors.New("the end")
		time.AfterFunc(time.Second, func() { cancel(end) })
		assert.ErrorIs(t, other.Take(ctx, Live, nil), end)
	})
}

// TestQuotaFileOfNoUse: requests are made all the same, and it is counted.
func TestQuotaFileOfNoUse(t *testing.T) {
	dir := t.TempDir()
	q := (&Quotas{Dir: dir, PerMinute: 60, Now: time.Now}).Of("projects/p")
	require.NoError(t, os.WriteFile(q.path, []byte("nonsense"), 0o600))
	require.NoError(t, q.Take(t.Context(), Live, nil))
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, q.Take(t.Context(), Live, nil))
	assert.EqualValues(t, 1, q.Counters().Unshared)
	assert.EqualValues(t, 2, q.Counters().Requests)
	assert.NotEqual(t, q, (&Quotas{Dir: dir, PerMinute: 60, Now: time.Now}).Of("folders/1"))
}
