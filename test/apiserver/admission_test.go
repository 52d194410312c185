package apiserver

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

// admissionRules are the rules of the test.
const admissionRules = `
- rule: Privileged
  desc: A container runs privileged. It owns its node.
  condition: ka.stage = ResponseComplete and kw.pod.containers.privileged intersects (true)
  output: privileged
  priority: WARNING
  source: k8s_audit
  tags: [T1611]

- rule: Exec
  desc: Somebody ran a command in a container.
  condition: ka.stage = ResponseStarted and ka.target.resource = pods and ka.target.subresource = exec
  output: exec %kw.command.line in %kw.exec.container
  priority: NOTICE
  source: k8s_audit
  tags: [T1609]

- rule: Wildcards
  desc: A role says * for verbs.
  condition: ka.target.resource = clusterroles and kw.role.verbs intersects ("*")
  output: wildcards
  priority: WARNING
  source: k8s_audit
  tags: [T1098]
`

// enforcement warns in the namespace stage, and denies in shop and where a label says production, but
// for an exception.
func enforcement(expires string) string {
	return `
contact: "ask in #platform"
enforce:
  - {rule: [Privileged, Exec], action: warn, namespaces: [stage]}
  - {tag: [T1611, T1609], action: deny, namespaces: [shop]}
  - {rule: Privileged, action: deny, namespace_labels: {env: prod}}
  - {rule: Wildcards, action: deny, users: [` + rig.Admin + `]}
exceptions:
  - {rule: Privileged, namespaces: [shop], names: [agent], owner: ops, reason: a test, expires: ` + expires + `}
`
}

// reviewed is a cluster whose API server asks kubewitness.
type reviewed struct {
	*service
	cluster *rig.Cluster
	address string // of the reviews
}

const pathSecret = "a-secret-of-the-path-0123"

// newReviewed starts both; the API server shows the certificate when it is asked by a
// kubeconfig, else it sends to the secret path.
func newReviewed(t *testing.T) *reviewed {
	t.Helper()
	rig.Binaries(t)
	r := &reviewed{service: newService(t, ""), address: freeAddress(t)}
	r.cluster = rig.Start(t, rig.Options{Nodes: 1, Flags: []string{"--admission-control-config-file=" + r.admissionConfiguration()}})
	cert := r.server.issue("kubewitness-admission")
	r.write("rules.yaml", admissionRules)
	r.write("enforce.yaml", "# all is observed\n")
	r.write("config.yaml", fmt.Sprintf(`
data: %s
http: {listen: %q}
admission:
  listen: %q
  tls: {cert_file: %s, key_file: %s, client_ca_file: %s}
  deadline: 1s
  enforcement: %s
  namespaces: [{cluster: prod, kubeconfig: %s}]
  credentials:
    - {name: certificate, certificate_name: %s, clusters: [prod]}
    - {name: path, path_secret_file: %s, clusters: [prod]}
clusters: [{name: prod}]
rules: {paths: [%s, %s]}
outputs:
  stdout: {enabled: false}
  file: {path: %s}
`, filepath.Join(r.dir, "data"), r.http, r.address, cert.cert, cert.key, r.clients.file, filepath.Join(r.dir, "enforce.yaml"),
		r.cluster.Kubeconfig, apiServerName, r.write("secret", pathSecret), filepath.Join(r.dir, "rules.yaml"), r.rules[1], r.output))
	r.start()
	return r
}

// admissionConfiguration makes the API server show its certificate to the endpoint.
func (r *reviewed) admissionConfiguration() string {
	proof := r.clients.issue(apiServerName)
	kubeconfig := r.write("admission.kubeconfig", fmt.Sprintf(`
apiVersion: v1
kind: Config
users:
  - name: %q
    user: {client-certificate: %s, client-key: %s}
`, r.address, proof.cert, proof.key))
	return r.write("admission-configuration.yaml", fmt.Sprintf(`
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: ValidatingAdmissionWebhook
    configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: %s}
`, kubeconfig))
}

// watch has the API server ask, by the example in deploy/admission, at a path.
func (r *reviewed) watch(path string) {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(r.t), "deploy", "admission", "validatingwebhook.yaml"))
	require.NoError(r.t, err)
	ca, err := os.ReadFile(r.server.file)
	require.NoError(r.t, err)
	text := string(b)
	for from, to := range map[string]string{
		"https://kubewitness.example.com:9444/admission/prod": "https://" + r.address + path,
		"Q0E=": base64.StdEncoding.EncodeToString(ca),
	} {
		require.Contains(r.t, text, from)
		text = strings.ReplaceAll(text, from, to)
	}
	r.kubectl("apply", "-f", r.write("webhook.yaml", text))
	before := r.metrics().Sum("kubewitness_admission_allowed_total")
	r.until("the API server asks", func() bool {
		r.kubectl("annotate", "--overwrite", "namespace", "default", fmt.Sprintf("now=%d", time.Now().UnixNano()))
		return r.metrics().Sum("kubewitness_admission_allowed_total") > before
	})
}

// kubectl runs what must go through, and gives what it printed.
func (r *reviewed) kubectl(args ...string) string {
	r.t.Helper()
	out, err := r.cluster.Kubectl(args...)
	require.NoError(r.t, err, "kubectl %s: %s", strings.Join(args, " "), out)
	return out
}

// denied runs what must be denied, and gives what it printed.
func (r *reviewed) denied(rule string, args ...string) string {
	r.t.Helper()
	out, err := r.cluster.Kubectl(args...)
	require.Error(r.t, err, "kubectl %s: %s", strings.Join(args, " "), out)
	assert.Contains(r.t, out, `admission webhook "admission.kubewitness.io" denied the request: kubewitness: `+rule+": ")
	assert.Contains(r.t, out, "For an exception: ask in #platform.")
	return out
}

// enforce puts another enforcement in force.
func (r *reviewed) enforce(text string) {
	r.t.Helper()
	before := r.metrics().Sum("kubewitness_enforcement_reloads_total")
	r.write("enforce.yaml", text)
	r.until("the enforcement is in force", func() bool { return r.metrics().Sum("kubewitness_enforcement_reloads_total") > before })
}

// workload is a manifest of a pod, or of a deployment of it.
func (r *reviewed) workload(kind, namespace, name, security string) string {
	spec := `{nodeName: node-1, containers: [{name: c, image: registry.example.com/web:1, securityContext: {` + security + `}}]}`
	text := fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s}\nspec: %s\n", name, namespace, spec)
	if kind == "Deployment" {
		text = fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: %s}}\n", name, namespace, spec)
	}
	return r.write(kind+"-"+namespace+"-"+name+".yaml", text)
}

// TestAdmission: on a real API server, what is observed, warned of and denied, by whom it
// was sent, what an exception does until it expires, and that the cluster goes on without
// us. What reviews became agrees with the audit log of the same requests.
func TestAdmission(t *testing.T) {
	r := newReviewed(t)
	for _, ns := range []string{"shop", "stage"} {
		r.kubectl("create", "namespace", ns)
		r.kubectl("create", "serviceaccount", "default", "--namespace="+ns) // no controller does
	}
	r.watch("/admission/prod")
	const privileged = "privileged: true"
	r.kubectl("create", "-f", r.workload("Pod", "shop", "web", ""))
	out := r.kubectl("create", "-f", r.workload("Pod", "shop", "early", privileged))
	assert.NotContains(t, out, "Warning", "it is observed")

	r.enforce(enforcement("2099-12-31"))
	out = r.kubectl("create", "-f", r.workload("Pod", "stage", "web", privileged))
	assert.Contains(t, out, "Warning: kubewitness: Privileged: pods/stage/web (registry.example.com/web:1): A container runs privileged. For an exception: ask in #platform")
	r.kubectl("exec", "--namespace=stage", "web", "--", "date") // of streams it prints no warnings
	out = r.denied("Privileged", "create", "-f", r.workload("Pod", "shop", "bad", privileged))
	assert.Contains(t, out, "was refused creating pod shop/bad (image registry.example.com/web:1, privileged, on node node-1) by admission.")
	r.denied("Privileged", "apply", "--server-side", "-f", r.workload("Pod", "shop", "applied", privileged))
	r.denied("Privileged", "create", "--dry-run=server", "-f", r.workload("Pod", "shop", "tried", privileged))
	r.denied("Privileged", "create", "-f", r.workload("Deployment", "shop", "bad", privileged))
	r.denied("Exec", "exec", "--namespace=shop", "web", "--", "cat", "/etc/shadow")
	r.denied("Wildcards", "create", "clusterrole", "all", "--verb=*", "--resource=pods")
	for _, gone := range []string{"pod/bad", "pod/applied", "deployment/bad"} {
		_, err := r.cluster.Kubectl("get", "--namespace=shop", gone)
		assert.Error(t, err, gone)
	}

	r.kubectl("create", "-f", r.workload("Pod", "shop", "agent", privileged))
	r.kubectl("delete", "--namespace=shop", "--wait=false", "pod/agent", "--grace-period=0", "--force")
	r.until("the pod is gone", func() bool { _, err := r.cluster.Kubectl("get", "--namespace=shop", "pod/agent"); return err != nil })
	r.kubectl("create", "-f", r.write("marked.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: marked, labels: {env: prod}}\n"))
	r.kubectl("create", "serviceaccount", "default", "--namespace=marked")
	r.denied("Privileged", "create", "-f", r.workload("Pod", "marked", "bad", privileged))

	out = r.kubectl("label", "--namespace=shop", "pod/early", "a=b")
	assert.Contains(t, out, "Warning: kubewitness: Privileged: pods/shop/early (registry.example.com/web:1): let through, since it was so before: A container runs privileged.")
	r.denied("Privileged", "set", "image", "--namespace=shop", "pod/early", "c=registry.example.com/web:2")

	r.enforce(enforcement("2026-01-01"))
	r.denied("Privileged", "create", "-f", r.workload("Pod", "shop", "agent", privileged))
	assert.Contains(t, r.messages(), "an exception has expired")

	r.checkVerdicts(map[string]int{
		"Privileged observe": 1, "Privileged warn": 1, "Privileged deny": 7, "Privileged excepted": 1, "Privileged standing": 1,
		"Exec warn": 1, "Exec deny": 2, "Wildcards deny": 1, // kubectl tries a refused exec again, in the older way
	})
	r.checkEvents("certificate")
	assert.Zero(t, r.metrics().Sum("kubewitness_admission_lost_events_total"))

	r.end(syscall.SIGKILL)
	r.kubectl("create", "-f", r.workload("Pod", "shop", "unseen", privileged))
	r.start()
	r.denied("Privileged", "create", "-f", r.workload("Pod", "shop", "seen", privileged))
	r.bySecretPath()
	r.unhurt()
}

// bySecretPath is an API server that can show no certificate.
func (r *reviewed) bySecretPath() {
	r.t.Helper()
	r.cluster.KillAPIServer()
	r.cluster.StartAPIServer("--admission-control-config-file=" + r.write("nothing.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n"))
	r.kubectl("annotate", "namespace", "shop", "unseen=true")
	r.until("it is not let in", func() bool {
		r.kubectl("annotate", "--overwrite", "namespace", "shop", fmt.Sprintf("now=%d", time.Now().UnixNano()))
		return r.metrics().Sum("kubewitness_admission_answers_total", `code="401"`) > 0
	})
	r.watch("/admission/prod/" + pathSecret)
	out := r.denied("Privileged", "create", "-f", r.workload("Pod", "shop", "by-path", "privileged: true"))
	assert.NotContains(r.t, out, pathSecret)
	assert.NotContains(r.t, r.messages(), pathSecret)
	r.until("its event says so", func() bool {
		return slices.ContainsFunc(r.events(), func(e *audit.Event) bool { return note(e, "sender") == "path-secret" })
	})
}

// printed is a detection as the output has it.
type printed struct {
	Rule   string         `json:"rule"`
	Fields map[string]any `json:"output_fields"`
}

// printed are the detections that the output has, when all are out.
func (r *reviewed) printed() (all []printed) {
	r.t.Helper()
	r.settled()
	f, err := os.Open(r.output)
	require.NoError(r.t, err)
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var alert printed
		err := d.Decode(&alert)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(r.t, err)
		all = append(all, alert)
	}
}

// checkVerdicts counts what the detections of our three rules led to, by rule.
func (r *reviewed) checkVerdicts(want map[string]int) {
	r.t.Helper()
	got := map[string]int{}
	for _, alert := range r.printed() {
		if alert.Rule != everyEvent {
			got[fmt.Sprint(alert.Rule, " ", alert.Fields["kw.verdict"])]++
		}
	}
	assert.Equal(r.t, want, got)
}

// events are those of reviews that the service has kept.
func (r *reviewed) events() (events []*audit.Event) {
	r.t.Helper()
	for _, x := range r.find("ka.verb exists or not ka.verb exists") {
		assert.Equal(r.t, "admission", x.Source)
		e, err := audit.NewReader(strings.NewReader(string(x.Event)), "api", audit.Limits{}).Next()
		require.NoError(r.t, err)
		events = append(events, e)
	}
	return events
}

func note(e *audit.Event, key string) string {
	return e.Root().Path("annotations", "admission.kubewitness.io/"+key).Text()
}

// checkEvents holds each event against the audit log of the same requests.
func (r *reviewed) checkEvents(sender string) {
	r.t.Helper()
	stored := int(stored(r.metrics()))
	var events []*audit.Event
	r.until("the store has all", func() bool { events = r.events(); return len(events) >= stored })
	log := r.auditLog()
	resources := map[string]int{}
	for _, e := range events {
		assert.Equal(r.t, sender, note(e, "sender"))
		acceptReview(r.t, e)
		want := log[requestKey(e, e.Root().Path("verb").Text())]
		if want == nil {
			want = log[requestKey(e, note(e, "verb-may-be"))]
		}
		if !assert.NotNil(r.t, want, "no audit event agrees with %s", e.Raw) {
			continue
		}
		resources[e.Root().Path("objectRef", "resource").Text()+"/"+e.Root().Path("objectRef", "subresource").Text()]++
		assert.JSONEq(r.t, string(want.Root().Get("user").Raw()), string(e.Root().Get("user").Raw()))
		path := pathOf(e)
		if note(e, "operation") == "CREATE" && want.Root().Path("verb").Text() == "patch" {
			path += "/" + e.Root().Path("objectRef", "name").Text() // an apply has it, and looks like a create
		}
		assert.Equal(r.t, pathOf(want), path)
		for _, key := range []string{"command", "container", "stdin", "tty", "dryRun"} {
			assert.Equal(r.t, queryOf(want)[key], queryOf(e)[key], "%s of %s", key, e.Raw)
		}
	}
	r.t.Logf("%d events agree with the audit log: %v", len(events), resources)
	assert.Subset(r.t, slices.Collect(maps.Keys(resources)), []string{"pods/", "pods/exec", "deployments/", "clusterroles/", "namespaces/"})
}

// auditLog is the API server's own log, by what the requests were about.
func (r *reviewed) auditLog() map[string]*audit.Event {
	r.t.Helper()
	f, err := os.Open(r.cluster.AuditLog)
	require.NoError(r.t, err)
	defer f.Close()
	log := map[string]*audit.Event{}
	for in := audit.NewReader(f, "log", audit.Limits{}); ; {
		e, err := in.Next()
		if errors.Is(err, io.EOF) {
			return log
		}
		require.NoError(r.t, err)
		if e.Stage == "ResponseComplete" || e.Stage == "ResponseStarted" {
			log[requestKey(e, e.Root().Path("verb").Text())] = e
		}
	}
}

// requestKey is what a request is about.
func requestKey(e *audit.Event, verb string) string {
	ref := e.Root().Get("objectRef")
	parts := []string{verb, e.Root().Path("user", "username").Text()}
	for _, key := range []string{"apiGroup", "apiVersion", "resource", "subresource", "namespace", "name"} {
		parts = append(parts, ref.Get(key).Text())
	}
	return strings.Join(parts, "|")
}

func pathOf(e *audit.Event) string {
	path, _, _ := strings.Cut(e.Root().Path("requestURI").Text(), "?")
	return path
}

func queryOf(e *audit.Event) url.Values {
	_, query, _ := strings.Cut(e.Root().Path("requestURI").Text(), "?")
	q, _ := url.ParseQuery(query)
	return q
}

// acceptReview holds that an event is one by the API server's own types, but for the member
// that is ours.
func acceptReview(t *testing.T, e *audit.Event) {
	t.Helper()
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(e.Raw, &all))
	delete(all, "oldObject")
	b, err := json.Marshal(all)
	require.NoError(t, err)
	var want auditv1.Event
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&want), "%s", b)
	assert.Equal(t, auditv1.LevelRequest, want.Level)
	assert.Contains(t, []auditv1.Stage{auditv1.StageResponseStarted, auditv1.StageResponseComplete}, want.Stage)
	assert.Nil(t, want.ResponseStatus)
	assert.Empty(t, want.SourceIPs)
	assert.Empty(t, want.UserAgent)
	assert.True(t, want.StageTimestamp.Time.Equal(e.Time))
	assert.Equal(t, e.AuditID, string(want.AuditID))
}
