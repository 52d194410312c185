package apiserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/install"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

// The names of what is installed.
const (
	installedNamespace = "kubewitness"
	installedService   = "kubewitness-admission"
	tlsSecretPath      = "/api/v1/namespaces/kubewitness/secrets/kubewitness-admission-tls"
	pathSecretPath     = "/api/v1/namespaces/kubewitness/secrets/kubewitness-admission-path"
)

// labelMutation is what makes the service answer the mutating webhook.
const labelMutation = `
mutate:
  - name: marks
    namespaces: [nowhere]
    labels: {add: {seen: "yes"}}
`

// installed is a cluster that kubewitness is installed into by its own commands. The process stands
// for the pod: it listens on every loopback address, of which the Services' are some, and the test
// does what a kubelet and an endpoint controller would.
type installed struct {
	*service
	cluster *rig.Cluster
	port    string                    // of the reviews, and of the Service
	secrets map[string]map[string]any // by path, as the pod has them

	kubeconfig string // of who runs commands
}

func newInstalled(t *testing.T) *installed {
	t.Helper()
	rig.Binaries(t)
	i := &installed{service: newService(t, "")}
	_, i.port, _ = net.SplitHostPort(freeAddress(t))
	i.write("config.yaml", fmt.Sprintf(`
data: %s
http: {listen: %q}
admission:
  listen: "0.0.0.0:%s"
  tls: {cert_file: %s, key_file: %s}
  deadline: 1s
  mutate: %s
  credentials: [{name: path, path_secret_file: %s, clusters: [prod]}]
clusters: [{name: prod}]
rules: {paths: [%s], append_fields: [ka.target.name]}
outputs:
  stdout: {enabled: false}
  file: {path: %s}
`, filepath.Join(i.dir, "data"), i.http, i.port, i.mounted("tls.crt"), i.mounted("tls.key"), i.write("mutate.yaml", labelMutation), i.mounted("path"), i.rules[1], i.output))
	i.cluster = rig.Start(t, rig.Options{Flags: []string{"--service-cluster-ip-range=127.77.0.0/24"}})
	out, err := i.cluster.Kubectl("apply", "-k", filepath.Join(corpora.Root(t), "deploy", "admission", "kubernetes"))
	require.NoError(t, err, out)
	assert.NotContains(t, out, "Warning")
	i.kubeconfig = i.cluster.Kubeconfig
	return i
}

// as gives the kubeconfig of a service account.
func (i *installed) as(account string) string {
	i.t.Helper()
	token, err := i.cluster.Kubectl("create", "token", account, "--namespace="+installedNamespace)
	require.NoError(i.t, err, token)
	b, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "rig",
		"clusters": []any{map[string]any{"name": "rig", "cluster": map[string]any{"server": i.cluster.Server, "certificate-authority": i.cluster.CA}}},
		"users":    []any{map[string]any{"name": account, "user": map[string]any{"token": strings.TrimSpace(token)}}},
		"contexts": []any{map[string]any{"name": "rig", "context": map[string]any{"cluster": "rig", "user": account}}},
	})
	require.NoError(i.t, err)
	return i.write(account+".kubeconfig", string(b))
}

// mounted is a file of the Secrets as the pod has it.
func (i *installed) mounted(key string) string { return filepath.Join(i.dir, "mount", key) }

// run runs kubewitness admission; die names a failpoint, "" for none. It gives the exit code and
// what was printed, to both outputs.
func (i *installed) run(die, verb string, args ...string) (code int, out string) {
	i.t.Helper()
	cmd := exec.Command(binary(i.t), append([]string{"admission", verb, "--kubeconfig", i.kubeconfig}, args...)...)
	cmd.Env = append(os.Environ(), "KUBEWITNESS_FAILPOINT="+die)
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		i.t.Fatalf("%v", err)
	}
	assert.NotContains(i.t, string(b), i.secretOfPath(), "no secret is printed")
	return cmd.ProcessState.ExitCode(), string(b)
}

// do runs what must go well.
func (i *installed) do(verb string, args ...string) string {
	i.t.Helper()
	code, out := i.run("", verb, args...)
	require.Zero(i.t, code, "%s: %s", verb, out)
	return out
}

func (i *installed) install(args ...string) string {
	return i.do("install", append([]string{"--service-port", i.port, "--mutate"}, args...)...)
}

// get reads an object; nil where there is none.
func (i *installed) get(path string) map[string]any {
	i.t.Helper()
	r, err := i.cluster.Admin().Do(i.t.Context(), rig.Request{Method: http.MethodGet, Path: path})
	require.NoError(i.t, err)
	if r.Code == http.StatusNotFound {
		return nil
	}
	require.Equal(i.t, http.StatusOK, r.Code, "%s", r.Body)
	var object map[string]any
	require.NoError(i.t, json.Unmarshal(r.Body, &object))
	return object
}

// data is the content of a Secret; nil where there is none.
func (i *installed) data(path string) map[string][]byte {
	i.t.Helper()
	b, err := json.Marshal(i.get(path))
	require.NoError(i.t, err)
	var s struct{ Data map[string][]byte }
	require.NoError(i.t, json.Unmarshal(b, &s))
	return s.Data
}

func (i *installed) secretOfPath() string {
	if text := string(i.data(pathSecretPath)["path"]); text != "" {
		return text
	}
	return "there is none"
}

// mount writes the Secrets to where the pod has them, as a kubelet does: all at once, by a link.
func (i *installed) mount() {
	i.t.Helper()
	dir, err := os.MkdirTemp(i.dir, "data-")
	require.NoError(i.t, err)
	certificate := i.data(tlsSecretPath)
	for key, content := range map[string][]byte{
		"tls.crt": certificate["tls.crt"], "tls.key": certificate["tls.key"], "path": i.data(pathSecretPath)["path"],
	} {
		require.NotEmpty(i.t, content, key)
		require.NoError(i.t, os.WriteFile(filepath.Join(dir, key), content, 0o600))
	}
	require.NoError(i.t, os.MkdirAll(filepath.Join(i.dir, "mount"), 0o700))
	link := filepath.Join(i.dir, "mount", "..data")
	require.NoError(i.t, os.Symlink(dir, link+"_tmp"))
	require.NoError(i.t, os.Rename(link+"_tmp", link))
	for _, key := range []string{"tls.crt", "tls.key", "path"} {
		if _, err := os.Lstat(i.mounted(key)); err != nil {
			require.NoError(i.t, os.Symlink(filepath.Join("..data", key), i.mounted(key)))
		}
	}
}

// begin installs, and starts the pod when its Secrets are there. What install printed is given.
func (i *installed) begin() string {
	i.t.Helper()
	done := make(chan string, 1)
	go func() { done <- i.install() }()
	i.untilInstalled("the Secrets are there", func() bool { return i.get(tlsSecretPath) != nil && i.get(pathSecretPath) != nil })
	assert.Empty(i.t, i.hooks(), "nothing is asked before somebody answers")
	i.mount()
	i.start()
	i.untilInstalled("the Service is there", func() bool { return i.get("/api/v1/namespaces/kubewitness/services/"+installedService) != nil })
	assert.Empty(i.t, i.hooks(), "nothing is asked before a pod is ready")
	i.endpoint(true)
	return <-done
}

// untilInstalled waits while the service may not run yet.
func (i *installed) untilInstalled(what string, holds func() bool) {
	i.t.Helper()
	await(i.t, what, nil, holds)
}

// endpoint says of the pod what an endpoint controller would.
func (i *installed) endpoint(ready bool) {
	i.t.Helper()
	const name = installedService + "-1"
	slice := fmt.Sprintf(`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":%q,"namespace":%q,"labels":{"kubernetes.io/service-name":%q}},`+
		`"addressType":"IPv4","ports":[{"name":"admission","port":%s}],"endpoints":[{"addresses":["192.0.2.77"],"conditions":{"ready":%t}}]}`,
		name, installedNamespace, installedService, i.port, ready)
	out, err := i.cluster.Kubectl("apply", "-f", i.write("slice.yaml", slice))
	require.NoError(i.t, err, out)
}

// hooks are the webhook configurations that there are, by kind.
func (i *installed) hooks() map[string]map[string]any {
	i.t.Helper()
	found := map[string]map[string]any{}
	for _, kind := range []string{"validating", "mutating"} {
		if o := i.get("/apis/admissionregistration.k8s.io/v1/" + kind + "webhookconfigurations/kubewitness"); o != nil {
			found[kind] = o
		}
	}
	return found
}

// versions are the resource versions of all that is installed.
func (i *installed) versions() map[string]string {
	i.t.Helper()
	out, err := i.cluster.Kubectl("get", "secrets,services,validatingwebhookconfigurations,mutatingwebhookconfigurations", "--namespace=kubewitness",
		"--selector=app.kubernetes.io/managed-by=kubewitness", `--output=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`)
	require.NoError(i.t, err, out)
	versions := map[string]string{}
	for line := range strings.Lines(out) {
		if what, version, is := strings.Cut(strings.TrimSpace(line), " "); is {
			versions[what] = version
		}
	}
	return versions
}

// TestInstall: on a real API server, what is installed asks and is asked, a second time changes
// nothing, foreign edits are mended, and whoever is killed at any step of installing or uninstalling
// leaves no webhook that points nowhere, and is finished by another run.
func TestInstall(t *testing.T) {
	i := newInstalled(t)
	i.ill("there is no ValidatingWebhookConfiguration kubewitness, so that API servers ask nobody: run kubewitness admission install",
		"there is no Secret kubewitness/kubewitness-admission-tls, which pods mount", "there is no Service kubewitness/kubewitness-admission, which webhooks are sent to")
	code, out := i.run("", "install", "--service-port", i.port, "--wait", "1ms")
	require.Equal(t, 1, code, out)
	assert.Contains(t, out, "no pod behind the Service kubewitness/kubewitness-admission is ready, so no webhook was written")
	assert.Empty(t, i.hooks())

	named, err := json.Marshal(install.Options{URL: "https://k.example.com/admission/prod"}.Validating(install.Cluster{MatchConditions: true, Named: true}, "", nil))
	require.NoError(t, err)
	out, err = i.cluster.Kubectl("apply", "--dry-run=server", "-f", i.write("named.yaml", string(named)))
	require.NoError(t, err, "what GKE Autopilot may get is good: %s", out)

	out = i.begin()
	assert.Contains(t, out, "a dry run of a ConfigMap in default was reviewed: cluster prod, the API server is known by the secret in the path, its event is on disk\n")
	assert.Contains(t, out, "a dry run of a Deployment in default was looked at for changes\n")
	before := i.versions()
	assert.Len(t, before, 5, "%v", before)
	again := i.install()
	assert.Regexp(t, `^a dry run of a ConfigMap in default was reviewed: [^\n]+\na dry run of a Deployment in default was looked at for changes\n$`, again, "nothing else is to be done")
	assert.Equal(t, before, i.versions())
	i.well()
	i.mends()
	i.endpoint(false)
	i.ill("no pod behind the Service kubewitness/kubewitness-admission is ready, so that reviews are not answered: kubectl -n kubewitness get pods")
	i.endpoint(true)
	i.stranger()
	i.killed()
	i.unhurt()
}

// well: doctor finds nothing wrong, and tells what is good to know.
func (i *installed) well() {
	i.t.Helper()
	out := i.do("doctor")
	for line := range strings.Lines(out) {
		assert.True(i.t, strings.HasPrefix(line, "note: "), line)
	}
	for _, text := range []string{
		"note: the API server at " + i.cluster.Server + " is v1.35.", "note: validatingwebhookconfiguration kubewitness leaves out the namespaces kubewitness, kube-system, kube-node-lease;",
		"note: the certificate is good until ", "note: the Service kubewitness/kubewitness-admission has 1 ready\n",
		": cluster prod, the API server is known by the secret in the path, its event is on disk\n",
	} {
		assert.Contains(i.t, out, text)
	}
}

// ill: doctor finds this wrong.
func (i *installed) ill(texts ...string) {
	i.t.Helper()
	code, out := i.run("", "doctor")
	assert.Equal(i.t, 1, code)
	for _, text := range texts {
		assert.Contains(i.t, "\n"+out, "\n"+text)
	}
}

// stranger: whoever may do nothing is told so, and nothing is made up.
func (i *installed) stranger() {
	i.t.Helper()
	i.kubeconfig = i.as("kubewitness")
	i.ill("you may not read validatingwebhookconfigurations.admissionregistration.k8s.io, mutatingwebhookconfigurations.admissionregistration.k8s.io, secrets, services, endpointslices.discovery.k8s.io, so that not all can be looked at",
		"note: you may not ")
	code, out := i.run("", "install")
	assert.Equal(i.t, 1, code)
	assert.Contains(i.t, out, "cannot get resource")
	i.kubeconfig = i.cluster.Kubeconfig
}

// mends: what others have changed is put back, and what they have added to the metadata stays.
func (i *installed) mends() {
	i.t.Helper()
	for edit, told := range map[string]string{
		`[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"},{"op":"add","path":"/metadata/annotations","value":{"theirs":"stays"}}]`: "has failurePolicy Fail, so that requests are refused while kubewitness does not answer",
		`[{"op":"add","path":"/webhooks/0/matchConditions/-","value":{"name":"blind","expression":"false"}}]`:                                         "is not as it is written: matchConditions is another;",
		`[{"op":"add","path":"/webhooks/0/namespaceSelector/matchExpressions/0/values/-","value":"default"}]`:                                         "is not as it is written: namespaceSelector is ",
		`[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]`:                                                                                "does not trust the certificate in the Secret kubewitness-admission-tls, so that no review comes",
	} {
		out, err := i.cluster.Kubectl("patch", "validatingwebhookconfiguration", "kubewitness", "--type=json", "--patch="+edit)
		require.NoError(i.t, err, out)
		i.ill("validatingwebhookconfiguration kubewitness " + told)
		assert.Contains(i.t, i.install(), "validatingwebhookconfiguration kubewitness: was another, is mended: ")
	}
	meta, _ := i.hooks()["validating"]["metadata"].(map[string]any)
	assert.Equal(i.t, map[string]any{"theirs": "stays"}, meta["annotations"])
}

// killed kills uninstall and install at each of their steps.
func (i *installed) killed() {
	i.t.Helper()
	i.secrets = map[string]map[string]any{tlsSecretPath: i.get(tlsSecretPath), pathSecretPath: i.get(pathSecretPath)}
	for _, point := range []string{
		"uninstall-each:1", "uninstall-validatingwebhookconfiguration:1", "uninstall-each:2", "uninstall-mutatingwebhookconfiguration:1",
		"uninstall-each:3", "uninstall-each:4", "uninstall-secret:1", "uninstall-each:5", "uninstall-service:1",
	} {
		code, out := i.run(point, "uninstall")
		require.Equal(i.t, -1, code, "%s: %s", point, out)
		i.pointsSomewhere(point)
		i.do("uninstall")
		assert.Empty(i.t, i.versions(), point)
		i.again()
	}
	assert.Contains(i.t, i.do("uninstall"), "removed")
	assert.Equal(i.t, "there is nothing to remove\n", i.do("uninstall"))
	for _, point := range []string{"install-certificate:1", "install-service:1", "install-webhooks:1", "install-mutating:1"} {
		code, out := i.run(point, "install", "--service-port", i.port, "--mutate")
		require.Equal(i.t, -1, code, "%s: %s", point, out)
		i.pointsSomewhere(point)
		i.do("uninstall")
		i.again()
		assert.Len(i.t, i.versions(), 5, point)
		i.do("uninstall")
	}
	out, err := i.cluster.Kubectl("create", "configmap", "afterwards", "--namespace=default")
	require.NoError(i.t, err, out)
}

// again installs once more, with the Secrets that the pod has.
func (i *installed) again() {
	i.t.Helper()
	for path, object := range i.secrets {
		if i.get(path) != nil {
			continue
		}
		meta, _ := object["metadata"].(map[string]any)
		delete(meta, "resourceVersion")
		delete(meta, "uid")
		r, err := i.cluster.Admin().Do(i.t.Context(), rig.Request{Method: http.MethodPost, Path: filepath.Dir(path), Body: object})
		require.NoError(i.t, err)
		require.Equal(i.t, http.StatusCreated, r.Code, "%s", r.Body)
	}
	i.install()
}

// pointsSomewhere holds that each webhook that is there has its Service and its Secrets.
func (i *installed) pointsSomewhere(when string) {
	i.t.Helper()
	if len(i.hooks()) == 0 {
		return
	}
	assert.NotNil(i.t, i.get("/api/v1/namespaces/kubewitness/services/"+installedService), when)
	assert.NotNil(i.t, i.get(tlsSecretPath), when)
	assert.NotNil(i.t, i.get(pathSecretPath), when)
}

// served waits until the pod shows the certificate of the Secret, and knows the secret path.
func (i *installed) served() {
	i.t.Helper()
	data := i.data(tlsSecretPath)
	block, _ := pem.Decode(data["tls.crt"])
	require.NotNil(i.t, block)
	pool := x509.NewCertPool()
	require.True(i.t, pool.AppendCertsFromPEM(data["ca.crt"]))
	config := &tls.Config{RootCAs: pool, ServerName: installedService + "." + installedNamespace + ".svc"}
	i.until("the pod has the Secrets", func() bool {
		c, err := tls.Dial("tcp", "127.0.0.1:"+i.port, config)
		if err != nil {
			return false
		}
		defer c.Close()
		if !bytes.Equal(c.ConnectionState().PeerCertificates[0].Raw, block.Bytes) {
			return false
		}
		fmt.Fprintf(c, "POST /admission/prod/%s HTTP/1.1\r\nHost: k\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", i.secretOfPath())
		b, _ := io.ReadAll(c)
		return bytes.HasPrefix(b, []byte("HTTP/1.1 415 ")) // 401 before
	})
}

// load sends requests until it is stopped.
type load struct {
	stop   context.CancelFunc
	sent   atomic.Int64
	failed atomic.Int64
	work   sync.WaitGroup
	mu     sync.Mutex
	names  map[string]bool
	errors []string
}

// newLoad has some clients create ConfigMaps without an end, each with a name of its own.
func (i *installed) newLoad() *load {
	ctx, cancel := context.WithCancel(i.t.Context())
	l := &load{stop: cancel, names: map[string]bool{}}
	for worker := range 4 {
		client := i.cluster.Client(fmt.Sprint("worker-", worker), "system:masters")
		l.work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("load-%d-%d", worker, n)
				body := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q}}`, name)
				r, err := client.Do(context.WithoutCancel(ctx), rig.Request{Method: http.MethodPost, Path: "/api/v1/namespaces/default/configmaps?dryRun=All", Body: body})
				l.took(name, r, err)
			}
		})
	}
	return l
}

func (l *load) took(name string, r rig.Response, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names[name] = true
	l.sent.Add(1)
	if err != nil || r.Code != http.StatusCreated {
		l.failed.Add(1)
		l.errors = append(l.errors, fmt.Sprint(name, ": ", err, " ", string(r.Body)))
	}
}

// TestRotation: while requests go through a webhook that refuses what it cannot have reviewed,
// authority and certificate are renewed several times. No request fails, and each is recorded once.
func TestRotation(t *testing.T) {
	i := newInstalled(t)
	i.begin()
	out, err := i.cluster.Kubectl("patch", "validatingwebhookconfiguration", "kubewitness", "--type=json",
		`--patch=[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"}]`)
	require.NoError(t, err, out)
	i.marker(0)
	i.kubeconfig = i.as("kubewitness-rotate") // who may do no more than that
	assert.Equal(t, "nothing is due\n", i.do("rotate"))
	l := i.newLoad()
	seen := map[string]bool{}
	const times = 4
	for n := range times {
		before := l.sent.Load()
		first := i.data(tlsSecretPath)
		assert.Contains(t, i.do("rotate", "--now"), "trusts 2 authorities")
		i.trusted(2)
		assert.Equal(t, "the next step is to come later\n", i.do("rotate"), "API servers take notice first")
		i.marker(3*n + 1)
		assert.Contains(t, i.do("rotate", "--settle", "0s"), "the new certificate is in force where it is mounted")
		second := i.data(tlsSecretPath)
		assert.NotEqual(t, first["tls.crt"], second["tls.crt"])
		assert.NotContains(t, second, "next.key")
		i.mount()
		i.served()
		i.marker(3*n + 2)
		assert.Contains(t, i.do("rotate", "--settle", "0s"), "trusts one authority")
		i.trusted(1)
		i.marker(3*n + 3)
		assert.NotEqual(t, first["ca.crt"], i.data(tlsSecretPath)["ca.crt"])
		seen[string(second["tls.crt"])] = true
		i.until("requests go on", func() bool { return l.sent.Load() > before+50 })
	}
	assert.Len(t, seen, times)
	assert.Equal(t, "nothing is due\n", i.do("rotate"))
	l.stop()
	l.work.Wait()
	assert.Empty(t, l.errors)
	assert.Zero(t, l.failed.Load())
	i.recordedOnce(l)
	t.Logf("%d requests while authority and certificate were renewed %d times", l.sent.Load(), times)
	i.unhurt()
}

// trusted holds how many authorities the webhooks trust.
func (i *installed) trusted(n int) {
	i.t.Helper()
	for kind, h := range i.hooks() {
		b, err := json.Marshal(h)
		require.NoError(i.t, err)
		var c struct {
			Webhooks []struct{ ClientConfig struct{ CABundle []byte } }
		}
		require.NoError(i.t, json.Unmarshal(b, &c))
		assert.Equal(i.t, n, bytes.Count(c.Webhooks[0].ClientConfig.CABundle, []byte("BEGIN CERTIFICATE")), kind)
	}
}

// marker waits until the API server has what was written into webhooks before: it takes them in
// order, and behind them is one that makes a request fail.
func (i *installed) marker(n int) {
	i.t.Helper()
	label := fmt.Sprint("marker-", n)
	out, err := i.cluster.Kubectl("apply", "-f", i.write("marker.yaml", fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: marker}
webhooks:
  - name: marker.example.com
    clientConfig: {url: "https://127.0.0.1:1/"}
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    timeoutSeconds: 1
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [serviceaccounts]}]
    objectSelector: {matchLabels: {marker: %s}}
`, label)))
	require.NoError(i.t, err, out)
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"marker","labels":{"marker":%q}}}`, label)
	i.until("the API server has taken notice", func() bool {
		r, err := i.cluster.Admin().Do(i.t.Context(), rig.Request{Method: http.MethodPost, Path: "/api/v1/namespaces/default/serviceaccounts?dryRun=All", Body: body})
		return err == nil && r.Code == http.StatusInternalServerError
	})
}

// recordedOnce holds that of each request of a load there is one event, and no more.
func (i *installed) recordedOnce(l *load) {
	i.t.Helper()
	i.settled()
	f, err := os.Open(i.output)
	require.NoError(i.t, err)
	defer f.Close()
	recorded := map[string]int{}
	for d := json.NewDecoder(f); ; {
		var alert struct {
			Fields map[string]any `json:"output_fields"`
		}
		if err := d.Decode(&alert); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(i.t, err)
		}
		if name := fmt.Sprint(alert.Fields["ka.target.name"]); strings.HasPrefix(name, "load-") {
			recorded[name]++
		}
	}
	wrong := 0
	for name := range l.names {
		if recorded[name] != 1 {
			wrong++
			i.t.Errorf("%s is recorded %d times", name, recorded[name])
		}
		if wrong > 10 {
			break
		}
	}
	assert.Len(i.t, recorded, len(l.names))
	assert.Zero(i.t, i.metrics().Sum("kubewitness_admission_lost_events_total"))
}
