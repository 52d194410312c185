package elastic

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/load"
	"github.com/kubewitness/kubewitness/test/rig/elastic"
)

// program is the command, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "kubewitness-elastic-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "kubewitness")
	out, err := exec.Command("go", "build", "-trimpath", "-o", path, "../../cmd/kubewitness").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// house is a service that indexes, with its folder.
type house struct {
	t      *testing.T
	server *elastic.Server
	binary string
	config string
	cmd    *exec.Cmd
	s      *load.Service
}

// newHouse puts the indices of a namespace up. url is where the service finds the
// server.
func newHouse(t *testing.T, s *elastic.Server, url, namespace string) *house {
	t.Helper()
	binary, err := program()
	require.NoError(t, err)
	h := &house{t: t, server: s, binary: binary}
	h.configure(url, namespace)
	h.run("elastic", "setup")
	return h
}

// configure gives the service a new folder.
func (h *house) configure(url, namespace string) {
	dir := h.t.TempDir()
	h.config = filepath.Join(dir, "kubewitness.yaml")
	require.NoError(h.t, os.WriteFile(h.config, fmt.Appendf(nil, `
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true, default_cluster: prod}
http: {listen: "127.0.0.1:0"}
log: {format: json}
store: {enabled: false}
outputs:
  stdout: {enabled: false}
  elasticsearch: {nodes: [%q], namespace: %s, timeout: 20s}
`, filepath.Join(dir, "data"), url, namespace), 0o600))
}

func (h *house) run(args ...string) string {
	h.t.Helper()
	out, err := h.command(args...).CombinedOutput()
	require.NoError(h.t, err, "%s", out)
	return string(out)
}

// command is one of the program, which hears nothing of what tests are told.
func (h *house) command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.binary, append(args, "--config", h.config)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KUBEWITNESS_") })
	return cmd
}

// start starts the service.
func (h *house) start() {
	h.t.Helper()
	h.cmd = h.command("serve")
	var err error
	h.s, err = load.Start(h.cmd, h.t.Output())
	require.NoError(h.t, err)
	cmd := h.cmd
	h.t.Cleanup(func() { _ = cmd.Process.Kill() })
}

// kill ends the service as a crash would.
func (h *house) kill() {
	require.NoError(h.t, h.cmd.Process.Kill())
	_ = h.s.Stop() // it is dead; waited for
}

// post sends a body until it is acknowledged.
func (h *house) post(body []byte) {
	h.t.Helper()
	var code int
	require.Eventually(h.t, func() bool {
		res, err := http.Post("http://"+h.s.Webhook+"/audit", "application/json", bytes.NewReader(body))
		if err != nil {
			return false
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		code = res.StatusCode
		return code == http.StatusOK
	}, time.Minute, 100*time.Millisecond, "status %d", code)
}

// settled waits until all that was sent is indexed.
func (h *house) settled() {
	h.t.Helper()
	_, err := h.s.Drained()
	require.NoError(h.t, err)
}

// bodies are recorded requests of a webhook: those of the attacks as they came, and
// ordinary events in lists of 400.
func bodies(t *testing.T, ordinary int) (all [][]byte) {
	t.Helper()
	for line := range lines(t, "webhook-bodies-attacks-a.jsonl.gz") {
		all = append(all, line)
	}
	var some [][]byte
	flush := func() {
		all = append(all, slices.Concat([]byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`), bytes.Join(some, []byte(",")), []byte("]}")))
		some = nil
	}
	for line := range lines(t, "normal.jsonl.gz") {
		if some = append(some, line); len(some) == 400 {
			flush()
		}
		if ordinary--; ordinary == 0 {
			break
		}
	}
	if len(some) > 0 {
		flush()
	}
	return all
}

// lines reads a file of the reference data.
func lines(t *testing.T, name string) func(yield func([]byte) bool) {
	f, err := os.Open(corpora.Shared(t, "corpora", name))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return bytes.Lines(text)
}

// identities are those of the events in bodies of the cluster prod, hex digits.
func identities(t *testing.T, bodies [][]byte) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for i, b := range bodies {
		r := audit.NewReader(bytes.NewReader(b), fmt.Sprint("body ", i), audit.Limits{})
		for {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			e.Cluster = "prod"
			id := e.Identity()
			ids[fmt.Sprintf("%x", id[:])] = true
		}
	}
	return ids
}

// call asks the server.
func call(t *testing.T, s *elastic.Server, method, path, body string) (answer map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, res.StatusCode, 300, "%s %s: %s", method, path, text)
	require.NoError(t, json.Unmarshal(text, &answer))
	return answer
}

// indexed are the _ids of a stream, over all its indices, with how often each is there.
func indexed(t *testing.T, s *elastic.Server, stream string) map[string]int {
	t.Helper()
	call(t, s, "POST", "/"+stream+"/_refresh", "")
	found := map[string]int{}
	after := ""
	for {
		body := `{"size":10000,"_source":false,"sort":[{"kubewitness.id":"asc"}]` + after + `}`
		hits := call(t, s, "POST", "/"+stream+"/_search", body)["hits"].(map[string]any)["hits"].([]any)
		for _, h := range hits {
			found[h.(map[string]any)["_id"].(string)]++
		}
		if len(hits) == 0 {
			return found
		}
		last, err := json.Marshal(hits[len(hits)-1].(map[string]any)["sort"])
		require.NoError(t, err)
		after = `,"search_after":` + string(last)
	}
}

// requireIndexed holds that a stream has each document once, and no other.
func requireIndexed(t *testing.T, s *elastic.Server, stream string, ids map[string]bool) {
	t.Helper()
	found := indexed(t, s, stream)
	missing, doubled, strange := 0, 0, 0
	for id := range ids {
		switch n := found[id]; {
		case n == 0:
			missing++
		case n > 1:
			doubled++
		}
	}
	for id := range found {
		if !ids[id] {
			strange++
		}
	}
	require.Zero(t, missing+doubled+strange, "of %d: %d missing, %d doubled, %d nobody sent", len(ids), missing, doubled, strange)
}

// TestServiceIndexesOnce: the attacks and ordinary events through the webhook into
// Elasticsearch, and all of it again after a rollover by a service that has forgotten:
// each identity is one document, as is each detection.
func TestServiceIndexesOnce(t *testing.T) {
	t.Parallel()
	s := server(t)
	ordinary := 6_000
	if os.Getenv("KUBEWITNESS_CRASH") == "1" {
		ordinary = 30_000
	}
	all := bodies(t, ordinary)
	ids := identities(t, all)
	const events, detections = "logs-kubernetes.audit_logs-once", "logs-kubewitness.detections-once"
	h := newHouse(t, s, s.URL, "once")
	h.start()
	begin := time.Now()
	for _, b := range all {
		h.post(b)
	}
	h.settled()
	t.Logf("%d events in %d bodies, indexed after %s", len(ids), len(all), time.Since(begin))
	requireIndexed(t, s, events, ids)
	found := indexed(t, s, detections)
	require.NotEmpty(t, found)
	require.NoError(t, h.s.Stop())

	call(t, s, "POST", "/"+events+"/_rollover", "")
	call(t, s, "POST", "/"+detections+"/_rollover", "")
	h.configure(s.URL, "once") // the ledger of the webhook is gone
	h.start()
	for _, b := range all {
		h.post(b)
	}
	h.settled()
	requireIndexed(t, s, events, ids)
	require.Equal(t, found, indexed(t, s, detections))
	require.NoError(t, h.s.Stop())
}
