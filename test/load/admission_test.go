package load

import (
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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reviewsPerSecond is what a large cluster asks.
const reviewsPerSecond = 500

// reviewBody is a review of a pod of 3 KB, as an API server sends it.
func reviewBody(uid string, number int) string {
	const container = `{"name":"c%d","image":"registry.example.com/team/web:1.27.%d","ports":[{"containerPort":8080,"protocol":"TCP"}],"env":[{"name":"LEVEL","value":"info"},{"name":"REGION","value":"eu"}],` +
		`"resources":{"limits":{"cpu":"500m","memory":"512Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},"volumeMounts":[{"name":"config","mountPath":"/etc/web"},{"name":"kube-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],` +
		`"livenessProbe":{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10},"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent","securityContext":{"runAsNonRoot":true,"capabilities":{"drop":["ALL"]}}}`
	var containers []string
	for i := range 4 {
		containers = append(containers, fmt.Sprintf(container, i, number%50))
	}
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":%q,"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},`+
		`"requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},"name":"web-%d","namespace":"team-%d","operation":"CREATE",`+
		`"userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller","uid":"7","groups":["system:serviceaccounts","system:authenticated"]},`+
		`"object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-%d","namespace":"team-%d","labels":{"app":"web","pod-template-hash":"abc"}},"spec":{"containers":[%s],"serviceAccountName":"web","restartPolicy":"Always"}},`+
		`"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`, uid, number, number%20, number, number%20, strings.Join(containers, ","))
}

// TestAdmissionLoad sends reviews at a rate, over the connections that an API server keeps, and
// prints how long answers take, from when each was due, and what the service says of its own
// part. It asserts that every review is stored, and nothing about time.
func TestAdmissionLoad(t *testing.T) {
	span, rate := time.Second, 50
	if os.Getenv(envLoad) == "1" {
		span, rate = time.Minute, reviewsPerSecond
		if text := os.Getenv(envTime); text != "" {
			var err error
			span, err = time.ParseDuration(text)
			require.NoError(t, err)
		}
	}
	w := newWorkshop(t)
	file := filepath.Join(t.TempDir(), "admission.yaml")
	text := fmt.Sprintf(settings, t.TempDir(), fmt.Sprintf("%q", w.rules), true, filepath.Join(t.TempDir(), "detections.jsonl")) +
		"admission: {listen: \"127.0.0.1:0\", insecure: true, default_cluster: load, deadline: 1m}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	cmd := exec.Command(w.binary, "serve", "--config", file)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KUBEWITNESS_") })
	s, err := Start(cmd, os.Stderr)
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Stop()) }()

	sent := int(span.Seconds() * float64(rate))
	before, cpuErr := s.CPU()
	latencies := sendReviews(t, s.Admission, sent, rate)
	after, _ := s.CPU()
	m, err := s.Metrics()
	require.NoError(t, err)
	assert.InDelta(t, sent, m["admission_allowed_total"], 0)
	assert.InDelta(t, sent, m["ingest_events_total"], 0)
	assert.Zero(t, m["admission_late_total"])
	assert.Zero(t, m["admission_lost_events_total"])
	if cpuErr == nil {
		t.Logf("%d us of CPU for a review, the store's part included", (after-before).Microseconds()/int64(sent))
	}
	r := Result{Latencies: latencies}
	t.Logf("%d reviews, %d a second: answered, and on disk, within ms p50 %.1f p90 %.1f p99 %.1f max %.1f; in the service decided within p99 %s, answered p99 %s; mean ms decided %.2f answered %.2f", sent, rate,
		millis(r.Latency(0.5)), millis(r.Latency(0.9)), millis(r.Latency(0.99)), millis(r.Latency(1)), within(t, s, "admission_decision_seconds", 0.99), within(t, s, "admission_answer_seconds", 0.99),
		1000*m["admission_decision_seconds_sum"]/m["admission_decision_seconds_count"], 1000*m["admission_answer_seconds_sum"]/m["admission_answer_seconds_count"])
}

// sendReviews sends so many reviews, at a rate, and gives how long each took, in order.
func sendReviews(t *testing.T, address string, n, rate int) []time.Duration {
	t.Helper()
	const connections = 64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	all, bodies := make([]time.Duration, n), make([]string, n)
	for i := range bodies {
		bodies[i] = reviewBody(fmt.Sprintf("%032d", i), i)
	}
	plan := &schedule{plan: Plan{Events: 1, Rate: float64(rate), Time: time.Hour}, start: time.Now()}
	var work sync.WaitGroup
	for range connections {
		work.Go(func() {
			for {
				number, due, _ := plan.take()
				if number >= uint64(n) {
					return
				}
				<-time.After(time.Until(due))
				res, err := client.Post("http://"+address+"/admission/load?timeout=2m", "application/json", strings.NewReader(bodies[number]))
				if !assert.NoError(t, err) {
					return
				}
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				all[number] = time.Since(due)
				assert.NoError(t, err)
				assert.Contains(t, string(b), `"allowed":true`)
			}
		})
	}
	work.Wait()
	slices.Sort(all)
	return all
}

// within is the bucket that a share of a histogram's values is in.
func within(t *testing.T, s *Service, name string, share float64) string {
	t.Helper()
	res, err := http.Get("http://" + s.HTTP + "/metrics")
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var bounds []string
	var counts []float64
	for line := range strings.Lines(string(b)) {
		rest, ok := strings.CutPrefix(line, "kubewitness_"+name+`_bucket{le="`)
		if !ok {
			continue
		}
		bound, count, _ := strings.Cut(strings.TrimSpace(rest), `"} `)
		var n float64
		_, err := fmt.Sscan(count, &n)
		require.NoError(t, err)
		bounds, counts = append(bounds, bound), append(counts, n)
	}
	require.NotEmpty(t, counts)
	for i, n := range counts {
		if n >= share*counts[len(counts)-1] {
			return bounds[i] + " s"
		}
	}
	return "more"
}
