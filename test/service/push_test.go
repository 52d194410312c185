package service

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/pubsub"
)

// TestKillPush kills the service while it receives a stream of entries, at any moment and, every third time, between that a
// record is on disk and that its messages are acknowledged, and holds that every entry is in the store once: 6 times during
// 30,000 entries in make integration, 50 times during 100,000 in make crash. Some entries are published twice, some come in parts, some are none.
func TestKillPush(t *testing.T) {
	long(t)
	kills, pushed := 6, 30_000
	if os.Getenv("KUBEWITNESS_CRASH") == "1" {
		kills, pushed = 50, 100_000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	server := pubsub.New(t)
	dir := t.TempDir()
	p := plan{binary: binary(t, ""), dir: dir, config: fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true}
http: {listen: "127.0.0.1:0"}
log: {format: json}
spool: {free_floor: 1MiB}
outputs: {stdout: {enabled: false}}
pubsub: {subscriptions: [%s]}
`, filepath.Join(dir, "data"), pubsub.Subscription)}
	p.env = []string{"PUBSUB_EMULATOR_HOST=" + server.Addr()}
	dying := p
	dying.binary = binary(t, "failpoint")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	published := make(chan int, 1)
	go func() { published <- publish(ctx, server, pushed, rand.New(rand.NewPCG(seed, 6))) }()
	between := 0
	for done := range kills {
		until := min(pushed, server.Acked()+rng.IntN(2*max(pushed-server.Acked(), 0)/(kills-done+1)+1))
		if done%3 == 2 {
			dying.env = append(p.env[:1:1], fmt.Sprintf("KUBEWITNESS_FAILPOINT=pubsub/stored:%d", 1+rng.IntN(4)))
			s := launch(t, dying)
			for server.Acked() < pushed && !s.await(5*time.Millisecond) { // when there is nothing left to store it does not die
			}
			if server.Acked() < pushed {
				between++
			}
			s.kill()
			require.True(t, s.killed(), "it ended by itself: %s", s.log())
			continue
		}
		s := launch(t, p)
		for server.Acked() < until && !s.await(time.Duration(rng.IntN(10))*time.Millisecond) {
		}
		s.kill()
		require.True(t, s.killed(), "it ended by itself: %s", s.log())
	}
	before := server.Acked()
	s := start(t, p)
	require.NotEmpty(t, s.http, "%s", s.log())
	messages := <-published
	for left := -1; left != 0; { // for as long as it takes, if it goes on
		acked := server.Acked()
		eventually(t, "more is acknowledged", func() bool {
			if left, _ = server.Unacked(); left > 0 {
				return server.Acked() > acked
			}
			return true
		})
	}
	s.drained(t)
	s.terminate(t)

	may := make(map[string]bool, pushed)
	for n := range pushed {
		may[fmt.Sprintf("a-%d", n)] = true
	}
	got := auditIDs(t, filepath.Join(dir, "data"))
	requireOnce(t, "entry", got, may)
	_, again := server.Unacked()
	require.Positive(t, again, "nothing came again")
	t.Logf("%d kills, %d of them between storing and acknowledging, the last when %d of %d messages were acknowledged; %d deliveries were repeated",
		kills, between, before, messages, again)
}

// publish publishes entries, and what is none between them, and returns how many messages that were.
func publish(ctx context.Context, server *pubsub.Server, pushed int, rng *rand.Rand) (messages int) {
	now := time.Now()
	var batch [][]byte
	for n := range pushed {
		id := fmt.Sprintf("a-%d", n)
		switch {
		case n%500 == 0: // in parts
			for _, i := range rng.Perm(3) {
				batch = append(batch, logEntry(fmt.Sprintf("%s-%d", id, i), id, now, fmt.Sprintf(`"split":{"uid":"%s","index":%d,"totalSplits":3},`, id, i)))
			}
		case n%100 == 1: // twice
			batch = append(batch, logEntry(id, id, now, ""), logEntry(id, id, now, ""))
		case n%1000 == 2: // no entry
			batch = append(batch, []byte(`{"insertId":`), logEntry(id, id, now, ""))
		default:
			batch = append(batch, logEntry(id, id, now, ""))
		}
		if len(batch) < 500 && n < pushed-1 {
			continue
		}
		rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
		server.Publish(batch...)
		messages += len(batch)
		batch = nil
		if left := messages - server.Acked(); left > 20_000 { // the stream does not run away from who receives it
			for messages-server.Acked() > 10_000 && ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case <-time.After(5 * time.Millisecond):
				}
			}
		}
	}
	return messages
}

// logEntry is an entry of the request whose operation has an ID.
func logEntry(insert, id string, at time.Time, more string) []byte {
	return fmt.Appendf(nil, `{"insertId":%q,"logName":"projects/acme/logs/cloudaudit.googleapis.com%%2Factivity","timestamp":%q,"receiveTimestamp":%q,%s`+
		`"operation":{"id":%q,"producer":"k8s.io","first":true,"last":true},"resource":{"type":"k8s_cluster","labels":{"cluster_name":"prod","location":"europe-west4","project_id":"acme"}},`+
		`"labels":{"authorization.k8s.io/decision":"allow"},"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.create",`+
		`"resourceName":"core/v1/namespaces/shop/pods/web","authenticationInfo":{"principalEmail":"dora@acme.example"},"authorizationInfo":[{"permission":"io.k8s.core.v1.pods.create","granted":true}],`+
		`"requestMetadata":{"callerIp":"203.0.113.7","callerSuppliedUserAgent":"kubectl/v1.34.1"},"request":{"@type":"core.k8s.io/v1.Pod","kind":"Pod","metadata":{"name":"web"}}}}`,
		insert, at.UTC().Format(time.RFC3339Nano), at.UTC().Format(time.RFC3339Nano), more, id)
}

// TestLatePush: what a log brings late is stored and marked, and not sent out; what it brings in time is sent out.
func TestLatePush(t *testing.T) {
	for name, tt := range map[string]struct {
		setting string
		want    []string
	}{
		"left out": {"", []string{"timely"}},
		"sent out": {"late: true,", []string{"late", "timely"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := pubsub.New(t)
			dir := t.TempDir()
			out, rules := filepath.Join(dir, "out.jsonl"), filepath.Join(dir, "rules.yaml")
			require.NoError(t, os.WriteFile(rules, []byte(`
- rule: Pod created
  desc: d
  condition: ka.verb = create
  output: made (%ka.auditid)
  priority: NOTICE
  source: k8s_audit
`), 0o600))
			s := start(t, plan{binary: binary(t, ""), dir: dir, env: []string{"PUBSUB_EMULATOR_HOST=" + server.Addr()}, config: fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true}
http: {listen: "127.0.0.1:0"}
log: {format: json}
rules: {paths: [%s]}
spool: {free_floor: 1MiB}
outputs: {%s stdout: {enabled: false}, file: {path: %s, format: answer}}
pubsub: {subscriptions: [%s]}
`, filepath.Join(dir, "data"), rules, tt.setting, out, pubsub.Subscription)})
			require.NotEmpty(t, s.http, "%s", s.log())
			now := time.Now()
			server.Publish(logEntry("late", "late", now.Add(-3*time.Hour), ""), logEntry("timely", "timely", now, ""), []byte("{"))
			eventually(t, "all is acknowledged", func() bool { return server.Acked() == 3 })
			s.drained(t)

			text, err := os.ReadFile(out)
			require.NoError(t, err)
			assert.Equal(t, len(tt.want), strings.Count(string(text), "\n"), "%s", text)
			assert.Equal(t, len(tt.want)-1, strings.Count(string(text), "(late: happened 3h before)"), "%s", text)

			_, metrics, err := s.get(t.Context(), "/metrics")
			require.NoError(t, err)
			assert.Contains(t, metrics, fmt.Sprintf("kubewitness_sink_late_detections_total{sink=\"file\"} %d\n", 2-len(tt.want)))
			assert.Contains(t, metrics, "kubewitness_pubsub_acked_messages_total{subscription=\""+pubsub.Subscription+"\"} 3\n")
			assert.Contains(t, metrics, "kubewitness_pubsub_dead_messages_total{subscription=\""+pubsub.Subscription+"\"} 1\n")
			assert.Contains(t, metrics, `kubewitness_ingest_rejected_total{cluster="(other)",reason="entry",source="pubsub"} 1`)
			code, status, err := s.get(t.Context(), "/status")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, code)
			var shown struct{ PubSub []struct{ Acked, Events int } }
			require.NoError(t, json.Unmarshal([]byte(status), &shown))
			require.Len(t, shown.PubSub, 1)
			assert.Equal(t, 3, shown.PubSub[0].Acked)

			var found struct {
				Events []struct {
					Flags []string
					Event struct{ AuditID string }
				}
			}
			_, events, err := s.get(t.Context(), "/api/v1/events?from="+now.Add(-4*time.Hour).UTC().Format(time.RFC3339))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal([]byte(events), &found), events)
			flags := map[string][]string{}
			for _, e := range found.Events {
				flags[e.Event.AuditID] = e.Flags
			}
			assert.Equal(t, map[string][]string{"late": {"late"}, "timely": nil}, flags)
			s.terminate(t)
		})
	}
}
