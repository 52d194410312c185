package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ingest"
)

// taker remembers what it took.
type taker struct {
	lines  []string
	bodies []ingest.Body
	fail   []error // of the next calls; nil: it takes
	stores bool    // what it fails on it takes all the same
}

func (k *taker) Take(_ context.Context, b ingest.Body) (ingest.Receipt, error) {
	var err error
	if len(k.fail) > 0 {
		err, k.fail = k.fail[0], k.fail[1:]
	}
	if err != nil && !k.stores {
		return ingest.Receipt{}, err
	}
	b.Data = bytes.Clone(b.Data)
	k.bodies = append(k.bodies, b)
	n := 0
	for l := range strings.SplitSeq(string(b.Data), "\n") {
		if strings.TrimSpace(l) != "" {
			k.lines = append(k.lines, l)
			n++
		}
	}
	return ingest.Receipt{Events: n}, err
}

// rig is a tail of a log in a temporary folder, driven step by step.
type rig struct {
	t     *testing.T
	dir   string
	log   string
	cfg   Config
	taker *taker
	tail  *Tail
	now   time.Time
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	dir, data := t.TempDir(), t.TempDir()
	r := &rig{t: t, dir: dir, log: filepath.Join(dir, "audit.log"), taker: &taker{}, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	r.cfg = Config{
		Path: r.log, Cluster: "prod", Position: filepath.Join(data, "prod.position"), Taker: r.taker,
		Now: func() time.Time { return r.now }, Poll: time.Second,
	}
	if change != nil {
		change(&r.cfg)
	}
	t.Cleanup(func() { r.stop() })
	return r
}

func fromStart(c *Config) { c.FromStart = true }

// start opens the tail, anew if there is one: nothing is told to the old one, as when
// it is killed.
func (r *rig) start() {
	r.t.Helper()
	r.stop()
	tail, err := New(r.cfg)
	require.NoError(r.t, err)
	r.tail = tail
}

func (r *rig) stop() {
	if r.tail != nil {
		r.tail.close()
	}
	r.tail = nil
}

// step does one step and lets the time pass that it asks for.
func (r *rig) step() time.Duration {
	r.t.Helper()
	wait := r.tail.step(r.t.Context())
	r.now = r.now.Add(wait)
	return wait
}

// settle runs the tail until nothing has happened for a minute.
func (r *rig) settle() {
	r.t.Helper()
	if r.tail == nil {
		r.start()
	}
	for until, steps := r.now.Add(time.Minute), 0; r.now.Before(until); steps++ {
		if r.step() == 0 {
			until = r.now.Add(time.Minute)
		}
		require.Less(r.t, steps, 100_000, "the tail does not come to rest: %+v", r.tail.Status())
	}
}

// line is a line of a log as the API server writes it.
func line(n int) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"%08d","stage":"ResponseComplete","pad":"%s"}`, n, strings.Repeat("x", n*37%400))
}

func lines(from, to int) (all []string) {
	for n := from; n <= to; n++ {
		all = append(all, line(n))
	}
	return all
}

func text(from, to int) string { return strings.Join(lines(from, to), "\n") + "\n" }

func (r *rig) append(path, text string) {
	r.t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(r.t, err)
	_, err = f.WriteString(text)
	require.NoError(r.t, errors.Join(err, f.Close()))
}

// write appends to the log.
func (r *rig) write(text string) { r.t.Helper(); r.append(r.log, text) }

func (r *rig) at(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) rename(from, to string) {
	r.t.Helper()
	require.NoError(r.t, os.Rename(r.at(from), r.at(to)))
}

// copyTruncate copies the log and cuts it off, as logrotate does.
func (r *rig) copyTruncate(to string) {
	r.t.Helper()
	all, err := os.ReadFile(r.log)
	require.NoError(r.t, err)
	require.NoError(r.t, os.WriteFile(r.at(to), all, 0o600))
	require.NoError(r.t, os.Truncate(r.log, 0))
}

func (r *rig) compress(name string) {
	r.t.Helper()
	all, err := os.ReadFile(r.at(name))
	require.NoError(r.t, err)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(all)
	require.NoError(r.t, errors.Join(err, z.Close()))
	require.NoError(r.t, os.WriteFile(r.at(name+".gz"), b.Bytes(), 0o600))
	require.NoError(r.t, os.Remove(r.at(name)))
}
