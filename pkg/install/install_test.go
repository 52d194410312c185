package install

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/authority"
	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

// TestInstallTwice: all is made, in order; a second time nothing is written.
func TestInstallTwice(t *testing.T) {
	w := newWorld(t, Options{Mutate: true})
	require.NoError(t, w.Install(t.Context()))
	assert.Equal(t, []string{
		"namespace kubewitness: made", "secret kubewitness-admission-path: made", "secret kubewitness-admission-tls: made", "service kubewitness-admission: made",
		"validatingwebhookconfiguration kubewitness: made", "mutatingwebhookconfiguration kubewitness: made",
		"a dry run of a ConfigMap in default was reviewed: cluster prod, the API server is known by the secret in the path, its event is on disk",
		"a dry run of a Deployment in default was looked at for changes",
	}, w.told)
	var path, cert Secret
	require.True(t, w.read(secretsAt+pathSecret, &path))
	require.True(t, w.read(secretsAt+tlsSecret, &cert))
	assert.Len(t, path.Data["path"], 40)
	require.NoError(t, unfit(&cert, "kubewitness-admission.kubewitness.svc", noon))
	for at, prefix := range map[string]string{validatingAt: "/admission/prod/", mutatingAt: "/mutate/prod/"} {
		var c Configuration
		require.True(t, w.read(at+Name, &c))
		assert.Equal(t, prefix+string(path.Data["path"]), c.Webhooks[0].ClientConfig.Service.Path)
		assert.Equal(t, cert.Data[caKey], c.Webhooks[0].ClientConfig.CABundle)
	}
	writes := w.writes
	w.told = nil
	require.NoError(t, w.Install(t.Context()))
	assert.Len(t, w.told, 2)
	assert.Equal(t, writes, w.writes)
	for _, text := range w.told {
		assert.NotContains(t, text, string(path.Data["path"]))
	}
}

// TestMutatingGoesWithValidating: whoever removes the one has the cluster remove the other, also
// after the one was made anew.
func TestMutatingGoesWithValidating(t *testing.T) {
	w := newWorld(t, Options{Mutate: true})
	owners := func() (list []Owner, uid string) {
		var v, m Configuration
		require.True(t, w.read(validatingAt+Name, &v))
		require.True(t, w.read(mutatingAt+Name, &m))
		return m.Metadata.Owners, v.Metadata.UID
	}
	require.NoError(t, w.Install(t.Context()))
	first, uid := owners()
	require.NotEmpty(t, uid)
	assert.Equal(t, []Owner{{"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", Name, uid}}, first)
	require.NoError(t, w.Client.Delete(t.Context(), validating, "", Name))
	w.told = nil
	require.NoError(t, w.Install(t.Context()))
	assert.Contains(t, w.told, "mutatingwebhookconfiguration kubewitness: was another, is mended: it does not go with the validating one")
	second, uid := owners()
	assert.NotEqual(t, first, second)
	assert.Equal(t, uid, second[0].UID)
}

// TestNothingIsAskedBeforeAPodIsReady.
func TestNothingIsAskedBeforeAPodIsReady(t *testing.T) {
	w := newWorld(t, Options{})
	w.ready(false)
	w.Wait = time.Millisecond
	err := w.Install(t.Context())
	var not *NotReady
	require.True(t, errors.As(err, &not))
	assert.ErrorContains(t, err, "no pod behind the Service kubewitness/kubewitness-admission is ready, so no webhook was written")
	assert.Empty(t, w.listed(validatingAt))
}

// TestInstallMends: foreign edits are put back; labels and annotations of others stay.
func TestInstallMends(t *testing.T) {
	for what, edit := range map[string]func(c *Configuration, w *Webhook){
		"failurePolicy is Fail, not Ignore":                 func(_ *Configuration, w *Webhook) { w.FailurePolicy = "Fail" },
		"timeoutSeconds is 30, not 2":                       func(_ *Configuration, w *Webhook) { w.TimeoutSeconds = 30 },
		"matchConditions is another":                        func(_ *Configuration, w *Webhook) { w.MatchConditions = nil },
		"what it is asked about (rules) is another":         func(_ *Configuration, w *Webhook) { w.Rules = w.Rules[:1] },
		"the path is another":                               func(_ *Configuration, w *Webhook) { w.ClientConfig.Service.Path = "/elsewhere" },
		"where it is sent to is another":                    func(_ *Configuration, w *Webhook) { w.ClientConfig.Service.Namespace = "theirs" },
		"the CA bundle is another":                          func(_ *Configuration, w *Webhook) { w.ClientConfig.CABundle = nil },
		"objectSelector is {matchLabels:{a:b}}, not empty":  func(_ *Configuration, w *Webhook) { w.ObjectSelector.MatchLabels = map[string]string{"a": "b"} },
		`a webhook "second" that is none of ours`:           func(c *Configuration, w *Webhook) { c.Webhooks = append(c.Webhooks, Webhook{Name: "second"}) },
		"the label app.kubernetes.io/managed-by is missing": func(c *Configuration, _ *Webhook) { delete(c.Metadata.Labels, "app.kubernetes.io/managed-by") },
		`the webhook "admission.kubewitness.io" is missing`: func(c *Configuration, _ *Webhook) { c.Webhooks[0].Name = "x" },
		"kubewitness,kube-system,kube-node-lease,default]}]}, not": func(_ *Configuration, w *Webhook) {
			e := &w.NamespaceSelector.MatchExpressions[0]
			e.Values = append(slices.Clone(e.Values), "default")
		},
	} {
		w := newWorld(t, Options{})
		require.NoError(t, w.Install(t.Context()))
		var before, c, after Configuration
		w.read(validatingAt+Name, &before)
		w.read(validatingAt+Name, &c)
		edit(&c, &c.Webhooks[0])
		c.Metadata.Annotations = map[string]string{"theirs": "stays"}
		m, err := plain(c)
		require.NoError(t, err)
		w.put(validatingAt+Name, m)
		findings, err := w.Diagnose(t.Context())
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(findings, func(f Finding) bool {
			return !f.Note && strings.Contains(f.Text, strings.TrimPrefix(what, "failurePolicy is ")) || strings.Contains(f.Text, "has failurePolicy Fail")
		}), "%s: %v", what, findings)
		w.told = nil
		require.NoError(t, w.Install(t.Context()), what)
		assert.Contains(t, w.told[0], what)
		w.read(validatingAt+Name, &after)
		assert.Equal(t, before.Webhooks, after.Webhooks, what)
		assert.Equal(t, map[string]string{"theirs": "stays"}, after.Metadata.Annotations, what)
	}
}

// TestCertificateOfNoUse: one that has expired, or is none, is made anew; the service may still
// show the old one.
func TestCertificateOfNoUse(t *testing.T) {
	w := newWorld(t, Options{})
	require.NoError(t, w.Install(t.Context()))
	var before, after Secret
	w.read(secretsAt+tlsSecret, &before)
	w.now = noon.AddDate(2, 0, 0)
	require.NoError(t, w.Install(t.Context()))
	w.read(secretsAt+tlsSecret, &after)
	require.NoError(t, unfit(&after, w.names()[0], w.now))
	assert.True(t, authority.Holds(after.Data[caKey], before.Data[caKey]))
}

// TestCertManager: what it needs is written, what it makes is waited for, and what it puts into
// webhooks stays.
func TestCertManager(t *testing.T) {
	w := newWorld(t, Options{CertManager: true})
	assert.ErrorContains(t, w.Install(t.Context()), "the cluster has no cert-manager")
	w.groups = []string{certManager}
	w.Wait = time.Millisecond
	assert.ErrorContains(t, w.Install(t.Context()), "cert-manager has made no certificate")
	w.put(secretsAt+tlsSecret, map[string]any{"metadata": map[string]any{"name": tlsSecret}, "data": map[string]any{certKey: []byte("made")}})
	require.NoError(t, w.Install(t.Context()))
	var c Configuration
	w.read(validatingAt+Name, &c)
	assert.Equal(t, "kubewitness/kubewitness-admission", c.Metadata.Annotations[injectFrom])
	c.Webhooks[0].ClientConfig.CABundle = []byte("injected")
	m, err := plain(c)
	require.NoError(t, err)
	w.put(validatingAt+Name, m)
	writes := w.writes
	require.NoError(t, w.Install(t.Context()))
	assert.Equal(t, writes, w.writes)
	w.CertManager = false
	assert.ErrorContains(t, w.Install(t.Context()), "cert-manager makes the certificate here: give --cert-manager, or uninstall first")
	require.NoError(t, w.Uninstall(t.Context()))
	for _, at := range []string{validatingAt, servicesAt, "/apis/cert-manager.io/"} {
		assert.Empty(t, w.listed(at), at)
	}
	w.drop(secretsAt + tlsSecret)
	require.NoError(t, w.Install(t.Context()))
	w.CertManager = true
	assert.ErrorContains(t, w.Install(t.Context()), "the certificate is not cert-manager's here")
}

// TestElsewhere: for a service outside of the cluster there are the webhooks, and nothing else.
func TestElsewhere(t *testing.T) {
	p, err := authority.Issue([]string{"k.example.com"}, time.Hour, noon)
	require.NoError(t, err)
	w := newWorld(t, Options{URL: "https://k.example.com:9444/admission/prod/secret-of-the-path", CABundle: p.Authority, Mutate: true})
	require.NoError(t, w.Install(t.Context()))
	assert.Empty(t, w.listed("/api/v1/"))
	var v, m Configuration
	w.read(validatingAt+Name, &v)
	w.read(mutatingAt+Name, &m)
	assert.Equal(t, ClientConfig{URL: w.URL, CABundle: p.Authority}, v.Webhooks[0].ClientConfig)
	assert.Equal(t, "https://k.example.com:9444/mutate/prod/secret-of-the-path", m.Webhooks[0].ClientConfig.URL)
	findings, err := w.Diagnose(t.Context())
	require.NoError(t, err)
	for _, f := range findings {
		assert.True(t, f.Note, f.Text)
		assert.NotContains(t, f.Text, "secret-of-the-path")
	}
}

// TestOldAPIServer: one that knows no matchConditions gets none; Autopilot may add namespaces.
func TestOldAPIServer(t *testing.T) {
	w := newWorld(t, Options{})
	w.minor = "27+"
	require.NoError(t, w.Install(t.Context()))
	var c Configuration
	w.read(validatingAt+Name, &c)
	assert.Empty(t, c.Webhooks[0].MatchConditions)
	assert.Contains(t, w.told[0], "knows no matchConditions")
}

func TestAutopilotAddsNamespaces(t *testing.T) {
	w := newWorld(t, Options{})
	w.groups = []string{"auto.gke.io"}
	require.NoError(t, w.Install(t.Context()))
	var c Configuration
	w.read(validatingAt+Name, &c)
	s := &c.Webhooks[0].NamespaceSelector
	s.MatchExpressions = append(s.MatchExpressions, Expression{namespaceLabel, "NotIn", []string{"kube-system", "gke-gmp-system"}})
	m, err := plain(c)
	require.NoError(t, err)
	w.put(validatingAt+Name, m)
	writes := w.writes
	require.NoError(t, w.Install(t.Context()))
	assert.Equal(t, writes, w.writes, "what GKE puts in stays")
	w.groups = nil
	require.NoError(t, w.Install(t.Context()))
	assert.Equal(t, writes+1, w.writes, "and is a foreign edit elsewhere")
}

// TestNamedResources: where a webhook for all resources is refused, they are named; the next
// install does not try again.
func TestNamedResources(t *testing.T) {
	w := newWorld(t, Options{})
	w.groups, w.narrow = []string{"auto.gke.io"}, true
	require.NoError(t, w.Install(t.Context()))
	assert.Contains(t, w.told, "nobody may ask about all resources here: the usual ones are named, and custom resources are not seen")
	var c Configuration
	w.read(validatingAt+Name, &c)
	assert.Equal(t, namedRules, c.Webhooks[0].Rules)
	w.told = nil
	writes := w.writes
	require.NoError(t, w.Install(t.Context()))
	assert.Equal(t, writes, w.writes)
	assert.Len(t, w.told, 1)
	assert.Contains(t, w.found(t), "note: validatingwebhookconfiguration kubewitness is asked about the usual resources by name;")
	for _, r := range namedRules {
		for _, name := range append(slices.Clone(r.Resources), r.APIGroups...) {
			for _, theirs := range []string{"nodes", "persistentvolumes", "certificate", "authentication"} {
				assert.NotContains(t, name, theirs)
			}
		}
	}
}

// TestUninstallLeftovers: all with our labels goes, webhooks first; what others have stays.
func TestUninstallLeftovers(t *testing.T) {
	w := newWorld(t, Options{Mutate: true})
	require.NoError(t, w.Install(t.Context()))
	labels := map[string]any{}
	for k, v := range Labels {
		labels[k] = v
	}
	w.put(validatingAt+"kubewitness-old", map[string]any{"metadata": map[string]any{"name": "kubewitness-old", "labels": labels}})
	w.put(validatingAt+"theirs", map[string]any{"metadata": map[string]any{"name": "theirs", "labels": map[string]any{"app.kubernetes.io/name": "kubewitness"}}})
	findings, err := w.Diagnose(t.Context())
	require.NoError(t, err)
	assert.Contains(t, findings, Finding{Text: `validatingwebhookconfiguration "kubewitness-old" has our labels, and is none that is installed now: kubewitness admission uninstall removes it`})
	w.told = nil
	require.NoError(t, w.Uninstall(t.Context()))
	assert.Equal(t, []string{"theirs"}, w.listed(validatingAt))
	assert.Empty(t, w.listed(mutatingAt))
	assert.Empty(t, w.listed(secretsAt))
	assert.Empty(t, w.listed(servicesAt))
	var kinds []string
	for _, line := range w.told {
		kind, _, _ := strings.Cut(line, " ")
		kinds = append(kinds, kind)
	}
	assert.Equal(t, []string{"validatingwebhookconfiguration", "mutatingwebhookconfiguration", "secret", "service"}, slices.Compact(kinds))
	w.told = nil
	require.NoError(t, w.Uninstall(t.Context()))
	assert.Equal(t, []string{"there is nothing to remove"}, w.told)
}

// TestCutOffAtEachWrite: whichever write is the last, no webhook points nowhere; another run ends
// it.
func TestCutOffAtEachWrite(t *testing.T) {
	whole := func(w *world, when string) {
		for _, at := range []string{validatingAt, mutatingAt} {
			var c Configuration
			if !w.read(at+Name, &c) {
				continue
			}
			var s Service
			assert.True(t, w.read(servicesAt+ServiceName, &s), when)
			var secret Secret
			assert.True(t, w.read(secretsAt+tlsSecret, &secret), when)
			assert.NoError(t, authority.Check(c.Webhooks[0].ClientConfig.CABundle, secret.Data[certKey], w.names()[0], w.now), when)
		}
	}
	for cut := 1; cut <= 12; cut++ {
		w := newWorld(t, Options{Mutate: true})
		w.cut = cut
		err := w.Install(t.Context())
		require.Equal(t, cut <= 6, err != nil, "%d: %v", cut, err)
		whole(w, "install")
		require.NoError(t, w.Install(t.Context()), cut)
		w.writes = 0
		err = w.Uninstall(t.Context())
		require.Equal(t, cut <= 5, err != nil, "%d: %v", cut, err)
		whole(w, "uninstall")
		require.NoError(t, w.Uninstall(t.Context()), cut)
		assert.Empty(t, w.listed(validatingAt))
		assert.Empty(t, w.listed(secretsAt))
	}
}

func TestOptionsCheck(t *testing.T) {
	for what, o := range map[string]Options{
		"is no name of a namespace":          {Namespace: "Not One"},
		"cannot be a part of a Service's":    {Cluster: "prod/eu"},
		"is no port":                         {Port: 70000},
		"give one of both":                   {CertManager: true, URL: "https://k/admission/x"},
		"goes with a URL":                    {CABundle: []byte("x")},
		"the bundle of authorities":          {URL: "https://k/admission/x", CABundle: []byte("x")},
		"send by https only":                 {URL: "http://k/admission/x"},
		"neither user, query nor fragment":   {URL: "https://me:pw@k/admission/x"},
		"with /mutate in place":              {URL: "https://k/else", Mutate: true},
		`"UP" is no name of a namespace`:     {Exclude: []string{"UP"}},
		"the URL cannot be read; write http": {URL: "https://k:%/"},
	} {
		err := o.Check()
		require.ErrorContains(t, err, what)
		assert.NotContains(t, err.Error(), "pw")
	}
	require.NoError(t, Options{}.Check())
}

// TestNobodyAnswers: installed, and reviews are not seen.
func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t, Options{})
	w.Wait = 20 * time.Millisecond
	w.review = func(string) []string {
		return []string{admission.Probe{Nonce: "of-another", Sender: "token", Time: noon, Cluster: "c"}.String()}
	}
	assert.ErrorContains(t, w.Install(t.Context()), "installed, and it does not work yet: a dry run of a ConfigMap in the namespace default was made, and kubewitness did not answer its review; kubewitness admission doctor says why")
	assert.Equal(t, []string{Name}, w.listed(validatingAt))
	w = newWorld(t, Options{Mutate: true})
	w.Wait = 20 * time.Millisecond
	w.changes = w.review // of the validating webhook
	assert.ErrorContains(t, w.Install(t.Context()), "the mutating webhook: installed, and it does not work yet: a dry run of a Deployment")
	w.gone = true
	var u *kube.Unreachable
	assert.True(t, errors.As(w.Install(t.Context()), &u))
	assert.False(t, kube.Is(u, http.StatusNotFound))
}
