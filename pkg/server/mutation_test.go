package server

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mutationRules = `
- macro: trusted
  condition: (ka.user.name = nobody)
- rule: Changed
  desc: An object was changed.
  condition: ka.stage = RequestReceived and kw.annotations[admission.kubewitness.io/mutated-by] exists
  output: changed by %kw.annotations[admission.kubewitness.io/mutated-by] for %ka.user.name %kw.annotations[admission.kubewitness.io/patch]
  priority: NOTICE
  source: k8s_audit
`

const mutations = `
mutate:
  - name: proxy
    condition: not trusted
    containers:
      - {name: proxy, image: p, env: [{name: DB_PASSWORD, value: in-the-file-it-stands}, {name: MODE, value: quiet-please}]}
  - name: variables
    condition: not trusted
    env: {add: [{name: API_TOKEN, value: another-secret-of-the-file}]}
`

// mutate sends a review about a pod, and gives the patch.
func (s *service) mutate(t *testing.T, body string) string {
	t.Helper()
	res, err := http.Post("http://"+s.AdmissionAddr()+"/mutate/prod?timeout=1m", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", b)
	var answer struct {
		Response struct {
			Allowed bool
			Patch   []byte
		}
	}
	require.NoError(t, json.Unmarshal(b, &answer))
	assert.True(t, answer.Response.Allowed)
	return string(answer.Response.Patch)
}

// TestObjectsAreChanged: the answer has the patch, the event has it without its secrets, and the
// file in force is exchanged while the service runs, as are the macros in its conditions.
func TestObjectsAreChanged(t *testing.T) {
	cfg := testConfig(t)
	dir := t.TempDir()
	cfg.Admission.Listen, cfg.Admission.Insecure, cfg.Admission.Deadline = "127.0.0.1:0", true, time.Minute
	cfg.Rules.Paths, cfg.Rules.Watch = []string{filepath.Join(dir, "rules.yaml")}, true
	cfg.Admission.Mutate = filepath.Join(dir, "mutate.yaml")
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("rules.yaml", mutationRules)
	write("mutate.yaml", mutations)
	s := start(t, cfg)
	s.until(t, "it gets ready", func() bool { code, _ := s.get(t, "/readyz"); return code == http.StatusOK })

	patch := s.mutate(t, privilegedPod("u-1", "shop"))
	assert.Contains(t, patch, `{"name":"DB_PASSWORD","value":"in-the-file-it-stands"}`)
	assert.Contains(t, patch, "another-secret-of-the-file")
	s.until(t, "the event comes out", func() bool { return strings.Contains(s.out.String(), "changed by proxy,variables for jane") })
	assert.Contains(t, s.out.String(), "quiet-please")
	assert.Contains(t, s.out.String(), "__REDACTED__")
	for _, secret := range []string{"in-the-file-it-stands", "another-secret-of-the-file"} {
		assert.NotContains(t, s.out.String()+s.told.String(), secret)
	}
	assert.Empty(t, s.mutate(t, strings.Replace(privilegedPod("u-2", "shop"), "jane", "nobody", 1)))
	assert.Empty(t, s.mutate(t, strings.Replace(privilegedPod("u-3", "shop"), `"containers":[`, `"containers":["",`, 1)), "no pod")
	for _, line := range []string{
		`kubewitness_mutation_patched_total 1`, `kubewitness_mutation_unchanged_total 1`, `kubewitness_mutation_failures_total{reason="shape"} 1`,
		`kubewitness_mutation_entry_changes_total{entry="proxy"} 1`, `kubewitness_mutation_entries 2`, `kubewitness_mutation_decision_seconds_count 3`,
		`kubewitness_ingest_events_total{cluster="prod",source="mutation"} 1`,
	} {
		s.until(t, line, func() bool { return s.metric(t, line) })
	}

	write("mutate.yaml", "mutate: [{name: proxy}]\n")
	s.until(t, "errors are told", func() bool { return s.metric(t, "kubewitness_mutation_reload_failing 1") })
	assert.Contains(t, s.told.String(), "does nothing")
	assert.NotEmpty(t, s.mutate(t, privilegedPod("u-4", "shop")), "the old one stays in force")
	write("mutate.yaml", "mutate: [{name: label, condition: not trusted, labels: {add: {a: b}}}]\n")
	s.until(t, "changes are noticed", func() bool { return s.metric(t, "kubewitness_mutation_reload_failing 0") })
	assert.Equal(t, `[{"op":"add","path":"/metadata","value":{"labels":{"a":"b"}}}]`, s.mutate(t, privilegedPod("u-5", "shop")))
	write("rules.yaml", strings.Replace(mutationRules, "nobody", "jane", 1))
	s.until(t, "other macros make another condition", func() bool { return s.metric(t, "kubewitness_mutation_reloads_total 2") })
	assert.Empty(t, s.mutate(t, privilegedPod("u-6", "shop")))
	require.NoError(t, s.stop())
}

// TestNoMutationsNoService: a service whose file has errors does not begin.
func TestNoMutationsNoService(t *testing.T) {
	cfg := testConfig(t)
	cfg.Admission.Listen, cfg.Admission.Insecure = "127.0.0.1:0", true
	cfg.Admission.Mutate = filepath.Join(t.TempDir(), "mutate.yaml")
	require.NoError(t, os.WriteFile(cfg.Admission.Mutate, []byte("mutate: [{}]"), 0o600))
	_, err := New(t.Context(), cfg, Options{})
	assert.ErrorContains(t, err, "mutate.yaml:1:10: has no name")
}
