package rig

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestPolicy runs a whole cluster with the audit policy of deploy/apiserver, sends
// it every attack and some ordinary days, and holds the log against what the policy
// promises: all attacks are told of, no secret is in it, nor what clusters say to
// themselves all day.
func TestPolicy(t *testing.T) {
	c := Start(t, Options{Policy: filepath.Join(corpora.Root(t), "deploy", "apiserver", "audit-policy.yaml"), Controllers: true, Nodes: 1})
	cast := c.Cast()
	play := func(steps ...Step) []Played {
		t.Helper()
		played, err := cast.Play(t.Context(), steps)
		require.NoError(t, err)
		return played
	}
	play(Setting()...)
	started := time.Now()
	day := play(Ordinary("monday")...)
	t.Logf("%d requests of ordinary traffic in %s", len(day), time.Since(started).Round(time.Millisecond))
	kubectlWorks(t, c)
	noise := makeNoise(t, c, cast)
	started = time.Now()
	attacks := play(Attacks()...)
	t.Logf("%d attacks in %s", len(attacks), time.Since(started).Round(time.Millisecond))
	c.StopAPIServer(grace)
	events := readLog(t, c.AuditLog)

	t.Run("attacks are told of", func(t *testing.T) {
		for _, a := range attacks {
			var told []string
			for _, e := range of(events, a.AuditID) {
				told = append(told, e.Rules...)
			}
			assert.Contains(t, told, a.Rule, "%s: %d events", a.Name, len(of(events, a.AuditID)))
		}
	})
	t.Run("requests are there", func(t *testing.T) {
		for _, p := range day {
			assert.NotEmpty(t, of(events, p.AuditID), p.Name)
		}
		assert.NotEmpty(t, of(events, noise.stolen.AuditID), "a secret read with our own token")
	})
	t.Run("secrets are not", func(t *testing.T) {
		secretsAreNot(t, c.AuditLog, append(day, attacks...))
	})
	t.Run("noise is not", func(t *testing.T) {
		for _, r := range noise.quiet {
			assert.Empty(t, of(events, r.AuditID))
		}
		noiseIsNot(t, events)
	})
	t.Run("patches have a beginning", func(t *testing.T) {
		for _, p := range day {
			if p.Method == http.MethodPatch && strings.Contains(p.Path, "/configmaps/") {
				assert.Equal(t, []string{"RequestReceived", "ResponseComplete"}, stages(of(events, p.AuditID)), p.Name)
			}
		}
	})
}

// kubectlWorks enters a pod as people do.
func kubectlWorks(t *testing.T, c *Cluster) {
	t.Helper()
	require.Eventually(t, func() bool {
		out, err := c.Kubectl("get", "pod", "web", "-n", shop, "-o", "jsonpath={.status.phase}")
		return err == nil && out == "Running"
	}, readyWithin, pollEvery, "the node runs what is put on it")
	out, err := c.Kubectl("exec", "-n", shop, "web", "--", "echo", "hello")
	require.NoError(t, err, out)
	assert.Contains(t, out, "echo hello", "the fake node repeats the command")
	out, err = c.Kubectl("rollout", "status", "-n", shop, "deployment/till", "--timeout=60s")
	require.NoError(t, err, "controllers, scheduler and node work: %s", out)
}

// made tells requests that the policy leaves out from one that it must not.
type made struct {
	quiet  []Response
	stolen Response
}

// makeNoise asks for the server's health, and reads with the account of kubewitness.
func makeNoise(t *testing.T, c *Cluster, cast Cast) (m made) {
	t.Helper()
	send := func(cl *Client, r Request, want int) Response {
		t.Helper()
		var got Response
		require.Eventually(t, func() bool {
			var err error
			got, err = cl.Do(t.Context(), r)
			return err == nil && got.Code == want
		}, readyWithin, pollEvery, "%s %s: %d %s", r.Method, r.Path, got.Code, got.Body)
		return got
	}
	admin := cast[TheAdmin]
	send(admin, post("/api/v1/namespaces", named("v1", "Namespace", "kubewitness", nil)), 201)
	send(admin, post("/api/v1/namespaces/kubewitness/serviceaccounts", named("v1", "ServiceAccount", "kubewitness", nil)), 201)
	send(admin, post(rbacPath+"/namespaces/kubewitness/rolebindings", named("rbac.authorization.k8s.io/v1", "RoleBinding", "reader", object{
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
		"subjects": []object{{"kind": "ServiceAccount", "name": "kubewitness", "namespace": "kubewitness"}}})), 201)
	answer := send(admin, post("/api/v1/namespaces/kubewitness/serviceaccounts/kubewitness/token", object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": object{}}), 201)
	var token struct{ Status struct{ Token string } }
	require.NoError(t, json.Unmarshal(answer.Body, &token))
	ours := c.Bearer(token.Status.Token)
	m.quiet = []Response{
		send(admin, get("/readyz"), 200), send(cast[Nobody], get("/livez"), 200), send(cast[Nobody], get("/healthz?verbose"), 200),
		send(ours, get("/api/v1/namespaces/kubewitness/configmaps"), 200), send(ours, get("/api/v1/namespaces/kubewitness/pods"), 200),
	}
	m.stolen = send(ours, get("/api/v1/namespaces/kubewitness/secrets"), 200)
	return m
}

// noiseIsNot looks for what the policy leaves out, from whoever it came.
func noiseIsNot(t *testing.T, events []event) {
	t.Helper()
	for _, e := range events {
		inside := slices.Contains(e.User.Groups, "system:nodes") || slices.Contains(e.User.Groups, "system:serviceaccounts:kube-system") || e.User.Username == "system:apiserver"
		if inside && e.Verb != "delete" && e.Verb != "deletecollection" {
			assert.NotContains(t, []string{"leases", "events"}, e.Ref.Resource, e.URI)
		}
		if inside && e.Verb == "watch" {
			assert.NotContains(t, []string{"pods", "nodes", "configmaps", "deployments"}, e.Ref.Resource, e.User.Username)
		}
		if e.Status.Code != http.StatusUnauthorized {
			assert.NotRegexp(t, "^/(healthz|livez|readyz)", e.URI)
		}
	}
}

// secretsAreNot looks for secret texts, and for the tokens that were issued.
func secretsAreNot(t *testing.T, log string, played []Played) {
	t.Helper()
	b, err := os.ReadFile(log)
	require.NoError(t, err)
	text := string(b)
	for _, s := range SecretTexts() {
		assert.NotContains(t, text, s)
	}
	issued := 0
	for _, p := range played {
		var answer struct{ Status any }
		if json.Unmarshal(p.Body, &answer) != nil {
			continue
		}
		if status, ok := answer.Status.(object); ok {
			if token, ok := status["token"].(string); ok && token != "" {
				issued++
				assert.NotContains(t, text, token)
			}
		}
	}
	assert.Positive(t, issued)
}

func stages(events []event) (names []string) {
	for _, e := range events {
		names = append(names, e.Stage)
	}
	slices.Sort(names)
	return names
}
