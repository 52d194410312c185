package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

const privilegedRule = `
- rule: Privileged
  desc: A container runs privileged. It owns its node.
  condition: ka.stage = ResponseComplete and kw.pod.containers.privileged intersects (true)
  output: privileged pod by %ka.user.name
  priority: WARNING
  source: k8s_audit
  tags: [T1611]
`

const denying = `
contact: "ask in #platform"
enforce:
  - {rule: Privileged, action: warn, namespaces: [dev]}
  - {rule: Privileged, action: deny}
exceptions:
  - {rule: Privileged, namespaces: [kube-agents], owner: ops, reason: agents, expires: 2026-12-31}
`

// privilegedPod is a review of one.
func privilegedPod(uid, namespace string) string {
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":%q,"operation":"CREATE","name":"web","namespace":%q,`+
		`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"userInfo":{"username":"jane"},`+
		`"object":{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"name":"c","image":"nginx","securityContext":{"privileged":true},"args":["--token=abcdef0123456789abcdef0123456789"]}]}}}}`, uid, namespace)
}

// admissionConfig is that of a service which answers reviews.
func admissionConfig(t *testing.T, enforcement string) (rulesFile, file string) {
	t.Helper()
	dir := t.TempDir()
	rulesFile, file = filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "enforce.yaml")
	require.NoError(t, os.WriteFile(rulesFile, []byte(privilegedRule), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(enforcement), 0o600))
	return rulesFile, file
}

func (s *service) review(t *testing.T, body string) (int, string) {
	t.Helper()
	res, err := http.Post("http://"+s.AdmissionAddr()+"/admission/prod?timeout=1m", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

// TestReviewsAreAnswered: a denial reaches the API server and the outputs, the file in force is
// exchanged while it runs, and a bad one is not.
func TestReviewsAreAnswered(t *testing.T) {
	cfg := testConfig(t)
	cfg.Admission.Listen, cfg.Admission.Insecure = "127.0.0.1:0", true
	cfg.Admission.Deadline = time.Minute
	cfg.Rules.Paths[0], cfg.Admission.Enforcement = admissionConfig(t, denying)
	s := start(t, cfg)
	s.until(t, "it gets ready", func() bool { code, _ := s.get(t, "/readyz"); return code == http.StatusOK })

	code, answer := s.review(t, privilegedPod("u-1", "shop"))
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, answer, `"uid":"u-1","allowed":false,"status":{"status":"Failure","message":"kubewitness: Privileged: jane (person) was refused creating pod shop/web`)
	assert.Contains(t, answer, `A container runs privileged. For an exception: ask in #platform."`)
	code, answer = s.review(t, privilegedPod("u-2", "dev"))
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, answer, `"allowed":true,"warnings":["kubewitness: Privileged: pods/dev/web (nginx): A container runs privileged. For an exception: ask in #platform"]`)
	code, _ = s.review(t, "{}")
	assert.Equal(t, http.StatusBadRequest, code)
	for _, verdict := range []string{"deny", "warn"} {
		s.until(t, "the detection comes out: "+verdict, func() bool { return strings.Contains(s.out.String(), `"kw.verdict":"`+verdict+`"`) })
	}
	for _, line := range []string{
		`kubewitness_admission_denied_total 1`, `kubewitness_admission_warned_total 1`, `kubewitness_admission_allowed_total 1`,
		`kubewitness_admission_answers_total{code="200"} 2`, `kubewitness_admission_answers_total{code="400"} 1`,
		`kubewitness_admission_unproved_denials_total 0`, `kubewitness_admission_answer_seconds_count 2`,
		`kubewitness_ingest_events_total{cluster="prod",source="admission"} 2`, `kubewitness_enforcement_exceptions 1`,
	} {
		s.until(t, line, func() bool { return s.metric(t, line) })
	}

	require.NoError(t, os.WriteFile(cfg.Admission.Enforcement, []byte("enforce: [{rule: Nowhere, action: deny}]\n"), 0o600))
	s.until(t, "errors are told", func() bool { return s.metric(t, "kubewitness_enforcement_reload_failing 1") })
	assert.Contains(t, s.told.String(), `there is no rule`)
	_, answer = s.review(t, privilegedPod("u-3", "shop"))
	assert.Contains(t, answer, `"allowed":false`, "the old one stays in force")
	require.NoError(t, os.WriteFile(cfg.Admission.Enforcement, []byte("# all is observed\n"), 0o600))
	s.until(t, "changes are noticed", func() bool { return s.metric(t, "kubewitness_enforcement_reload_failing 0") })
	_, answer = s.review(t, privilegedPod("u-4", "shop"))
	assert.Equal(t, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-4","allowed":true}}`, answer)
	require.NoError(t, s.stop())
	assert.NotContains(t, s.told.String(), "not stored")
}

// newDecider is one on the rule and an enforcement.
func newDecider(t *testing.T, enforcement string, dryRun bool, at *time.Time) *decider {
	t.Helper()
	set, err := ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(privilegedRule)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	compiled, err := judge.Compile(set, judge.Options{})
	require.NoError(t, err)
	red, err := redact.New(redact.Config{})
	require.NoError(t, err)
	_, file := admissionConfig(t, enforcement)
	d := &decider{judge: judge.New(compiled, red, "host"), file: file, dryRun: dryRun, logger: slog.New(slog.DiscardHandler), now: func() time.Time { return *at }}
	require.NoError(t, d.read())
	return d
}

// TestDecider: what is answered, and what the record says of it, before and after an
// exception expires.
func TestDecider(t *testing.T) {
	now := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, tt := range []struct {
		name, namespace    string
		dryRun             bool
		after              time.Duration
		denied             bool
		warnings           int
		verdict, exception any
	}{
		{"denied", "shop", false, 0, true, 0, "deny", nil},
		{"warned", "dev", false, 0, false, 1, "warn", nil},
		{"excepted", "kube-agents", false, 0, false, 0, "excepted", "ops: agents, until 2027-01-01T00:00:00Z"},
		{"excepted no more", "kube-agents", false, time.Second, true, 0, "deny", nil},
		{"a dry run denies nothing", "shop", true, 0, false, 0, "would-deny", nil},
		{"and warns of nothing", "dev", true, 0, false, 0, "would-warn", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := now.Add(tt.after)
			d := newDecider(t, denying, tt.dryRun, &at)
			e, err := admission.Event([]byte(privilegedPod("u", tt.namespace)), admission.Origin{Cluster: "prod", Received: at})
			require.NoError(t, err)
			j := d.Review(e, e.Identity())
			assert.Equal(t, tt.denied, j.Verdict.Denied)
			assert.Len(t, j.Verdict.Warnings, tt.warnings)
			assert.NotContains(t, j.Verdict.Message, "abcdef0123456789", "what is told is what is stored")
			out, errs := record.Decode(record.Stored{Source: "admission", Items: []record.Item{j.Item}})
			require.Empty(t, errs)
			require.Len(t, out[0].Detections, 1)
			fields := map[string]any{}
			for _, f := range out[0].Detections[0].Fields {
				fields[f.Key] = f.Value
			}
			assert.Equal(t, tt.verdict, fields["kw.verdict"])
			assert.Equal(t, tt.exception, fields["kw.exception"])
			assert.Equal(t, audit.OutcomeAllowed, out[0].Event.Answer().What.Outcome, "the verdict is the handler's to add")
		})
	}
}

// TestStandingViolationIsLetGo: what was so before can be labelled and let go of; what is made of
// it anew is denied.
func TestStandingViolationIsLetGo(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	const old = `,"oldObject":{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"name":"c","image":"nginx","securityContext":{"privileged":true},"args":["--token=abcdef0123456789abcdef0123456789"]}]}}}}`
	for _, tt := range []struct {
		name, from, to string
		dryRun         bool
		denied         bool
		verdict        string
	}{
		{"a label", `"spec"`, `"metadata":{"labels":{"a":"b"}},"spec"`, false, false, "standing"},
		{"a label, in a dry run", `"spec"`, `"metadata":{"labels":{"a":"b"}},"spec"`, true, false, "standing"},
		{"another image", `nginx`, `evil`, false, true, "deny"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecider(t, denying, tt.dryRun, &at)
			body := strings.Replace(strings.Replace(privilegedPod("u", "shop"), "CREATE", "UPDATE", 1), tt.from, tt.to, 1)
			e, err := admission.Event([]byte(strings.TrimSuffix(body, "}}")+old), admission.Origin{Cluster: "prod", Received: at})
			require.NoError(t, err)
			before := d.judge.Counters().Events
			j := d.Review(e, e.Identity())
			assert.Equal(t, tt.denied, j.Verdict.Denied)
			assert.Equal(t, before+1, d.judge.Counters().Events, "the object before is no event")
			out, errs := record.Decode(record.Stored{Source: "admission", Items: []record.Item{j.Item}})
			require.Empty(t, errs)
			require.Len(t, out[0].Detections, 1)
			assert.Contains(t, out[0].Detections[0].Fields, match.OutputField{Key: verdictField, Value: tt.verdict})
			if !tt.denied && !tt.dryRun {
				assert.Equal(t, []string{"kubewitness: Privileged: pods/shop/web (nginx): let through, since it was so before: A container runs privileged. For an exception: ask in #platform"}, j.Verdict.Warnings)
			}
		})
	}
}

// TestLabelsThatNobodyReads: a file that asks for labels of namespaces says so where nobody reads them.
func TestLabelsThatNobodyReads(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	d := newDecider(t, "enforce:\n  - {rule: Privileged, action: deny, namespace_labels: {env: prod}}\n", false, &at)
	for _, read := range []bool{false, true} {
		var told strings.Builder
		d.logger, d.labelled = slog.New(slog.NewTextHandler(&told, nil)), read
		require.NoError(t, d.read())
		assert.Equal(t, !read, strings.Contains(told.String(), "namespace_labels holds for requests that write namespaces, and for nothing in them"))
		assert.Equal(t, !read, strings.Contains(told.String(), "lines=[2]"))
	}
}

// TestNamespacesOfNobody: a kubeconfig that is not there is an error of the configuration, and a cluster
// that is not listed has no labels.
func TestNamespacesOfNobody(t *testing.T) {
	_, err := newNamespaces([]config.Namespaces{{Cluster: "prod", Kubeconfig: filepath.Join(t.TempDir(), "nowhere")}}, slog.New(slog.DiscardHandler))
	assert.ErrorContains(t, err, "admission.namespaces: cluster prod: ")
	none, err := newNamespaces(nil, nil)
	require.NoError(t, err)
	assert.False(t, none.Watches("prod"))
}
