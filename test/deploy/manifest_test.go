package deploy_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/test/corpora"
)

func manifestPath(t *testing.T, file string) string {
	t.Helper()
	return filepath.Join(corpora.Root(t), "deploy", "kubernetes", filepath.FromSlash(file))
}

// manifests reads a file of deploy/kubernetes.
func manifests(t *testing.T, file string) []any {
	t.Helper()
	b, err := os.ReadFile(manifestPath(t, file))
	require.NoError(t, err)
	docs, err := parseYAML(string(b))
	require.NoError(t, err, file)
	return docs
}

// manifest returns the one object of a kind, and of a name where it is given.
func manifest(t *testing.T, file, kind string, name ...string) any {
	t.Helper()
	var found []any
	for _, doc := range manifests(t, file) {
		if at(doc, "kind") == kind && (len(name) == 0 || at(doc, "metadata", "name") == name[0]) {
			found = append(found, doc)
		}
	}
	require.Len(t, found, 1, "%s in %s", kind, file)
	return found[0]
}

// named returns the item of a list that has a name.
func named(t *testing.T, list []any, name string) any {
	t.Helper()
	i := slices.IndexFunc(list, func(v any) bool { return at(v, "name") == name })
	require.GreaterOrEqual(t, i, 0, "nothing is called %s in %v", name, list)
	return list[i]
}

func mountPath(t *testing.T, container any, volume string) string {
	t.Helper()
	return at(named(t, all(container, "volumeMounts"), volume), "mountPath").(string)
}

var variants = []string{"clusterip", "nodeport", "loadbalancer"}

// TestManifestsParse: every YAML file is of the plain kind, and kustomize finds what it
// looks for.
func TestManifestsParse(t *testing.T) {
	yamls, err := filepath.Glob(manifestPath(t, "*/*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, yamls)
	used := map[string]bool{}
	for _, folder := range append([]string{"base"}, variants...) {
		k := manifests(t, folder+"/kustomization.yaml")
		require.Len(t, k, 1)
		used[folder+"/kustomization.yaml"] = true
		for _, r := range all(k[0], "resources") {
			used[folder+"/"+r.(string)] = true
		}
		for _, p := range all(k[0], "patches") {
			used[folder+"/"+at(p, "path").(string)] = true
		}
		for _, g := range all(k[0], "configMapGenerator") {
			for _, f := range all(g, "files") {
				used[folder+"/"+f.(string)] = true
			}
		}
		if folder != "base" {
			assert.Equal(t, []any{"../base"}, all(k[0], "resources"))
		}
	}
	for _, file := range yamls {
		rel, err := filepath.Rel(manifestPath(t, ""), file)
		require.NoError(t, err)
		manifests(t, rel)
		assert.True(t, used[filepath.ToSlash(rel)], "%s is in no kustomization", rel)
	}
}

// podConfig is the configuration of the pod, as `kubewitness config check` reads it.
func podConfig(t *testing.T) *config.Loaded {
	t.Helper()
	c, err := config.Load(config.Sources{File: manifestPath(t, "base/kubewitness.yaml")})
	require.NoError(t, err)
	return c
}

func TestConfigurationIsValid(t *testing.T) {
	c := podConfig(t)
	assert.NoError(t, c.Validate())
	assert.Empty(t, c.Warnings)
}

// TestContainer: what the container is told fits the image, the configuration and the
// volumes.
func TestContainer(t *testing.T) {
	set := manifest(t, "base/statefulset.yaml", "StatefulSet")
	pod := at(set, "spec", "template", "spec")
	containers := all(pod, "containers")
	require.Len(t, containers, 1)
	c, cfg := containers[0], podConfig(t)
	kustomization := manifests(t, "base/kustomization.yaml")[0]

	assert.Nil(t, at(c, "command"), "the image's entry point")
	require.Equal(t, []any{"serve", "--config", mountPath(t, c, "config") + "/kubewitness.yaml"}, all(c, "args"))
	generated := at(kustomization, "configMapGenerator", 0)
	assert.Equal(t, []any{"kubewitness.yaml"}, all(generated, "files"))
	assert.Equal(t, at(generated, "name"), at(named(t, all(pod, "volumes"), "config"), "configMap", "name"))
	assert.Equal(t, at(kustomization, "images", 0, "name"), at(c, "image"))

	_, final := finalStage(t)
	exposed := strings.Fields(final.only(t, "EXPOSE"))
	assert.Equal(t, words(final.only(t, "VOLUME"))[0], mountPath(t, c, "data"))
	assert.Equal(t, cfg.Data, mountPath(t, c, "data"))
	for i, listen := range []struct{ name, address string }{{"webhook", cfg.Webhook.Listen}, {"http", cfg.HTTP.Listen}} {
		host, port, err := net.SplitHostPort(listen.address)
		require.NoError(t, err)
		assert.Equal(t, "0.0.0.0", host, "others than the pod itself are to reach it")
		assert.Equal(t, port, at(named(t, all(c, "ports"), listen.name), "containerPort"))
		assert.Equal(t, port, exposed[i])
	}
	tls := cfg.Webhook.TLS
	for _, file := range []string{tls.CertFile, tls.KeyFile, tls.ClientCAFile} {
		assert.Equal(t, mountPath(t, c, "tls"), filepath.ToSlash(filepath.Dir(file)))
	}
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		assert.Equal(t, "http", at(c, probe, "httpGet", "port"), probe)
	}
	assert.Equal(t, "/healthz", at(c, "livenessProbe", "httpGet", "path"))
	assert.Equal(t, "/readyz", at(c, "readinessProbe", "httpGet", "path"))
}

// TestRestricted holds what the profile "restricted" of Pod Security demands, and the
// little more that we promise.
func TestRestricted(t *testing.T) {
	ns := manifest(t, "base/namespace.yaml", "Namespace")
	assert.Equal(t, "restricted", at(ns, "metadata", "labels", "pod-security.kubernetes.io/enforce"))
	pod := at(manifest(t, "base/statefulset.yaml", "StatefulSet"), "spec", "template", "spec")
	for _, forbidden := range []string{"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} {
		assert.Nil(t, at(pod, forbidden), forbidden)
	}
	for _, v := range all(pod, "volumes") {
		for kind := range v.(map[string]any) {
			assert.Contains(t, []string{"name", "configMap", "secret"}, kind)
		}
	}
	assert.Equal(t, map[string]any{
		"runAsNonRoot": "true", "runAsUser": strconv.Itoa(uid), "runAsGroup": strconv.Itoa(gid), "fsGroup": strconv.Itoa(gid),
		"fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": map[string]any{"type": "RuntimeDefault"},
	}, at(pod, "securityContext"))
	c := at(pod, "containers", 0)
	assert.Equal(t, map[string]any{
		"allowPrivilegeEscalation": "false", "readOnlyRootFilesystem": "true", "capabilities": map[string]any{"drop": []any{"ALL"}},
	}, at(c, "securityContext"))
	for _, p := range all(c, "ports") {
		assert.Nil(t, at(p, "hostPort"))
	}
	assert.Equal(t, "512Mi", at(c, "resources", "limits", "memory"))

	assert.Equal(t, "false", at(pod, "automountServiceAccountToken"))
	account := manifest(t, "base/serviceaccount.yaml", "ServiceAccount")
	assert.Equal(t, "false", at(account, "automountServiceAccountToken"))
	assert.Equal(t, at(account, "metadata", "name"), at(pod, "serviceAccountName"))
	files, err := filepath.Glob(manifestPath(t, "*/*.yaml"))
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, kind := range []string{"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Secret"} {
			assert.NotContains(t, string(b), "kind: "+kind+"\n", "%s: no rights are needed, and secrets are not committed", file)
		}
	}
}

// TestServices: selectors, ports and names of the files fit together.
func TestServices(t *testing.T) {
	set := manifest(t, "base/statefulset.yaml", "StatefulSet")
	labels := at(set, "spec", "template", "metadata", "labels")
	assert.Equal(t, labels, at(set, "spec", "selector", "matchLabels"))
	ports := all(set, "spec", "template", "spec", "containers", 0, "ports")
	hook := manifest(t, "base/service.yaml", "Service", "kubewitness")
	pages := manifest(t, "base/service.yaml", "Service", at(set, "spec", "serviceName").(string))
	assert.Equal(t, "None", at(pages, "spec", "clusterIP"))
	for _, s := range []struct {
		service any
		port    string
	}{{hook, "webhook"}, {pages, "http"}} {
		assert.Equal(t, labels, at(s.service, "spec", "selector"))
		require.Len(t, all(s.service, "spec", "ports"), 1, "health and metrics stay out of what others may reach")
		assert.Equal(t, s.port, at(s.service, "spec", "ports", 0, "targetPort"))
		assert.Equal(t, at(named(t, ports, s.port), "containerPort"), at(s.service, "spec", "ports", 0, "port"))
	}

	policy := manifest(t, "base/networkpolicy.yaml", "NetworkPolicy")
	assert.Equal(t, labels, at(policy, "spec", "podSelector", "matchLabels"))
	assert.Equal(t, []any{"Ingress", "Egress"}, all(policy, "spec", "policyTypes"))
	for i, port := range []string{"webhook", "http"} {
		assert.Equal(t, port, at(policy, "spec", "ingress", i, "ports", 0, "port"))
	}
	assert.NotEmpty(t, all(policy, "spec", "ingress", 1, "from"), "health and metrics are not for everybody")

	for kind, folder := range map[string]string{"ClusterIP": "clusterip", "NodePort": "nodeport", "LoadBalancer": "loadbalancer"} {
		patch := manifest(t, folder+"/service.yaml", "Service", "kubewitness")
		assert.Equal(t, kind, at(patch, "spec", "type"))
		assert.Equal(t, at(manifests(t, "base/kustomization.yaml")[0], "namespace"), at(patch, "metadata", "namespace"))
		for _, p := range all(patch, "spec", "ports") {
			assert.Equal(t, at(hook, "spec", "ports", 0, "port"), at(p, "port"), "kubectl finds the port by its number")
		}
	}
	ip, err := netip.ParseAddr(at(manifest(t, "clusterip/service.yaml", "Service"), "spec", "clusterIP").(string))
	require.NoError(t, err)
	assert.True(t, netip.MustParsePrefix("10.96.0.0/24").Contains(ip), "in the part of the range that is not handed out")
}

// TestRoom: the volume has room for all that the log may keep, and a pod that is told to
// go has the time that the service takes.
func TestRoom(t *testing.T) {
	set := manifest(t, "base/statefulset.yaml", "StatefulSet")
	claim := at(set, "spec", "volumeClaimTemplates", 0)
	assert.Equal(t, "data", at(claim, "metadata", "name"))
	room, ok := strings.CutSuffix(at(claim, "spec", "resources", "requests", "storage").(string), "Gi")
	require.True(t, ok)
	gib, err := strconv.ParseInt(room, 10, 64)
	require.NoError(t, err)
	c := podConfig(t)
	require.Positive(t, c.Store.MaxBytes)
	assert.GreaterOrEqual(t, gib<<30, int64(c.Spool.MaxBytes+c.Spool.DeadBytes+c.Spool.FreeFloor+c.Store.MaxBytes))
	assert.Equal(t, "90", at(set, "spec", "template", "spec", "terminationGracePeriodSeconds"))
	assert.Equal(t, "1", at(set, "spec", "replicas"))
}
