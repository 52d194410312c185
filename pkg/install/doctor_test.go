package install

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

// found is what Diagnose says, notes with "note: " in front.
func (w *world) found(t *testing.T) string {
	t.Helper()
	findings, err := w.Diagnose(t.Context())
	require.NoError(t, err)
	var lines []string
	for _, f := range findings {
		if f.Note {
			f.Text = "note: " + f.Text
		}
		lines = append(lines, f.Text)
	}
	return strings.Join(lines, "\n") + "\n"
}

// job is the CronJob, last well and last begun so long before noon.
func job(suspended bool, succeeded, scheduled time.Duration) map[string]any {
	status := map[string]any{"lastScheduleTime": noon.Add(-scheduled)}
	if succeeded >= 0 {
		status["lastSuccessfulTime"] = noon.Add(-succeeded)
	}
	return map[string]any{"metadata": map[string]any{"name": RotateName}, "spec": map[string]any{"suspend": suspended}, "status": status}
}

// healthy is an installation with nothing wrong.
func healthy(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, Options{Mutate: true})
	require.NoError(t, w.Install(t.Context()))
	w.put(cronJobsAt+RotateName, job(false, time.Hour, time.Hour))
	return w
}

const wellFound = `note: the API server at SERVER is v1.35.0
note: validatingwebhookconfiguration kubewitness leaves out the namespaces kubewitness, kube-system, kube-node-lease; nobody sees what is done there
note: mutatingwebhookconfiguration kubewitness leaves out the namespaces kubewitness, kube-system, kube-node-lease; nobody sees what is done there
note: the certificate is good until 2027-11-30 (365 days)
note: the Service kubewitness/kubewitness-admission has 1 ready
note: a dry run of a ConfigMap in default was reviewed within 0s: cluster prod, the API server is known by the secret in the path, its event is on disk
note: a dry run of a Deployment in default was looked at for changes
`

func TestDoctorWell(t *testing.T) {
	w := healthy(t)
	writes := w.writes
	assert.Equal(t, wellFound, strings.ReplaceAll(w.found(t), w.Client.Server(), "SERVER"))
	assert.Equal(t, writes, w.writes, "it changes nothing")
	assert.NotContains(t, w.found(t), string(w.path()))
}

func (w *world) path() []byte {
	var s Secret
	w.read(secretsAt+pathSecret, &s)
	return s.Data["path"]
}

// TestDoctorFinds: each fault by itself, told as what is wrong; and what is told that is not.
func TestDoctorFinds(t *testing.T) {
	probe := func(p admission.Probe) func(string) []string {
		return func(nonce string) []string {
			p.Nonce = nonce
			return []string{p.String()}
		}
	}
	for _, c := range []struct {
		what  string
		spoil func(*world)
		says  string
		wrong bool
	}{
		{"nobody answers", func(w *world) { w.gone = true }, "cannot be reached: EOF; see to the kubeconfig", true},
		{"no webhook", func(w *world) { w.drop(validatingAt + Name) }, "there is no ValidatingWebhookConfiguration kubewitness, so that API servers ask nobody", true},
		{"no mutating webhook", func(w *world) { w.drop(mutatingAt + Name) }, "there is no MutatingWebhookConfiguration kubewitness, so that nothing is changed", true},
		{"no secret", func(w *world) { w.drop(secretsAt + tlsSecret) }, "there is no Secret kubewitness/kubewitness-admission-tls, which pods mount", true},
		{"another path", func(w *world) {
			s := map[string]any{"metadata": map[string]any{"name": pathSecret}, "data": map[string]any{"path": []byte("0123456789abcdef")}}
			w.put(secretsAt+pathSecret, s)
		}, "validatingwebhookconfiguration kubewitness is not as it is written: the path is another;", true},
		{"no service", func(w *world) { w.drop(servicesAt + ServiceName) }, "there is no Service kubewitness/kubewitness-admission, which webhooks are sent to", true},
		{"another port", func(w *world) {
			w.put(servicesAt+ServiceName, map[string]any{"metadata": map[string]any{"name": ServiceName}, "spec": map[string]any{"ports": []any{map[string]any{"port": 9443}}}})
		}, "webhooks are sent to port 443 of the Service kubewitness/kubewitness-admission, which has none of that number: run kubewitness admission install", true},
		{"no pod", func(w *world) { w.ready(false) }, "no pod behind the Service kubewitness/kubewitness-admission is ready", true},
		{"expired", func(w *world) { w.now = noon.AddDate(1, 0, 1) }, "is of no use, so that no review comes: authority: x509: certificate has expired", true},
		{"expires soon", func(w *world) { w.now = noon.AddDate(0, 0, 340) }, "the certificate is good until 2027-11-30 (25 days): nobody renews it; run kubewitness admission rotate --now --all", true},
		{"a renewal under way", func(w *world) { _, _ = w.Rotate(t.Context(), true) }, "a renewal is under way since 2026-11-30T12:00:00Z", false},
		{"no job", func(w *world) { w.drop(cronJobsAt + RotateName) }, "there is no CronJob kubewitness/kubewitness-rotate, so that nobody renews the certificate", true},
		{"a suspended job", func(w *world) { w.put(cronJobsAt+RotateName, job(true, 0, 0)) }, "the CronJob kubewitness/kubewitness-rotate is suspended", true},
		{"a job that fails", func(w *world) { w.put(cronJobsAt+RotateName, job(false, 100*time.Hour, time.Hour)) }, "the CronJob kubewitness/kubewitness-rotate fails", true},
		{"a job that never did well", func(w *world) { w.put(cronJobsAt+RotateName, job(false, -1, time.Hour)) }, "the CronJob kubewitness/kubewitness-rotate fails", true},
		{"not answered", func(w *world) { w.review = func(string) []string { return nil } }, "kubewitness did not answer its review: see to its log", true},
		{"nothing changes", func(w *world) { w.changes = func(string) []string { return nil } }, "kubewitness did not answer its review: has its configuration admission.mutate?", true},
		{"unauthenticated", func(w *world) {
			w.review = probe(admission.Probe{Sender: admission.Unauthenticated, Stored: true, Time: noon, Cluster: "prod"})
		}, "kubewitness asks for no credential (admission.unauthenticated), so that whoever reaches it makes events up", true},
		{"a slow disk", func(w *world) {
			w.review = probe(admission.Probe{Sender: "certificate", Time: noon, Cluster: "prod"})
		}, "the event was not on disk when the answer went out", true},
		{"a clock that is ahead", func(w *world) {
			w.review = probe(admission.Probe{Sender: "certificate", Stored: true, Time: noon.Add(time.Minute), Cluster: "prod"})
		}, "the clock of kubewitness is ahead of the API server's by 1m0s", true},
		{"a clock here that is behind", func(w *world) {
			w.clock = func() time.Time { return noon.Add(time.Hour) }
			w.review = probe(admission.Probe{Sender: "certificate", Stored: true, Time: noon.Add(time.Hour), Cluster: "prod"})
		}, "the clock here is behind the API server's by 1h0m0s", false},
		{"an older API server", func(w *world) {
			w.minor = "26"
			require.NoError(t, w.Install(t.Context()))
		}, "knows no matchConditions", false},
		{"Autopilot", func(w *world) { w.groups = []string{"auto.gke.io"} }, "this is GKE Autopilot, or has its limits", false},
		{"others that mutate", func(w *world) {
			for _, name := range []string{"aaa", "sidecars"} {
				w.put(mutatingAt+name, map[string]any{"metadata": map[string]any{"name": name}})
			}
		}, "mutating webhooks that come after ours may change what ours has done, and ours is asked once more then: sidecars", false},
		{"who may not read", func(w *world) { w.allowed = func(string, string) bool { return false } },
			"you may not read validatingwebhookconfigurations.admissionregistration.k8s.io, mutatingwebhookconfigurations.admissionregistration.k8s.io, secrets, services, endpointslices.discovery.k8s.io, so", true},
		{"who may not see secrets", func(w *world) { w.allowed = func(_, resource string) bool { return resource != "secrets" } }, "you may not read secrets, so that not all can be looked at", true},
		{"who may not write", func(w *world) { w.allowed = func(verb, _ string) bool { return verb == "get" || verb == "list" } }, "you may not create, update, delete validatingwebhookconfigurations", false},
	} {
		w := healthy(t)
		c.spoil(w)
		out := w.found(t)
		line := ""
		for l := range strings.Lines(out) {
			if strings.Contains(l, c.says) {
				line = l
			}
		}
		require.NotEmpty(t, line, "%s: %s", c.what, out)
		assert.Equal(t, c.wrong, !strings.HasPrefix(line, "note: "), "%s: %s", c.what, line)
		assert.NotContains(t, out, string(w.path()), c.what)
		assert.NotContains(t, out, "this could not be looked at", c.what)
		if !c.wrong {
			assert.Equal(t, strings.Count(out, "\n"), strings.Count("\n"+out, "\nnote: "), "%s: nothing else is wrong: %s", c.what, out)
		}
	}
}

// TestNoSecretInErrors: what an API server says of a webhook that it cannot reach has the URL.
func TestNoSecretInErrors(t *testing.T) {
	w := healthy(t)
	w.review = func(string) []string { return nil }
	w.failing = `Internal error occurred: failed calling webhook "admission.kubewitness.io": failed to call webhook: Post "https://kubewitness-admission.kubewitness.svc:443/admission/prod/` +
		string(w.path()) + `?timeout=2s": x509: unknown authority`
	const told = `Post "https://kubewitness-admission.kubewitness.svc:443/admission/prod/SECRET?timeout=2s": x509: unknown authority`
	out := w.found(t)
	assert.Contains(t, out, told)
	assert.NotContains(t, out, string(w.path()))
	err := w.Install(t.Context())
	require.ErrorContains(t, err, "installed, and it could not be tried: a dry run of a ConfigMap in the namespace default: ")
	assert.Contains(t, err.Error(), told)
	assert.True(t, kube.Is(err, 500))
}

func (w *world) drop(at string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, has := w.objects[at]; !has {
		panic(fmt.Sprint(at, " is not there"))
	}
	delete(w.objects, at)
}
