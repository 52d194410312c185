package apiserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/rig"
)

// traffic is requests that several people send at the same time.
type traffic struct {
	t    *testing.T
	cast rig.Cast
	ends chan error
	n    int // people
	sent atomic.Int64
}

func newTraffic(t *testing.T, c *rig.Cluster) *traffic {
	return &traffic{t: t, cast: c.Cast(), ends: make(chan error)}
}

// play sends lists of requests, one after the other, until there is none.
func (tr *traffic) play(next func(n int) []rig.Step) {
	tr.n++
	go func() {
		for n := 1; ; n++ {
			steps := next(n)
			if steps == nil {
				tr.ends <- nil
				return
			}
			played, err := tr.cast.Play(tr.t.Context(), steps)
			tr.sent.Add(int64(len(played)))
			if err != nil {
				tr.ends <- err
				return
			}
		}
	}()
}

// once sends a list of requests.
func (tr *traffic) once(steps []rig.Step) {
	tr.play(func(n int) []rig.Step {
		if n == 1 {
			return steps
		}
		return nil
	})
}

// days are ordinary days, each in a namespace of its own, until the context ends.
func (tr *traffic) days(ctx context.Context, name string) {
	tr.play(func(n int) []rig.Step {
		if ctx.Err() != nil {
			return nil
		}
		return rig.Ordinary(fmt.Sprintf("%s-%d", name, n))
	})
}

// wait waits until all have sent what they had to.
func (tr *traffic) wait() {
	tr.t.Helper()
	for ; tr.n > 0; tr.n-- {
		assert.NoError(tr.t, <-tr.ends)
	}
}

var givenUp = regexp.MustCompile(`Error in audit plugin 'webhook' affecting (\d+) audit events`)

// lostByWebhook is how many events an API server says that its webhook has lost, which
// it still does at its end, when its metrics are gone.
func lostByWebhook(t *testing.T, c *rig.Cluster) (n int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.Dir, "kube-apiserver.log"))
	require.NoError(t, err)
	for _, m := range givenUp.FindAllSubmatch(b, -1) {
		k, err := strconv.Atoi(string(m[1]))
		require.NoError(t, err)
		n += k
	}
	return n
}
