package server

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const twiceRule = privilegedRule + `
- rule: Twice
  desc: d
  condition: ka.verb = create and ka.target.resource = pods
  kw_threshold: {count: 2, within: 1h, by: ka.user.name, suppress: 30d}
  output: twice by %ka.user.name (%kw.correlate.count)
  priority: WARNING
  source: k8s_audit
  skip-if-unknown-filter: true

- rule: Made
  desc: d
  condition: ka.verb = create and ka.response.code = 201
  output: made by %ka.user.name, reviewed as %kw.admission.uid
  priority: NOTICE
  source: k8s_audit
  skip-if-unknown-filter: true
`

// auditOf is what the API server's audit log has of what privilegedPod made.
func auditOf(id, namespace string, received time.Time) string {
	const stamp = time.RFC3339Nano
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":%q,"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/%s/pods",`+
		`"verb":"create","user":{"username":"jane"},"objectRef":{"resource":"pods","namespace":%q,"name":"web","apiVersion":"v1"},"responseStatus":{"code":201},`+
		`"requestObject":{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"name":"c","image":"nginx","securityContext":{"privileged":true}}]}},`+
		`"requestReceivedTimestamp":%q,"stageTimestamp":%q,"annotations":{"authorization.k8s.io/decision":"allow"}}`,
		id, namespace, namespace, received.UTC().Format(stamp), time.Now().UTC().Format(stamp))
}

// TestOneRequestIsToldOnce: what a review and an audit event both are comes out once and counts
// once, what only one of them is comes out, too, and each leads to the other.
func TestOneRequestIsToldOnce(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, os.WriteFile(cfg.Rules.Paths[0], []byte(twiceRule), 0o600))
	cfg.Admission.Listen, cfg.Admission.Insecure = "127.0.0.1:0", true
	cfg.Admission.Deadline = time.Minute
	s := start(t, cfg)
	s.until(t, "it gets ready", func() bool { code, _ := s.get(t, "/readyz"); return code == http.StatusOK })
	both := func(uid, id, namespace string) {
		received := time.Now()
		code, answer := s.review(t, privilegedPod(uid, namespace))
		require.Equal(t, http.StatusOK, code, answer)
		require.Equal(t, http.StatusOK, s.post(t, "/", auditOf(id, namespace, received)))
	}
	line := func(text string) { s.until(t, text, func() bool { return s.metric(t, text) }) }

	both("u-1", "a-1", "shop")
	line("kubewitness_admission_joined_total 1")
	line(`kubewitness_sink_joined_detections_total{sink="stdout"} 1`)
	line("kubewitness_correlate_events_total 2")
	assert.NotContains(t, s.out.String(), "twice by", "it was one request")
	s.until(t, "what only the audit event tells comes out", func() bool { return strings.Contains(s.out.String(), "made by jane, reviewed as u-1") })
	both("u-2", "a-2", "stage")
	s.until(t, "the second one counts", func() bool { return strings.Contains(s.out.String(), "twice by jane (2)") })
	line(`kubewitness_sink_joined_detections_total{sink="stdout"} 2`)
	assert.Equal(t, 2, strings.Count(s.out.String(), "privileged pod by jane"))
	line("kubewitness_admission_ambiguous_total 0")

	var found string
	s.until(t, "a search finds both", func() bool {
		_, found = s.get(t, "/api/v1/events?since=1h&q=kw.admission.uid+%3D+u-1")
		return strings.Contains(found, `"hits":2`)
	})
	assert.Equal(t, 2, strings.Count(found, `"review_uid":"u-1"`))
	assert.Equal(t, 1, strings.Count(found, `"told":["Privileged"]`))
	require.NoError(t, s.stop())
}

// TestRestartBetweenReviewAndAuditEvent: the store knows the review. Without one nothing is known
// of it any more, and its detection is told again rather than not at all.
func TestRestartBetweenReviewAndAuditEvent(t *testing.T) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprintf("store %t", kept), func(t *testing.T) {
			cfg := testConfig(t)
			require.NoError(t, os.WriteFile(cfg.Rules.Paths[0], []byte(privilegedRule), 0o600))
			cfg.Admission.Listen, cfg.Admission.Insecure = "127.0.0.1:0", true
			cfg.Admission.Deadline = time.Minute
			cfg.Store.Enabled = kept
			received := time.Now()
			first := start(t, cfg)
			first.review(t, privilegedPod("u-1", "shop"))
			first.until(t, "it is told", func() bool { return strings.Contains(first.out.String(), "privileged pod by jane") })
			if kept {
				first.until(t, "it is kept", func() bool {
					_, found := first.get(t, "/api/v1/events?since=1h&q=kw.admission.uid+%3D+u-1")
					return strings.Contains(found, `"hits":1`)
				})
			}
			require.NoError(t, first.stop())
			second := start(t, cfg)
			require.Equal(t, http.StatusOK, second.post(t, "/", auditOf("a-1", "shop", received)))
			if kept {
				second.until(t, "it is left out", func() bool { return second.metric(t, `kubewitness_sink_joined_detections_total{sink="stdout"} 1`) })
			} else {
				second.until(t, "it is told again", func() bool { return strings.Contains(second.out.String(), "privileged pod by jane") })
			}
			require.NoError(t, second.stop())
			assert.Equal(t, !kept, strings.Contains(second.out.String(), "privileged pod by jane"))
		})
	}
}
