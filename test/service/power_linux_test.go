package service

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cuts are how many times the power goes in one trace.
const cuts = 16

// TestPowerLoss cuts the power, which kill -9 does not: what a program has written and
// not synced outlives it. The calls of a service under load are recorded, and from them
// the folder is made as it would be after a cut at one moment or another; a service on
// that folder has all that was acknowledged by then.
func TestPowerLoss(t *testing.T) {
	long(t)
	p := newPower(t, uint64(time.Now().UnixNano()))
	p.load(t, binary(t, ""))
	for i, at := range p.moments() {
		lost, err := p.cut(t, at, cutPower{names: i%2 == 0, some: i%4 >= 2})
		require.NoError(t, err)
		assert.Empty(t, lost[:min(10, len(lost))], "cut %d: %d detections of acknowledged events are lost", i, len(lost))
		if t.Failed() {
			return
		}
	}
}

// TestPowerLossWithoutSync: the same with a log that does not sync loses what it has
// acknowledged. So TestPowerLoss can fail.
func TestPowerLossWithoutSync(t *testing.T) {
	long(t)
	p := newPower(t, uint64(time.Now().UnixNano()))
	p.receiver.setRefuse(true) // what came out before the cut would not be lost
	p.load(t, binary(t, "failpoint"), "KUBEWITNESS_FAILPOINT=no-sync")
	at := p.moments()[cuts-1]
	lost, err := p.cut(t, at, cutPower{names: true})
	if err != nil {
		t.Logf("the service does not start on what is left: %v", err)
		return
	}
	require.NotEmpty(t, lost, "the test does not see a log without sync")
	t.Logf("%d detections are lost", len(lost))
}

// power is a service whose calls are recorded, and what came of it.
type power struct {
	rng      *rand.Rand
	dir      string
	root     string // of all files of the service
	receiver *receiver
	senders  *senders
	player   player
}

func newPower(t *testing.T, seed uint64) *power {
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	p := &power{rng: rand.New(rand.NewPCG(seed, 0)), dir: dir, root: filepath.Join(dir, "root"), receiver: newReceiver(t), senders: newSenders(3)}
	require.NoError(t, os.Mkdir(p.root, 0o700))
	return p
}

// config is that of a service below a root. Its file output is there as well.
func (p *power) config(root string, r *receiver) string {
	return fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true, default_cluster: %s}
http: {listen: "127.0.0.1:0"}
log: {format: json}
rules: {append_fields: [ka.auditid]}
spool: {free_floor: 1MiB}
store: {enabled: false}
outputs:
  stdout: {enabled: false}
  file: {path: %s}
  http: {url: "%s/detections"}
`, filepath.Join(root, "data"), cluster, filepath.Join(root, "detections.jsonl"), r.URL)
}

// load runs a service under load, kills it, and reads what it did.
func (p *power) load(t *testing.T, binary string, env ...string) {
	trace := filepath.Join(p.dir, "trace")
	s := start(t, plan{
		binary: binary, dir: p.dir, env: env, config: p.config(p.root, p.receiver),
		under: strace(t, "-ttt", "-T", "-s", "16777216", "-e", "signal=none", "-e", traced, "-o", trace),
	})
	require.NotEmpty(t, s.webhook, "%s", s.log())
	p.senders.use(s)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	seed := p.rng.Uint64()
	for i := range uint64(3) {
		m := newMaker(t, seed+i)
		wg.Go(func() { p.senders.feed(ctx, m) })
	}
	defer wg.Wait()
	defer stop()
	eventually(t, "bodies are acknowledged", func() bool { return p.senders.counts(http.StatusOK) >= 100 })
	s.kill()
	stop()
	wg.Wait()
	require.Empty(t, p.senders.wrong)
	steps, err := readTrace(trace)
	require.NoError(t, err)
	p.player = player{disk: newDisk(p.root), steps: steps}
}

// moments are times to cut the power at, in order: most of them right behind a 200.
func (p *power) moments() (at []time.Time) {
	acks := slices.SortedFunc(maps.Values(p.senders.acked), func(a, b ack) int { return a.at.Compare(b.at) })
	last := acks[len(acks)-1].at
	for range cuts - 1 {
		t := acks[p.rng.IntN(len(acks))].at.Add(time.Microsecond)
		if p.rng.IntN(4) == 0 {
			t = t.Add(time.Duration(p.rng.Int64N(int64(20 * time.Millisecond))))
		}
		at = append(at, t)
	}
	at = append(at, last.Add(time.Microsecond))
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// cut makes the folder as it was when the power went, starts a service on it, and
// gives what was acknowledged by then and came neither before nor comes now. Its error
// is that the service does not start.
func (p *power) cut(t *testing.T, at time.Time, how cutPower) (lost []string, err error) {
	t.Helper()
	require.NoError(t, p.player.until(at))
	root := t.TempDir()
	require.NoError(t, p.player.disk.image(root, how, p.rng))
	r := newReceiver(t)
	s := start(t, plan{binary: binary(t, ""), dir: t.TempDir(), config: p.config(root, r)})
	if s.webhook == "" {
		return nil, fmt.Errorf("%s", s.log())
	}
	s.drained(t)
	s.terminate(t)
	posted := r.counts()
	for id := range p.receiver.before(at) {
		posted[id]++
	}
	lines, broken, _ := readLines(t, filepath.Join(root, "detections.jsonl"))
	acked := 0
	for id, a := range p.senders.acked {
		if !a.at.Before(at) {
			continue
		}
		acked++
		if posted[id] == 0 {
			lost = append(lost, "http: "+id)
		}
		if lines[a.line] == 0 {
			lost = append(lost, "file: "+a.line)
		}
	}
	for id := range posted {
		require.Contains(t, p.senders.sent, id)
	}
	t.Logf("%+v: %d detections acknowledged, %d came before the cut, %d after it; %d torn lines", how, acked, len(p.receiver.before(at)), len(r.counts()), broken)
	return lost, nil
}
