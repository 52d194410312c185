package service

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// points are where a process dies by itself, and how often it passes at most before.
var points = []struct {
	name string
	most int
}{
	{"append-acked", 60}, // the store has acknowledged, Append has not returned
	{"settled", 8},       // the handler has written, the cursor has not moved
	{"chunk", 3},         // a large record is stored in part
	{"answer", 60},       // all is on disk, the sender does not know
	{"store/written", 8}, // the embedded store has taken rows, which are not on disk
	{"store/synced", 3},  // they are on disk, the cursor has not moved
	{"store/merge", 3},   // the embedded store's engine is merging files
}

// TestKill kills the service time and again while it is fed, at any moment and, every
// third time, at those that matter, and holds that what was acknowledged arrives:
// 20 times in make integration, 200 times in make crash.
func TestKill(t *testing.T) {
	long(t)
	rounds := 20
	if os.Getenv("KUBEWITNESS_CRASH") == "1" {
		rounds = 200
	}
	k := newKilling(t, uint64(time.Now().UnixNano()))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range uint64(4) {
		m := newMaker(t, k.seed+i)
		wg.Go(func() { k.senders.feed(ctx, m) })
	}
	defer wg.Wait()
	defer stop()
	for round := range rounds {
		switch {
		case round%3 == 0:
			k.atPoint(t, round/3)
		case round%10 == 1:
			k.atStart(t)
		default:
			k.anywhere(t)
		}
	}
	stop()
	wg.Wait()
	k.finish(t, rounds)
}

// killing is a service that is killed and started again on one folder.
type killing struct {
	seed     uint64
	rng      *rand.Rand
	dir      string
	receiver *receiver
	senders  *senders
	config   string
	stdouts  []string // of each process
	file     string   // of the file output
	byPoint  map[string]int
	torn     int // processes that found a record which the one before had not completed
}

func newKilling(t *testing.T, seed uint64) *killing {
	t.Logf("seed %d", seed)
	k := &killing{
		seed: seed, rng: rand.New(rand.NewPCG(seed, 2)), dir: t.TempDir(),
		receiver: newReceiver(t), senders: newSenders(6), byPoint: map[string]int{},
	}
	k.receiver.moody = rand.New(rand.NewPCG(seed, 3))
	k.file = filepath.Join(k.dir, "detections.jsonl")
	k.config = fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true, default_cluster: %s}
http: {listen: "127.0.0.1:0"}
log: {format: json}
rules: {append_fields: [ka.auditid]}
spool: {free_floor: 1MiB}
outputs:
  stdout: {enabled: true}
  file: {path: %s}
  http: {url: "%s/detections"}
`, k.data(), cluster, k.file, k.receiver.URL)
	return k
}

// data is the folder of the service.
func (k *killing) data() string { return filepath.Join(k.dir, "data") }

// plan is that of the next process, with a file of its own as its standard output.
func (k *killing) plan(t *testing.T, tags string, env ...string) plan {
	path := filepath.Join(k.dir, fmt.Sprintf("stdout-%d", len(k.stdouts)))
	f, err := os.Create(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	k.stdouts = append(k.stdouts, path)
	return plan{binary: binary(t, tags), config: k.config, dir: k.dir, env: env, stdout: f}
}

// anywhere kills a serving process at any moment.
func (k *killing) anywhere(t *testing.T) {
	p := start(t, k.plan(t, ""))
	require.NotEmpty(t, p.webhook, "%s", p.log())
	k.senders.use(p)
	p.await(time.Duration(k.rng.Int64N(int64(400 * time.Millisecond))))
	p.kill()
	k.senders.use(nil)
	k.look(p)
	require.True(t, p.killed(), "it ended by itself: %s", p.log())
}

// atStart kills a process that may not serve yet.
func (k *killing) atStart(t *testing.T) {
	p := launch(t, k.plan(t, ""))
	p.await(time.Duration(k.rng.Int64N(int64(400 * time.Millisecond))))
	p.kill()
	require.True(t, p.killed(), "it ended by itself: %s", p.log())
}

// atPoint lets a process run until it dies at one of the points.
func (k *killing) atPoint(t *testing.T, n int) {
	point := points[n%len(points)]
	count := 1 + k.rng.IntN(point.most)
	p := start(t, k.plan(t, "failpoint", fmt.Sprintf("KUBEWITNESS_FAILPOINT=%s:%d", point.name, count)))
	if p.webhook != "" {
		k.senders.use(p)
	}
	died := p.await(patience)
	k.senders.use(nil)
	k.look(p)
	require.True(t, died, "it never passes %s %d times", point.name, count)
	require.True(t, p.killed(), "it ended by itself: %s", p.log())
	k.byPoint[point.name]++
}

// look notes what a process has told.
func (k *killing) look(p *process) {
	if strings.Contains(p.log(), "chunks of a record that was never completed") {
		k.torn++
	}
}

// finish lets the last process hand out what is left, and looks at all that came.
func (k *killing) finish(t *testing.T, rounds int) {
	p := start(t, k.plan(t, ""))
	require.NotEmpty(t, p.webhook, "%s", p.log())
	p.drained(t)
	p.terminate(t)
	k.look(p)

	require.Empty(t, k.senders.wrong)
	ackedIDs, sentIDs, ackedLines, sentLines := k.senders.names()
	require.Greater(t, len(ackedIDs), 2*rounds, "too little was acknowledged to tell anything")
	repeats := requireDelivered(t, "http", ackedIDs, sentIDs, k.receiver.counts())
	out, torn := linesIn(t, k.stdouts...)
	outRepeats := requireDelivered(t, "stdout", ackedLines, sentLines, out)
	file, broken, _ := readLines(t, k.file) // a broken line is closed, and written again
	fileRepeats := requireDelivered(t, "file", ackedLines, sentLines, file)
	kept := k.requireStored(t)
	by := 0
	for _, n := range k.byPoint {
		by += n
	}
	require.GreaterOrEqual(t, 4*by, rounds, "kills at points")
	t.Logf("%d kills, %d of them at points %v; %d bodies acknowledged, %d turned away, %d without answer; %d of %d detections acknowledged; "+
		"repeats: http %d, stdout %d (%d torn lines), file %d (%d torn lines); %d events stored; torn records found %d times",
		rounds, by, k.byPoint, k.senders.counts(http.StatusOK), k.senders.counts(http.StatusTooManyRequests)+k.senders.counts(http.StatusServiceUnavailable),
		k.senders.counts(0), len(ackedIDs), len(sentIDs), repeats, outRepeats, torn, fileRepeats, broken, kept, k.torn)
}
