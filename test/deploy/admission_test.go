package deploy_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/install"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// The folders of deploy/admission, as manifests are read: beside deploy/kubernetes.
const (
	admissionPod   = "../admission/kubernetes/"
	admissionParts = "../admission/component/"
)

// installManifest is what the command writes, by kind and name.
func installManifest(t *testing.T) map[string]any {
	t.Helper()
	text, err := install.Options{}.Manifest()
	require.NoError(t, err)
	docs, err := parseYAML(text)
	require.NoError(t, err)
	found := map[string]any{}
	for _, doc := range docs {
		found[at(doc, "kind").(string)+" "+at(doc, "metadata", "name").(string)] = doc
	}
	return found
}

// TestAdmissionPod: what the pod is told, mounts and listens on fits the Service and the Secrets
// that are installed.
func TestAdmissionPod(t *testing.T) {
	loaded, err := config.Load(config.Sources{File: manifestPath(t, admissionPod+"kubewitness.yaml")})
	require.NoError(t, err)
	require.NoError(t, loaded.Validate())
	assert.Empty(t, loaded.Warnings)
	c := loaded.Admission
	installed := installManifest(t)
	pod := at(manifest(t, admissionParts+"statefulset.yaml", "StatefulSet"), "spec", "template", "spec")
	container := at(pod, "containers", 0)

	_, port, err := net.SplitHostPort(c.Listen)
	require.NoError(t, err)
	assert.Equal(t, port, at(named(t, all(container, "ports"), "admission"), "containerPort"))
	service := installed["Service "+install.ServiceName]
	assert.Equal(t, "admission", at(service, "spec", "ports", 0, "targetPort"))
	labels := at(manifest(t, "base/statefulset.yaml", "StatefulSet"), "spec", "template", "metadata", "labels")
	assert.Equal(t, labels, at(service, "spec", "selector"))
	policy := manifest(t, admissionParts+"networkpolicy.yaml", "NetworkPolicy")
	assert.Equal(t, labels, at(policy, "spec", "podSelector", "matchLabels"))
	assert.Equal(t, "admission", at(policy, "spec", "ingress", 0, "ports", 0, "port"))

	files := map[string]bool{}
	for _, source := range all(named(t, all(pod, "volumes"), "admission"), "projected", "sources") {
		assert.Contains(t, installed, "Secret "+at(source, "secret", "name").(string))
		for _, item := range all(source, "secret", "items") {
			assert.NotContains(t, at(item, "key"), "next", "the certificate to come is nobody's yet")
			files[mountPath(t, container, "admission")+"/"+at(item, "path").(string)] = true
		}
	}
	assert.Equal(t, map[string]bool{c.TLS.CertFile: true, c.TLS.KeyFile: true, c.Credentials[0].PathSecretFile: true}, files)
	assert.Equal(t, []string{install.DefaultCluster}, c.Credentials[0].Clusters)
	assert.False(t, c.Unauthenticated)
	assert.Equal(t, install.DefaultNamespace, at(manifest(t, "base/namespace.yaml", "Namespace"), "metadata", "name"))
}

// TestAdmissionOverlay: what of the base is for audit events goes, and its image is that of all.
func TestAdmissionOverlay(t *testing.T) {
	k := manifests(t, admissionPod+"kustomization.yaml")[0]
	assert.Equal(t, []any{"../../kubernetes/base"}, all(k, "resources"))
	assert.Equal(t, []any{"../component"}, all(k, "components"))
	assert.Equal(t, at(manifests(t, "base/kustomization.yaml")[0], "images", 0, "newName"), at(k, "images", 0, "name"), "found again after the base has replaced it")
	gone := manifests(t, admissionPod+"without-webhook.yaml")
	base := at(manifest(t, "base/statefulset.yaml", "StatefulSet"), "spec", "template", "spec")
	pod := at(gone[1], "spec", "template", "spec")
	assert.Equal(t, at(named(t, all(base, "containers", 0, "ports"), "webhook"), "containerPort"), at(pod, "containers", 0, "ports", 0, "containerPort"))
	assert.Equal(t, mountPath(t, at(base, "containers", 0), "tls"), at(pod, "containers", 0, "volumeMounts", 0, "mountPath"))
	assert.Equal(t, "tls", at(pod, "volumes", 0, "name"))
	for _, path := range [][]any{{"containers", 0, "ports", 0}, {"containers", 0, "volumeMounts", 0}, {"volumes", 0}} {
		assert.Equal(t, "delete", at(pod, append(path, "$patch")...))
	}
	files, err := filepath.Glob(filepath.Join(corpora.Root(t), "deploy", "admission", "*", "*.yaml"))
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(b), "kind: Secret\n", "%s: secrets are not committed", file)
	}
}

// TestRotationRights: who renews may write one Secret and the webhooks of one name, and is none
// of the pods that are asked.
func TestRotationRights(t *testing.T) {
	const file = admissionParts + "rotation.yaml"
	job := manifest(t, file, "CronJob", install.RotateName)
	template := at(job, "spec", "jobTemplate", "spec", "template")
	pod := at(template, "spec")
	account := manifest(t, file, "ServiceAccount")
	assert.Equal(t, at(account, "metadata", "name"), at(pod, "serviceAccountName"))
	installed := installManifest(t)
	assert.NotEqual(t, at(installed["Service "+install.ServiceName], "spec", "selector"), at(template, "metadata", "labels"))
	assert.Equal(t, []any{"admission", "rotate", "--namespace", install.DefaultNamespace}, all(pod, "containers", 0, "args"))
	assert.Equal(t, "Forbid", at(job, "spec", "concurrencyPolicy"))

	for _, kind := range []string{"Role", "ClusterRole"} {
		role := manifest(t, file, kind)
		require.Len(t, all(role, "rules"), 1)
		assert.Equal(t, []any{"get", "update"}, all(role, "rules", 0, "verbs"))
		binding := manifest(t, file, kind+"Binding")
		assert.Equal(t, at(role, "metadata", "name"), at(binding, "roleRef", "name"))
		assert.Equal(t, at(account, "metadata", "name"), at(binding, "subjects", 0, "name"))
		names := all(role, "rules", 0, "resourceNames")
		require.Len(t, names, 1)
		for _, resource := range all(role, "rules", 0, "resources") {
			found := false
			for what := range installed {
				k, name, _ := strings.Cut(what, " ")
				found = found || strings.EqualFold(k+"s", resource.(string)) && name == names[0]
			}
			assert.True(t, found || resource == "mutatingwebhookconfigurations", "%s %s is installed", resource, names[0])
		}
	}

	// As Pod Security "restricted" wants it.
	assert.Equal(t, "true", at(pod, "securityContext", "runAsNonRoot"))
	assert.Equal(t, map[string]any{
		"allowPrivilegeEscalation": "false", "readOnlyRootFilesystem": "true", "capabilities": map[string]any{"drop": []any{"ALL"}},
	}, at(pod, "containers", 0, "securityContext"))
	assert.Equal(t, "RuntimeDefault", at(pod, "securityContext", "seccompProfile", "type"))
}

// TestMutatingByHand: the mutating webhook that is applied by hand is asked the same, by the same
// terms, as the one that is installed.
func TestMutatingByHand(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "deploy", "admission", "mutatingwebhook.yaml"))
	require.NoError(t, err)
	docs, err := parseYAML(string(b))
	require.NoError(t, err)
	text, err := install.Options{Mutate: true, URL: "https://kubewitness.example.com:9444/admission/prod"}.Manifest()
	require.NoError(t, err)
	installed, err := parseYAML(text)
	require.NoError(t, err)
	require.Len(t, installed, 2)
	byHand, byCommand := at(docs[0], "webhooks", 0).(map[string]any), at(installed[1], "webhooks", 0).(map[string]any)
	assert.Equal(t, at(byHand, "clientConfig", "url"), at(byCommand, "clientConfig", "url"))
	for _, w := range []map[string]any{byHand, byCommand} { // what the API server sets by itself need not be there
		delete(w, "clientConfig")
		delete(w, "objectSelector")
		for _, rule := range all(w, "rules") {
			delete(rule.(map[string]any), "scope")
		}
	}
	assert.Equal(t, byHand, byCommand)
}

// TestNamespacesComponent: the token is of the account that may read namespaces, and of nobody else.
func TestNamespacesComponent(t *testing.T) {
	const parts = "../admission/namespaces/"
	account := at(manifest(t, "base/serviceaccount.yaml", "ServiceAccount"), "metadata", "name")
	subject := at(manifest(t, parts+"rights.yaml", "ClusterRoleBinding"), "subjects", 0)
	assert.Equal(t, account, at(subject, "name"))
	assert.Equal(t, install.DefaultNamespace, at(subject, "namespace"))
	role := manifest(t, parts+"rights.yaml", "ClusterRole")
	require.Len(t, all(role, "rules"), 1)
	assert.Equal(t, []any{"namespaces"}, all(role, "rules", 0, "resources"))
	assert.Equal(t, []any{"get", "list", "watch"}, all(role, "rules", 0, "verbs"))
	assert.Equal(t, at(role, "metadata", "name"), at(manifest(t, parts+"rights.yaml", "ClusterRoleBinding"), "roleRef", "name"))
	pod := at(manifest(t, parts+"statefulset.yaml", "StatefulSet"), "spec", "template", "spec")
	assert.Equal(t, "true", at(pod, "automountServiceAccountToken"))
	policy := manifest(t, parts+"networkpolicy.yaml", "NetworkPolicy")
	assert.Equal(t, at(manifest(t, admissionParts+"networkpolicy.yaml", "NetworkPolicy"), "spec", "podSelector"), at(policy, "spec", "podSelector"))
}
