package service

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// statefulRules are of each kind, but for silence, which goes by the clock as well.
const statefulRules = `
- rule: Refused Often
  desc: d
  condition: ka.response.code = 403
  kw_threshold: {count: 4, within: 2m, by: ka.user.name}
  output: "%ka.user.name %kw.correlate.count"
  priority: WARNING
  source: k8s_audit
  skip-if-unknown-filter: true
- rule: Many Secrets
  desc: d
  condition: ka.target.resource = secrets
  kw_threshold: {count: 5, within: 3m, by: ka.user.name, distinct: ka.target.name, suppress: 10m}
  output: "%ka.user.name %kw.correlate.count"
  priority: WARNING
  source: k8s_audit
  skip-if-unknown-filter: true
- rule: Refused Then Created
  desc: d
  condition: ka.verb exists
  kw_sequence: {within: 1m, by: ka.user.name, steps: [{condition: ka.response.code = 403}, {condition: ka.verb = create and ka.response.code = 201}]}
  output: "%ka.user.name %kw.correlate.values"
  priority: WARNING
  source: k8s_audit
  skip-if-unknown-filter: true
- rule: New Name
  desc: d
  condition: ka.verb = get
  kw_new_terms: {fields: ka.target.name, by: ka.user.name, within: 2d, learning: 0s}
  output: "%ka.user.name %kw.correlate.values"
  priority: WARNING
  source: k8s_audit
  skip-if-unknown-filter: true
- rule: Never Completed
  desc: d
  condition: ka.verb = patch
  kw_absence: {completion: {patch: 1m}}
  output: "%ka.user.name %kw.correlate.values"
  priority: WARNING
  source: k8s_audit
  skip-if-unknown-filter: true
`

// statefulBodies are bodies that make the rules fire, some of them late.
func statefulBodies(rng *rand.Rand, begin time.Time, bodies int) (out [][]byte) {
	n := 0
	for b := range bodies {
		var items []string
		for range 1 + rng.IntN(12) {
			n++
			at := begin.Add(time.Duration(b)*40*time.Second + time.Duration(rng.IntN(60000))*time.Millisecond)
			if rng.IntN(6) == 0 {
				at = at.Add(-time.Duration(rng.IntN(180)) * time.Second)
			}
			verb, code, stage := []string{"get", "create", "patch"}[rng.IntN(3)], 200, "ResponseComplete"
			switch {
			case rng.IntN(3) == 0:
				code = 403
			case verb == "create":
				code = 201
			case verb == "patch" && rng.IntN(2) == 0:
				stage = "RequestReceived"
			}
			items = append(items, fmt.Sprintf(`{"level":"Metadata","auditID":"id-%d","stage":%q,"requestURI":"/api/v1/x/%d","verb":%q,"user":{"username":"user-%d"},`+
				`"objectRef":{"resource":"secrets","namespace":"shop","name":"name-%d"},"responseStatus":{"code":%d},"requestReceivedTimestamp":%q,"stageTimestamp":%q}`,
				n, stage, n, verb, rng.IntN(4), rng.IntN(12), code, at.UTC().Format(time.RFC3339Nano), at.UTC().Format(time.RFC3339Nano)))
		}
		out = append(out, []byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`+strings.Join(items, ",")+`]}`))
	}
	return out
}

// correlated is a service on a folder whose rules are about several events.
type correlated struct {
	dir, data, file string
	plan            plan
}

func newCorrelated(t *testing.T) *correlated {
	dir := t.TempDir()
	c := &correlated{dir: dir, data: filepath.Join(dir, "data"), file: filepath.Join(dir, "detections.jsonl")}
	rules := filepath.Join(dir, "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte(statefulRules), 0o600))
	c.plan = plan{binary: binary(t, ""), dir: dir, config: fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true, default_cluster: %s}
http: {listen: "127.0.0.1:0"}
log: {format: json}
rules: {paths: [%s], watch: false, append_fields: [ka.auditid]}
spool: {free_floor: 1MiB}
outputs:
  stdout: {enabled: false}
  file: {path: %s}
`, c.data, cluster, rules, c.file)}
	return c
}

// give posts a body until it is acknowledged; false when the process has ended.
func (c *correlated) give(t *testing.T, p *process, body []byte) bool {
	for {
		code, _, _ := exchange(t.Context(), p, body)
		switch {
		case code == http.StatusOK:
			return true
		case p.await(20 * time.Millisecond):
			return false
		}
	}
}

// end lets a process do what is left, and ends it.
func (c *correlated) end(t *testing.T) {
	p := start(t, c.plan)
	require.NotEmpty(t, p.webhook, "%s", p.log())
	p.drained(t)
	p.terminate(t)
}

// found is what the store has from the rules: ID of the finding to rule, output and the
// audit ID of the event. It must have nothing twice.
func (c *correlated) found(t *testing.T) (found map[string]string, events int) {
	t.Helper()
	found = map[string]string{}
	for _, e := range c.search(t, "--detections") {
		require.Len(t, e.Detections, 1, e.ID)
		require.NotContains(t, found, e.ID, "it is there twice")
		found[e.ID] = e.Detections[0].Rule + ": " + e.Detections[0].Output
	}
	return found, len(c.search(t))
}

type searched struct {
	ID         string
	Detections []struct{ Rule, Output string }
}

func (c *correlated) search(t *testing.T, flags ...string) (out []searched) {
	t.Helper()
	args := append([]string{"search", "", "--data", c.data, "--from", "2000-01-01T00:00:00Z", "--limit", "1000000", "--output", "json"}, flags...)
	cmd := exec.Command(binary(t, ""), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	data, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e searched
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		out = append(out, e)
	}
	return out
}

// TestKilledCorrelation kills a service whose rules are about several events ten times,
// at any moment and at those that matter: what is found is what one finds that nobody
// disturbs, each finding is in the store once, and at an output at least once.
func TestKilledCorrelation(t *testing.T) {
	long(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	bodies := statefulBodies(rng, time.Now().Add(-3*time.Hour), 140)

	calm := newCorrelated(t)
	p := start(t, calm.plan)
	require.NotEmpty(t, p.webhook, "%s", p.log())
	for _, b := range bodies {
		require.True(t, calm.give(t, p, b), "%s", p.log())
	}
	p.drained(t)
	p.terminate(t)
	calm.end(t) // with what the end held back
	want, wantEvents := calm.found(t)
	byRule := map[string]int{}
	for _, text := range want {
		rule, _, _ := strings.Cut(text, ":")
		byRule[rule]++
	}
	require.Len(t, byRule, 5, "each rule fires: %v", byRule)

	rough := newCorrelated(t)
	at, kills := 0, 0
	for _, point := range []string{"correlate/judged", "", "correlate/appended", "correlate/handled", "", "correlate/saved", "synced", "correlate/appended", "", "correlate/judged"} {
		plan := rough.plan
		if point != "" {
			times := 1
			if strings.HasPrefix(point, "correlate/") && point != "correlate/saved" { // the others are passed each few seconds
				times += rng.IntN(3)
			}
			plan.binary = binary(t, "failpoint")
			plan.env = []string{fmt.Sprintf("KUBEWITNESS_FAILPOINT=%s:%d", point, times)}
		}
		p := start(t, plan)
		until := min(len(bodies), at+8+rng.IntN(8))
		for p.webhook != "" && at < until && rough.give(t, p, bodies[at]) {
			at++
		}
		if point == "" || !p.await(4*time.Second) {
			p.await(time.Duration(rng.IntN(800)) * time.Millisecond)
			p.kill()
		}
		<-p.ended
		require.True(t, p.killed(), "it ended by itself: %s", p.log())
		kills++
	}
	p = start(t, rough.plan)
	for ; at < len(bodies); at++ {
		require.True(t, rough.give(t, p, bodies[at]), "%s", p.log())
	}
	p.drained(t)
	p.terminate(t)
	rough.end(t)
	got, gotEvents := rough.found(t)
	require.Equal(t, want, got)
	require.Equal(t, wantEvents, gotEvents, "findings are no events")

	written := rough.written(t)
	for id, text := range want {
		require.Contains(t, written, text, "finding %s", id)
	}
	for _, text := range written {
		require.True(t, slices.Contains(values(want), text), "%s was found by nobody", text)
	}
	t.Logf("%d kills, %d findings of %d events: %v", kills, len(got), gotEvents, byRule)
}

func values(m map[string]string) (out []string) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// written is what the file output has, as rule and output.
func (c *correlated) written(t *testing.T) (out []string) {
	t.Helper()
	f, err := os.Open(c.file)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var line struct{ Rule, Output string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // broken by a kill, and written again
		}
		_, output, _ := strings.Cut(line.Output, "Warning ")
		out = append(out, line.Rule+": "+output)
	}
	return out
}
