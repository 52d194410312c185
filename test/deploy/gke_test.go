package deploy_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

var update = flag.Bool("update", false, "write what setup.sh prints into testdata")

func gkePath(t *testing.T, file string) string {
	t.Helper()
	return filepath.Join(corpora.Root(t), "deploy", "gke", filepath.FromSlash(file))
}

func gkeFile(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(gkePath(t, file))
	require.NoError(t, err)
	return string(b)
}

// setupGKE runs deploy/gke/setup.sh with variables and arguments, in a PATH that begins
// with a folder.
func setupGKE(t *testing.T, path string, env []string, args ...string) (string, error) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("setup.sh is for bash, which is not here")
	}
	cmd := exec.Command(bash, append([]string{gkePath(t, "setup.sh")}, args...)...)
	cmd.Env = append([]string{"PATH=" + path + ":/usr/bin:/bin"}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestGKESetupDryRun shows the commands of each way, and holds that nobody is asked for
// anything.
func TestGKESetupDryRun(t *testing.T) {
	asked := fakeGcloud(t, true)
	for name, run := range map[string]struct {
		env []string
		way string
	}{
		"push":              {nil, "push"},
		"pull":              {nil, "pull"},
		"push-organization": {[]string{"LOG_PARENT=organizations/123", "CLUSTER_PROJECT_ID=other-project", `EXCLUSION=protoPayload.methodName:"leases" AND NOT a='b'`}, "push"},
		"pull-folder":       {[]string{"LOG_PARENT=folders/456"}, "pull"},
	} {
		got, err := setupGKE(t, asked, append(run.env, "PROJECT_ID=my-project"), "--dry-run", run.way)
		require.NoError(t, err, got)
		file := filepath.Join("testdata", "gke-"+name+".txt")
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err, "go test ./test/deploy -update makes it")
		assert.Equal(t, string(want), got, "%s; look at the difference, then go test ./test/deploy -update", file)
	}
	assert.Empty(t, calls(t, asked), "a dry run asks nobody")
}

// fakeGcloud makes a folder with a gcloud that writes down what it is called with. What it
// is asked to describe is there, or not.
func fakeGcloud(t *testing.T, there bool) (folder string) {
	t.Helper()
	folder = t.TempDir()
	answer := `case " $* " in *" describe "*) exit 1 ;; esac`
	if there {
		answer = `case " $* " in *exclusions.name*) echo noise ;; esac`
	}
	script := "#!/bin/sh\necho \"$*\" >>" + folder + "/calls\ncase \" $* \" in *writerIdentity*) echo serviceAccount:writer@example; exit ;; esac\n" + answer + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "gcloud"), []byte(script), 0o755))
	return folder
}

// calls are what it was called with, describes left out.
func calls(t *testing.T, folder string) (all []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		if !strings.Contains(line, " describe ") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// TestGKESetupAgain: what is not there is created, and what is there is changed; of
// commands of which one can be run again there is no other.
func TestGKESetupAgain(t *testing.T) {
	env := []string{"PROJECT_ID=my-project", "EXCLUSION=a"}
	first, again := fakeGcloud(t, false), fakeGcloud(t, true)
	out, err := setupGKE(t, first, env, "push")
	require.NoError(t, err, out)
	out, err = setupGKE(t, again, env, "push")
	require.NoError(t, err, out)
	verbs := func(folder string) (verbs []string) {
		for _, call := range calls(t, folder) {
			verb, _, _ := strings.Cut(call, " -")
			verbs = append(verbs, strings.TrimSuffix(verb, " pubsub.googleapis.com/projects/my-project/topics/kubewitness-gke-audit"))
		}
		return verbs
	}
	const account = "kubewitness@my-project.iam.gserviceaccount.com"
	enable := "services enable logging.googleapis.com pubsub.googleapis.com iam.googleapis.com iamcredentials.googleapis.com"
	assert.Equal(t, []string{
		enable, "iam service-accounts create kubewitness", "iam service-accounts add-iam-policy-binding " + account,
		"pubsub topics create kubewitness-gke-audit", "pubsub subscriptions create kubewitness", "pubsub subscriptions add-iam-policy-binding kubewitness",
		"logging sinks create kubewitness-gke-audit", "pubsub topics add-iam-policy-binding kubewitness-gke-audit",
	}, verbs(first))
	assert.Equal(t, []string{
		enable, "iam service-accounts add-iam-policy-binding " + account,
		"pubsub subscriptions update kubewitness", "pubsub subscriptions add-iam-policy-binding kubewitness",
		"logging sinks update kubewitness-gke-audit", "pubsub topics add-iam-policy-binding kubewitness-gke-audit",
	}, verbs(again))
	for _, folder := range []string{first, again} {
		made := calls(t, folder)
		assert.Contains(t, made[len(made)-1], "--role=roles/pubsub.publisher --member=serviceAccount:writer@example")
	}
	assert.Contains(t, strings.Join(calls(t, again), "\n"), "--update-exclusion=name=noise,filter=a")
}

func TestGKESetupRefuses(t *testing.T) {
	asked := fakeGcloud(t, true)
	for name, run := range map[string]struct {
		env, args []string
		want      string
	}{
		"no project":   {nil, []string{"push"}, "PROJECT_ID is not set"},
		"no way":       {[]string{"PROJECT_ID=p"}, nil, "setup.sh [--dry-run] push"},
		"another way":  {[]string{"PROJECT_ID=p"}, []string{"both"}, "setup.sh [--dry-run] push"},
		"other parent": {[]string{"PROJECT_ID=p", "LOG_PARENT=billingAccounts/1"}, []string{"push"}, "write projects/ID, folders/NUMBER or organizations/NUMBER"},
	} {
		out, err := setupGKE(t, asked, run.env, run.args...)
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, name)
		assert.Equal(t, 2, exit.ExitCode(), name)
		assert.Contains(t, out, run.want, name)
	}
	assert.Empty(t, calls(t, asked))
}

var (
	shellDefault = regexp.MustCompile(`(?m)^([A-Z_]+)=\$\{[A-Z_]+:-([^}$]*)\}`)
	shellFilter  = regexp.MustCompile(`(?m)^FILTER='(.*)'$`)
	tfVariable   = regexp.MustCompile(`(?s)variable "(\w+)" \{\n(.*?)\n\}\n`)
	tfDefault    = regexp.MustCompile(`(?m)^  default +=\s+"(.*)"$`)
	tfFilter     = regexp.MustCompile(`(?m)^  filter += (".*")$`)
	tfResource   = regexp.MustCompile(`(?m)^resource "(\w+)" "(\w+)" \{$`)
	tfReference  = regexp.MustCompile(`\b(google_\w+)\.(\w+)\b|\b(var|local)\.(\w+)`)
	tfRole       = regexp.MustCompile(`roles/[\w.]+`)
)

// TestGKEAgree: script, Terraform, manifests and document name the same things.
func TestGKEAgree(t *testing.T) {
	script, main := gkeFile(t, "setup.sh"), gkeFile(t, "terraform/main.tf")
	shell, tf := map[string]string{}, map[string]string{}
	for _, m := range shellDefault.FindAllStringSubmatch(script, -1) {
		shell[strings.ToLower(m[1])] = m[2]
	}
	for _, m := range tfVariable.FindAllStringSubmatch(gkeFile(t, "terraform/variables.tf"), -1) {
		tf[m[1]] = ""
		if d := tfDefault.FindStringSubmatch(m[2]); d != nil {
			tf[m[1]] = d[1]
		}
		assert.Contains(t, m[2], "description = ", m[1])
	}
	for _, name := range []string{"namespace", "service_account", "sink", "topic", "subscription"} {
		require.NotEmpty(t, shell[name], name)
		assert.Equal(t, shell[name], tf[name], name)
	}
	for _, name := range []string{"project_id", "log_parent", "cluster_project_id"} {
		assert.Contains(t, tf, name)
		assert.True(t, strings.Contains(script, strings.ToUpper(name)+"=${"), name)
	}
	filter := shellFilter.FindStringSubmatch(script)[1]
	var inTerraform string
	_, err := fmt.Sscanf(tfFilter.FindStringSubmatch(main)[1], "%q", &inTerraform)
	require.NoError(t, err)
	assert.Equal(t, filter, inTerraform)
	assert.ElementsMatch(t, unique(tfRole.FindAllString(script, -1)), unique(tfRole.FindAllString(main, -1)))
	for _, same := range [][2]string{{"ACK_DEADLINE=60", "ack_deadline_seconds       = 60"}, {"RETENTION=7d", `message_retention_duration = "604800s"`}, {"--expiration-period=never", `ttl = ""`}} {
		assert.True(t, strings.Contains(script, same[0]) && strings.Contains(main, same[1]), "%s is not %s", same[0], same[1])
	}

	push, pull := gkeConfig(t, "push"), gkeConfig(t, "pull")
	assert.Equal(t, []string{"projects/my-project/subscriptions/" + shell["subscription"]}, push.PubSub.Subscriptions)
	assert.False(t, push.CloudLogging.On())
	assert.Equal(t, []string{"projects/my-project"}, pull.CloudLogging.Resources)
	assert.False(t, pull.PubSub.On())
	account := at(gkeManifest(t, "ServiceAccount"), "metadata")
	assert.Equal(t, shell["service_account"], at(account, "name"))
	assert.Equal(t, shell["service_account"]+"@my-project.iam.gserviceaccount.com", at(account, "annotations", "iam.gke.io/gcp-service-account"))
	assert.Equal(t, shell["namespace"], at(gkeManifest(t, "Namespace"), "metadata", "name"))

	for _, doc := range []string{"docs/gke.md", "deploy/gke/README.md"} {
		b, err := os.ReadFile(filepath.Join(corpora.Root(t), filepath.FromSlash(doc)))
		require.NoError(t, err)
		for _, role := range tfRole.FindAllString(string(b), -1) {
			assert.True(t, strings.Contains(script, role), "%s: setup.sh grants no %s", doc, role)
		}
	}
	readme := gkeFile(t, "README.md")
	for _, name := range []string{"sink", "topic", "subscription"} {
		assert.True(t, strings.Contains(readme, "`"+shell[name]+"`"), name)
	}
}

func unique(all []string) (some []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if s = strings.TrimRight(s, "."); !seen[s] {
			seen[s] = true
			some = append(some, s)
		}
	}
	return some
}

// TestGKETerraform: what the files refer to is declared in them, what is declared is used,
// and, where terraform is there, they are formatted as it does it.
func TestGKETerraform(t *testing.T) {
	var text strings.Builder
	for _, file := range []string{"main.tf", "variables.tf", "outputs.tf", "versions.tf"} {
		text.WriteString(gkeFile(t, "terraform/"+file))
	}
	declared, used := map[string]bool{}, map[string]bool{}
	for _, m := range tfResource.FindAllStringSubmatch(text.String(), -1) {
		declared[m[1]+"."+m[2]] = true
	}
	require.Greater(t, len(declared), 8)
	for _, m := range tfVariable.FindAllStringSubmatch(text.String(), -1) {
		declared["var."+m[1]] = true
	}
	locals, _, _ := strings.Cut(gkeFile(t, "terraform/main.tf"), "\nresource ")
	for _, m := range regexp.MustCompile(`(?m)^  (\w+) += `).FindAllStringSubmatch(locals, -1) {
		declared["local."+m[1]] = true
	}
	for _, m := range tfReference.FindAllStringSubmatch(text.String(), -1) {
		name := m[1] + m[3] + "." + m[2] + m[4]
		used[name] = true
		assert.True(t, declared[name], "%s is not declared", name)
	}
	for name := range declared {
		if !strings.HasPrefix(name, "google_") {
			assert.True(t, used[name], "%s is not used", name)
		}
	}
	for open, end := range map[string]string{"{": "}", "[": "]", "(": ")"} {
		assert.Equal(t, strings.Count(text.String(), open), strings.Count(text.String(), end), open)
	}

	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Log("no terraform: formatting is not looked at")
		return
	}
	cmd := exec.Command(terraform, "fmt", "-check", "-diff", gkePath(t, "terraform"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "CHECKPOINT_DISABLE=1"}
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, string(out))
}

func gkeConfig(t *testing.T, way string) *config.Loaded {
	t.Helper()
	c, err := config.Load(config.Sources{File: gkePath(t, "kubernetes/"+way+"/kubewitness.yaml")})
	require.NoError(t, err)
	require.NoError(t, c.Validate())
	assert.Empty(t, c.Warnings)
	return c
}

// gkeManifest returns the one object of a kind.
func gkeManifest(t *testing.T, kind string) any {
	t.Helper()
	docs, err := parseYAML(gkeFile(t, "kubernetes/base/"+strings.ToLower(kind)+".yaml"))
	require.NoError(t, err)
	require.Len(t, docs, 1)
	require.Equal(t, kind, at(docs[0], "kind"))
	return docs[0]
}

// TestGKEManifests: what the pod is told fits the image, the configuration and the volume.
func TestGKEManifests(t *testing.T) {
	set := gkeManifest(t, "StatefulSet")
	pod := at(set, "spec", "template", "spec")
	c := at(pod, "containers", 0)
	base, err := parseYAML(gkeFile(t, "kubernetes/base/kustomization.yaml"))
	require.NoError(t, err)
	files, err := filepath.Glob(gkePath(t, "kubernetes/base/*.yaml"))
	require.NoError(t, err)
	assert.Len(t, all(base[0], "resources"), len(files)-1, "every manifest is applied")
	_, final := finalStage(t)
	assert.Equal(t, words(final.only(t, "VOLUME"))[0], mountPath(t, c, "data"))
	for _, way := range []string{"push", "pull"} {
		docs, err := parseYAML(gkeFile(t, "kubernetes/"+way+"/kustomization.yaml"))
		require.NoError(t, err)
		assert.Equal(t, []any{"../base"}, all(docs[0], "resources"))
		generated := at(docs[0], "configMapGenerator", 0)
		assert.Equal(t, []any{"kubewitness.yaml"}, all(generated, "files"))
		assert.Equal(t, at(generated, "name"), at(named(t, all(pod, "volumes"), "config"), "configMap", "name"))
		cfg := gkeConfig(t, way)
		assert.Equal(t, cfg.Data, mountPath(t, c, "data"))
		assert.Equal(t, "0.0.0.0:"+at(named(t, all(c, "ports"), "http"), "containerPort").(string), cfg.HTTP.Listen)
		assert.Empty(t, cfg.Webhook.Listen, "nobody sends")
		assert.GreaterOrEqual(t, int64(20)<<30, int64(cfg.Spool.MaxBytes+cfg.Spool.DeadBytes+cfg.Spool.FreeFloor+cfg.Store.MaxBytes))
	}
	require.Equal(t, []any{"serve", "--config", mountPath(t, c, "config") + "/kubewitness.yaml"}, all(c, "args"))
	claim := at(set, "spec", "volumeClaimTemplates", 0)
	assert.Equal(t, "20Gi", at(claim, "spec", "resources", "requests", "storage"))

	// As in deploy/kubernetes, whose tests say why.
	plain := at(manifest(t, "base/statefulset.yaml", "StatefulSet"), "spec", "template", "spec")
	assert.Equal(t, at(plain, "securityContext"), at(pod, "securityContext"))
	assert.Equal(t, at(plain, "containers", 0, "securityContext"), at(c, "securityContext"))
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		assert.Equal(t, at(plain, "containers", 0, probe), at(c, probe), probe)
	}
	assert.Equal(t, manifest(t, "base/namespace.yaml", "Namespace"), gkeManifest(t, "Namespace"))
	assert.Equal(t, at(c, "resources", "limits", "memory"), at(c, "resources", "requests", "memory"), "Autopilot takes the request for the limit")
	assert.Equal(t, "1", at(set, "spec", "replicas"))
	assert.Equal(t, "false", at(pod, "automountServiceAccountToken"))
	assert.Equal(t, at(set, "spec", "template", "metadata", "labels"), at(gkeManifest(t, "NetworkPolicy"), "spec", "podSelector", "matchLabels"))
	var ports []any
	for _, rule := range all(gkeManifest(t, "NetworkPolicy"), "spec", "egress") {
		for _, p := range all(rule, "ports") {
			ports = append(ports, at(p, "port"))
		}
	}
	assert.ElementsMatch(t, []any{"53", "53", "80", "988", "443"}, ports)
}

// TestGKEManifestsOnAPIServer has a real API server take the manifests, without a warning.
func TestGKEManifestsOnAPIServer(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	out, err := c.Kubectl("apply", "-f", gkePath(t, "kubernetes/base/namespace.yaml"))
	require.NoError(t, err, out)
	for _, way := range []string{"push", "pull"} {
		out, err := c.Kubectl("apply", "--dry-run=server", "-k", gkePath(t, "kubernetes/"+way))
		require.NoError(t, err, out)
		assert.NotContains(t, out, "Warning", way)
		for _, kind := range []string{"serviceaccount/kubewitness", "service/kubewitness-http", "statefulset.apps/kubewitness", "networkpolicy.networking.k8s.io/kubewitness", "configmap/kubewitness-config-"} {
			assert.Contains(t, out, kind, way)
		}
	}
}
