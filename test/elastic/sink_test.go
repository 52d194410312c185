package elastic

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	sinkelastic "github.com/kubewitness/kubewitness/pkg/sink/elastic"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// sinkEvents are n recorded events of about 3 KB, each another one, with a detection in
// every tenth.
func sinkEvents(t *testing.T, n int) (events []*record.Event) {
	t.Helper()
	f, err := os.Open(filepath.Join(corpora.Root(t), "test", "bench", "testdata", "events-3k.jsonl.gz"))
	require.NoError(t, err)
	defer f.Close()
	var recorded [][]byte
	scan := bufio.NewScanner(audit.Decompress(f))
	scan.Buffer(nil, 1<<24)
	for scan.Scan() {
		recorded = append(recorded, bytes.Clone(scan.Bytes()))
	}
	require.NoError(t, scan.Err())
	for i := range n {
		raw := bytes.Replace(recorded[i%len(recorded)], []byte(`"auditID":"`), fmt.Appendf(nil, `"auditID":"%d-`, i), 1)
		e, err := audit.NewReader(bytes.NewReader(raw), "test", audit.Limits{}).Next()
		require.NoError(t, err)
		r := recordOf(e)
		if i%10 == 0 {
			r.Detections = []match.Detection{{Rule: &rules.Rule{Name: "Tenth", Priority: rules.Notice, Source: "k8s_audit"}, Output: "it was the tenth"}}
		}
		events = append(events, r)
	}
	return events
}

// indexer is a sink and what it says.
type indexer struct {
	*sinkelastic.Sink
	t   *testing.T
	log logged

	mu   sync.Mutex
	dead []string
}

// logged is what a logger writes there.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String gives all of it.
func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newIndexer(t *testing.T, c *elasticsearch.Client, namespace string, change func(*sinkelastic.Config)) *indexer {
	t.Helper()
	x := &indexer{t: t}
	cfg := sinkelastic.Config{
		Client: c, Documents: ecs.Options{Namespace: namespace}, BulkBytes: 1 << 20, Now: time.Now,
		LeastBackoff: 20 * time.Millisecond, MostBackoff: time.Second, SlowRetry: 100 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(&x.log, nil)),
		Dead: func(_ context.Context, _ *record.Event, reason string) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.dead = append(x.dead, reason)
			return nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := sinkelastic.New(cfg)
	require.NoError(t, err)
	x.Sink = s
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return x
}

// put writes events as the log delivers them, and waits until they are settled.
func (x *indexer) put(events []*record.Event) {
	x.t.Helper()
	for len(events) > 0 {
		n := min(len(events), 400)
		require.NoError(x.t, x.Write(x.t.Context(), events[:n]))
		events = events[n:]
	}
	x.settle()
}

// begin has all be sent that was written, and waits for none of it.
func (x *indexer) begin() {
	ended, cancel := context.WithCancel(x.t.Context())
	cancel()
	require.Error(x.t, x.Sync(ended))
}

func (x *indexer) settle() {
	x.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for x.Sync(x.t.Context()) != nil {
		require.True(x.t, time.Now().Before(deadline), "it is never settled: %+v", x.State())
	}
}

// requireOnce holds that both streams have what belongs there, each document once.
func requireOnce(t *testing.T, namespace string, events []*record.Event) {
	t.Helper()
	want, found := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		want[ecs.ID(e)] = true
		for i := range e.Detections {
			found[ecs.DetectionID(e, i)] = true
		}
	}
	requireIndexed(t, server(t), ecs.Stream(ecs.AuditLogs, namespace), want)
	requireIndexed(t, server(t), ecs.Stream(ecs.Detections, namespace), found)
}

func setUp(t *testing.T, c *elasticsearch.Client, namespace string) (events, detections string) {
	t.Helper()
	_, err := setupOf(c, namespace).Run(t.Context())
	require.NoError(t, err)
	return ecs.Stream(ecs.AuditLogs, namespace), ecs.Stream(ecs.Detections, namespace)
}

// TestSinkThroughFaults has a proxy spoil every second bulk request, with rollovers
// between them, and the input come a second time to a sink that knows of nothing.
func TestSinkThroughFaults(t *testing.T) {
	t.Parallel()
	s := server(t)
	direct := open(t, s, nil)
	const namespace = "sink_faults"
	stream, detections := setUp(t, direct, namespace)
	r := rand.New(rand.NewPCG(5, 5))
	p := newProxy(t, s, func(n int) fault {
		if n%2 == 0 {
			return none
		}
		return fault(1 + (n/2+r.IntN(2))%(int(faults)-1))
	})
	rollover := func(which string) { do(t, direct, http.MethodPost, "/"+which+"/_rollover", "", nil) }
	p.before = func(n int) {
		if n == 5 || n == 11 || n == 30 {
			rollover(stream)
			rollover(detections)
		}
	}
	c := open(t, s, func(cfg *elasticsearch.Config) { cfg.Nodes = []string{p.URL} })
	events := sinkEvents(t, 4000)
	x := newIndexer(t, c, namespace, nil)
	x.put(events)
	requireOnce(t, namespace, events)
	first := x.Stats()
	for f, n := range p.met {
		assert.NotZero(t, n, "fault %d never came", f)
	}

	rollover(stream)
	rollover(detections)
	x = newIndexer(t, c, namespace, nil)
	x.put(events)
	requireOnce(t, namespace, events)
	second := x.Stats()
	assert.Zero(t, second.EventsCreated+second.DetectionsCreated)
	assert.Zero(t, first.Dead+second.Dead+first.Reduced+second.Reduced+first.Doubles+second.Doubles)
	t.Logf("%d bulk requests, faults %v; first %+v, second %+v", p.n, p.met, first, second)
}

// TestSinkRollover has all events come again, and a rollover between the moment at which
// the sink looks and the one at which the server creates: the second documents are
// deleted.
func TestSinkRollover(t *testing.T) {
	t.Parallel()
	s := server(t)
	direct := open(t, s, nil)
	const namespace = "sink_rollover"
	stream, detections := setUp(t, direct, namespace)
	events := sinkEvents(t, 300)
	newIndexer(t, direct, namespace, nil).put(events)
	p := newProxy(t, s, func(int) fault { return none })
	p.before = func(n int) {
		if n == 1 {
			do(t, direct, http.MethodPost, "/"+stream+"/_rollover", "", nil)
			do(t, direct, http.MethodPost, "/"+detections+"/_rollover", "", nil)
		}
	}
	x := newIndexer(t, open(t, s, func(cfg *elasticsearch.Config) { cfg.Nodes = []string{p.URL} }), namespace, nil)
	x.put(events)
	requireOnce(t, namespace, events)
	assert.NotZero(t, x.Stats().Removed)
	assert.Zero(t, x.Stats().EventsCreated+x.Stats().DetectionsCreated+x.Stats().Doubles)
	x.put(sinkEvents(t, 600))
	requireOnce(t, namespace, sinkEvents(t, 600))
}

// TestSinkReshapes has documents refused for what is in them.
func TestSinkReshapes(t *testing.T) {
	t.Parallel()
	c := open(t, server(t), nil)
	put := func(namespace, properties string) {
		for _, stream := range []string{ecs.Stream(ecs.AuditLogs, namespace), ecs.Stream(ecs.Detections, namespace)} {
			do(t, c, http.MethodPut, "/_index_template/"+stream, fmt.Sprintf(`{"index_patterns":[%q],"priority":900,"data_stream":{},`+
				`"template":{"settings":{"number_of_replicas":0},"mappings":{"dynamic":false,"properties":%s}}}`, stream, properties), nil)
		}
	}
	t.Run("once", func(t *testing.T) {
		put("sink_reduced", `{"user":{"properties":{"name":{"type":"long"}}},"kubewitness":{"properties":{"id":{"type":"keyword"},"reduced":{"type":"boolean"}}}}`)
		events := sinkEvents(t, 9)[1:]
		x := newIndexer(t, c, "sink_reduced", nil)
		x.put(events)
		assert.EqualValues(t, len(events), x.Stats().Reduced)
		assert.Empty(t, x.dead)
		do(t, c, http.MethodPost, "/"+ecs.Stream(ecs.AuditLogs, "sink_reduced")+"/_refresh", "", nil)
		var count struct{ Count int }
		do(t, c, http.MethodPost, "/"+ecs.Stream(ecs.AuditLogs, "sink_reduced")+"/_count", `{"query":{"term":{"kubewitness.reduced":true}}}`, &count)
		assert.Equal(t, len(events), count.Count)
	})
	t.Run("in every shape", func(t *testing.T) {
		put("sink_dead", `{"kubewitness":{"properties":{"id":{"type":"date"}}}}`)
		x := newIndexer(t, c, "sink_dead", nil)
		x.put(sinkEvents(t, 1))
		require.Len(t, x.dead, 2, "the event and its detection")
		assert.Contains(t, x.dead[0]+x.dead[1], "failed to parse field [kubewitness.id] of type [date]")
	})
}

// TestSinkWaitsForSomebody goes through what only somebody can mend.
func TestSinkWaitsForSomebody(t *testing.T) {
	t.Parallel()
	c := open(t, server(t), nil)
	events := sinkEvents(t, 30)
	told := func(x *indexer, cause sinkelastic.Cause, text string) {
		t.Helper()
		x.begin()
		require.Eventually(t, func() bool { return strings.Contains(x.State().Trouble, text) }, 20*time.Second, 10*time.Millisecond, text)
		assert.Equal(t, cause, x.State().Cause)
	}
	t.Run("no template", func(t *testing.T) {
		const namespace = "sink_nothing"
		x := newIndexer(t, c, namespace, nil)
		require.NoError(t, x.Write(t.Context(), events))
		told(x, sinkelastic.Missing, "run kubewitness elastic setup")
		setUp(t, c, namespace)
		x.settle()
		requireOnce(t, namespace, events)
	})
	t.Run("a blocked index", func(t *testing.T) {
		const namespace = "sink_blocked"
		stream, _ := setUp(t, c, namespace)
		do(t, c, http.MethodPut, "/"+stream+"/_settings", `{"index.blocks.write":true}`, nil)
		x := newIndexer(t, c, namespace, nil)
		require.NoError(t, x.Write(t.Context(), events))
		told(x, sinkelastic.Target, "takes no documents until somebody lets it")
		do(t, c, http.MethodPut, "/"+stream+"/_settings", `{"index.blocks.write":null}`, nil)
		x.settle()
		requireOnce(t, namespace, events)
	})
}

// TestSinkRights indexes with a key that may create documents and nothing else, has the
// key lose its rights, and gives it others.
func TestSinkRights(t *testing.T) {
	t.Parallel()
	s := secureServer(t)
	admin := open(t, s, nil)
	const namespace = "sink_rights"
	stream, detections := setUp(t, admin, namespace)
	key := func(privileges string) (id, encoded string) {
		var made struct{ ID, Encoded string }
		do(t, admin, http.MethodPost, "/_security/api_key", fmt.Sprintf(
			`{"name":"sink","role_descriptors":{"sink":{"indices":[{"names":[%q,%q],"privileges":[%s]}]}}}`, stream, detections, privileges), &made)
		return made.ID, made.Encoded
	}
	id, encoded := key(`"create_doc"`)
	path := file(t, encoded)
	c := open(t, s, func(cfg *elasticsearch.Config) { cfg.Username, cfg.PasswordFile, cfg.APIKeyFile = "", "", path })
	count := func() (n struct{ Count int }) {
		do(t, admin, http.MethodPost, "/"+stream+"/_refresh", "", nil)
		do(t, admin, http.MethodGet, "/"+stream+"/_count", "", &n)
		return n
	}
	events := sinkEvents(t, 60)
	x := newIndexer(t, c, namespace, nil)
	x.put(events[:20])
	assert.Equal(t, 20, count().Count)
	assert.Zero(t, x.Stats().PossibleDoubles)

	do(t, admin, http.MethodDelete, "/_security/api_key", `{"ids":["`+id+`"]}`, nil)
	require.NoError(t, x.Write(t.Context(), events[20:40]))
	x.begin()
	require.Eventually(t, func() bool { return strings.Contains(x.State().Trouble, "does not accept the credential") }, 20*time.Second, 10*time.Millisecond)
	assert.Equal(t, sinkelastic.Rights, x.State().Cause)
	_, encoded = key(`"read"`)
	require.NoError(t, os.WriteFile(path, []byte(encoded), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(x.State().Trouble, "no right to create documents in "+stream) }, 20*time.Second, 50*time.Millisecond)
	_, encoded = key(`"create_doc"`)
	require.NoError(t, os.WriteFile(path, []byte(encoded), 0o600))
	x.settle()
	assert.Equal(t, 40, count().Count)

	do(t, admin, http.MethodPost, "/"+stream+"/_rollover", "", nil)
	x.put(events[:40])
	assert.EqualValues(t, 40, x.Stats().PossibleDoubles, "what cannot be looked for is counted")
	_, encoded = key(`"create_doc","read","view_index_metadata"`)
	require.NoError(t, os.WriteFile(path, []byte(encoded), 0o600))
	able := newIndexer(t, open(t, s, func(cfg *elasticsearch.Config) { cfg.Username, cfg.PasswordFile, cfg.APIKeyFile = "", "", path }), namespace, nil)
	do(t, admin, http.MethodPost, "/"+stream+"/_rollover", "", nil)
	able.put(events)
	assert.EqualValues(t, 20, able.Stats().EventsCreated)
	assert.Equal(t, 100, count().Count)
	assert.NotContains(t, x.log.String(), encoded)
}

// envRate, set to "1", has TestSinkRate judge what it measured, over more documents.
const envRate = "KUBEWITNESS_SINK_RATE"

// TestSinkRate compares the sink with requests that are ready made: the same documents,
// of the same size together, as many at once, to the same server, by turns.
func TestSinkRate(t *testing.T) {
	s := server(t)
	c := open(t, s, nil)
	n, turns := 2000, 2
	if os.Getenv(envRate) == "1" {
		n, turns = 6000, 4
	}
	events := sinkEvents(t, n)
	for _, e := range events {
		e.Detections = nil
	}
	var bare, ours time.Duration
	for turn := range turns + 1 {
		namespace := fmt.Sprintf("sink_rate_%d", turn)
		setUp(t, c, namespace)
		setUp(t, c, namespace+"_bare")
		tookBare := sendBare(t, s.URL, namespace+"_bare", events)
		x := newIndexer(t, c, namespace, func(cfg *sinkelastic.Config) { cfg.BulkBytes, cfg.InFlight = rateBytes, rateInFlight })
		begin := time.Now()
		x.put(events)
		tookOurs := time.Since(begin)
		require.EqualValues(t, n, x.Stats().EventsCreated)
		if turn > 0 { // the first is the server's, to warm up
			bare, ours = bare+tookBare, ours+tookOurs
		}
	}
	ratio := bare.Seconds() / ours.Seconds()
	rate := func(d time.Duration) float64 { return float64(n*turns) / d.Seconds() }
	t.Logf("bare client %.0f documents/s, sink %.0f documents/s: %.0f %%", rate(bare), rate(ours), 100*ratio)
	if os.Getenv(envRate) == "1" {
		assert.GreaterOrEqual(t, ratio, 0.8)
	}
}

const (
	rateBytes    = 4 << 20
	rateInFlight = 3
)

// sendBare sends bulk requests that are made before, and gives the time that they took.
func sendBare(t *testing.T, url, namespace string, events []*record.Event) time.Duration {
	t.Helper()
	var bodies [][]byte
	var body []byte
	o := &ecs.Options{Namespace: namespace}
	for _, e := range events {
		body = append(body, `{"create":{"_id":"`+ecs.ID(e)+`"}}`+"\n"...)
		if body = append(ecs.AppendEvent(body, e, o), '\n'); len(body) > rateBytes-16<<10 {
			bodies, body = append(bodies, body), nil
		}
	}
	if len(body) > 0 {
		bodies = append(bodies, body)
	}
	next := make(chan []byte, len(bodies))
	for _, b := range bodies {
		next <- b
	}
	close(next)
	errs := make(chan error, rateInFlight)
	begin := time.Now()
	for range rateInFlight {
		go func() {
			for b := range next {
				if err := postBulk(url+"/"+ecs.Stream(ecs.AuditLogs, namespace)+"/_bulk?filter_path=errors", b); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range rateInFlight {
		require.NoError(t, <-errs)
	}
	return time.Since(begin)
}

func postBulk(url string, body []byte) error {
	resp, err := http.Post(url, "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var says struct{ Errors *bool }
	if err := json.Unmarshal(answer, &says); err != nil || says.Errors == nil || *says.Errors {
		return errors.New("not all were created: " + string(answer))
	}
	return nil
}
