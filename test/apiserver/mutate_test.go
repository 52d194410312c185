package apiserver

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

// mutations change about everything that can be changed in the namespace shop.
const mutations = `
mutate:
  - name: marks
    namespaces: [shop]
    labels: {add: {geo: eu}, overwrite: {billing: shop}}
    pod_annotations: {add: {example.com/seen: "yes"}}
  - name: side
    namespaces: [shop]
    init_containers: [{name: first, image: "busybox:1", command: ["true"]}]
    containers: [{name: side, image: "registry.example.com/side:1", env: [{name: DB_PASSWORD, value: in-the-file-it-stands}]}]
    volumes: [{name: scratch, emptyDir: {}}]
    env: {add: [{name: MESH, value: "on"}]}
  - name: contexts
    namespaces: [shop]
    condition: ka.stage = ResponseComplete and kw.pod.containers.image exists
    pod_security_context: {seccompProfile: {type: RuntimeDefault}}
    container_security_context: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    automount_service_account_token: false
  - name: mirror
    namespaces: [shop]
    images: [{from: docker.io, to: mirror.example.com/hub}]
`

// newMutating starts a service that changes objects and a cluster with controllers that asks it.
func newMutating(t *testing.T) *reviewed {
	t.Helper()
	rig.Binaries(t)
	r := &reviewed{service: newService(t, ""), address: freeAddress(t)}
	cert := r.server.issue("kubewitness-admission")
	r.write("mutate.yaml", mutations)
	r.write("config.yaml", fmt.Sprintf(`
data: %s
http: {listen: %q}
admission:
  listen: %q
  tls: {cert_file: %s, key_file: %s}
  deadline: 1s
  mutate: %s
  credentials: [{name: path, path_secret_file: %s, clusters: [prod]}]
clusters: [{name: prod}]
rules: {paths: [%s]}
outputs:
  stdout: {enabled: false}
  file: {path: %s}
`, filepath.Join(r.dir, "data"), r.http, r.address, cert.cert, cert.key, filepath.Join(r.dir, "mutate.yaml"), r.write("secret", pathSecret), r.rules[1], r.output))
	r.start()
	r.cluster = rig.Start(t, rig.Options{Nodes: 1, Controllers: true})
	return r
}

// mutates has the API server ask what is to be changed, by the example in deploy/admission.
func (r *reviewed) mutates() {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(r.t), "deploy", "admission", "mutatingwebhook.yaml"))
	require.NoError(r.t, err)
	text := strings.NewReplacer("https://kubewitness.example.com:9444/mutate/prod", "https://"+r.address+"/mutate/prod/"+pathSecret, "Q0E=", r.caBundle()).Replace(string(b))
	r.kubectl("apply", "-f", r.write("mutating.yaml", text))
	r.until("the API server asks", func() bool {
		return strings.Contains(r.kubectl("run", "asked", "--namespace=shop", "--image=a", "--dry-run=server", "--output=yaml"), "example.com/seen")
	})
}

func (r *reviewed) caBundle() string {
	r.t.Helper()
	ca, err := os.ReadFile(r.server.file)
	require.NoError(r.t, err)
	return base64.StdEncoding.EncodeToString(ca)
}

// object is one as it is stored.
func (r *reviewed) object(kind, name string) audit.Value {
	r.t.Helper()
	v, err := audit.ParseValue([]byte(r.kubectl("get", kind, name, "--namespace=shop", "--show-managed-fields", "--output=json")))
	require.NoError(r.t, err)
	return v
}

// names are those of the elements of a list, each with another of their members.
func names(list audit.Value, member string) (all []string) {
	for e := range list.Elems() {
		all = append(all, strings.TrimSuffix(e.Get("name").Text()+"="+e.Get(member).Text(), "="))
	}
	return all
}

// changed are the events of mutations.
func (r *reviewed) changed() (events []audit.Value) {
	r.t.Helper()
	for _, x := range r.find("kw.annotations[admission.kubewitness.io/mutated-by] exists") {
		assert.Equal(r.t, "mutation", x.Source)
		e, err := audit.ParseValue(x.Event)
		require.NoError(r.t, err)
		events = append(events, e)
	}
	return events
}

// changeOf waits for the event of a mutation of an object.
func (r *reviewed) changeOf(resource, name string) (found audit.Value) {
	r.t.Helper()
	r.until("what was changed in "+name+" is kept", func() bool {
		for _, e := range r.changed() {
			if e.Path("objectRef", "resource").Text() == resource && e.Path("objectRef", "name").Text() == name {
				found = e
			}
		}
		return found.Exists()
	})
	return found
}

// patches is how many answers had one.
func (r *reviewed) patches() float64 { return r.metrics().Sum("kubewitness_mutation_patched_total") }

// podTemplate is one with an init container and a container.
const podTemplate = `{metadata: {labels: {app: NAME}}, spec: {restartPolicy: RESTART,
  initContainers: [{name: second, image: quay.io/x/y}], containers: [{name: web, image: nginx, env: [{name: A, value: b}]}]}}`

// suspended is a cron job that no controller does anything about, with labels of its own.
func (r *reviewed) suspended(name, labels string) string {
	template := strings.NewReplacer("NAME", name, "RESTART", "Never").Replace(podTemplate)
	return r.write(name+".yaml", fmt.Sprintf("apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: %s, namespace: shop, labels: {%s}}\n"+
		"spec: {schedule: '0 0 1 1 *', suspend: true, jobTemplate: {spec: {template: %s}}}\n", name, labels, template))
}

// deployment is one with two pods.
func (r *reviewed) deployment(name string) string {
	template := strings.NewReplacer("NAME", name, "RESTART", "Always").Replace(podTemplate)
	return r.write(name+".yaml", fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: shop}\n"+
		"spec: {replicas: 2, selector: {matchLabels: {app: %s}}, template: %s}\n", name, name, template))
}

// podsOf is what a cron job makes its pods of.
func podsOf(v audit.Value) audit.Value {
	return v.Path("spec", "jobTemplate", "spec", "template", "spec")
}

// TestMutation: on a real API server with its controllers, what is changed is stored once,
// later webhooks and whoever applies again do not fight with it, who changed what is kept, and
// the cluster goes on without us.
func TestMutation(t *testing.T) {
	r := newMutating(t)
	r.kubectl("create", "namespace", "shop")
	r.until("the controllers work", func() bool {
		_, err := r.cluster.Kubectl("get", "serviceaccount", "default", "--namespace=shop")
		return err == nil
	})
	r.mutates()
	r.watch("/admission/prod/" + pathSecret)
	r.podIsChanged()
	r.dryRunIsAnswered()
	r.laterWebhook()
	r.ephemeralContainer()
	r.serverSideApply()
	r.clientSideApply()
	r.controllersAreAtRest()
	r.otherFile()
	assert.Zero(t, r.metrics().Sum("kubewitness_mutation_failures_total"))
	assert.Zero(t, r.metrics().Sum("kubewitness_admission_lost_events_total"))
	assert.NotContains(t, r.messages(), "in-the-file-it-stands")

	r.end(syscall.SIGKILL)
	r.kubectl("run", "unseen", "--namespace=shop", "--image=nginx")
	assert.Equal(t, []string{"unseen=nginx"}, names(r.object("pod", "unseen").Path("spec", "containers"), "image"), "it stays as it is")
	r.kubectl("label", "pod", "web", "--namespace=shop", "and=on")
	r.start()
	r.unhurt()
}

// podIsChanged: all of it is in the stored pod, once, and in an event, without its secrets.
func (r *reviewed) podIsChanged() {
	r.kubectl("run", "web", "--namespace=shop", "--image=nginx:1.29")
	pod := r.object("pod", "web")
	spec := pod.Get("spec")
	assert.Equal(r.t, []string{"web=mirror.example.com/hub/library/nginx:1.29", "side=registry.example.com/side:1"}, names(spec.Get("containers"), "image"))
	assert.Equal(r.t, []string{"first=mirror.example.com/hub/library/busybox:1"}, names(spec.Get("initContainers"), "image"))
	assert.Equal(r.t, []string{"scratch"}, names(spec.Get("volumes"), ""), "without the token's")
	assert.Equal(r.t, []string{"MESH=on"}, names(spec.Get("containers").Index(0).Get("env"), "value"))
	assert.Equal(r.t, "RuntimeDefault", spec.Path("securityContext", "seccompProfile", "type").Text())
	assert.Equal(r.t, `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}`, spec.Get("containers").Index(0).Get("securityContext").Text())
	assert.Equal(r.t, "false", spec.Get("automountServiceAccountToken").Text())
	assert.Zero(r.t, spec.Get("containers").Index(0).Get("volumeMounts").Len())
	assert.Equal(r.t, "eu", pod.Path("metadata", "labels", "geo").Text())
	assert.Equal(r.t, "yes", pod.Path("metadata", "annotations", "example.com/seen").Text())

	e := r.changeOf("pods", "web")
	assert.Equal(r.t, "marks,side,contexts,mirror", e.Path("annotations", "admission.kubewitness.io/mutated-by").Text())
	patch := e.Path("annotations", "admission.kubewitness.io/patch").Text()
	assert.Contains(r.t, patch, "registry.example.com/side:1")
	assert.NotContains(r.t, patch, "in-the-file-it-stands")
	assert.Contains(r.t, patch, "__REDACTED__")
	assert.Equal(r.t, "web=nginx:1.29", strings.Join(names(e.Path("requestObject", "spec", "containers"), "image"), " "), "the object as it came")
	assert.Equal(r.t, rig.Admin, e.Path("user", "username").Text())
	r.uidsOf(e)
}

// uidsOf: the two webhooks are asked about one request with two uids, and the API server's
// own audit event has the one of the mutation.
func (r *reviewed) uidsOf(mutation audit.Value) {
	uid := mutation.Get("auditID").Text()
	r.until("the review of the request is kept", func() bool { return len(r.reviewsOf("web")) > 0 })
	for _, other := range r.reviewsOf("web") {
		assert.NotEqual(r.t, uid, other)
	}
	r.until("the audit log has the mutation's uid", func() bool {
		f, err := os.Open(r.cluster.AuditLog)
		require.NoError(r.t, err)
		defer f.Close()
		for in := audit.NewReader(f, "log", audit.Limits{}); ; {
			e, err := in.Next()
			if errors.Is(err, io.EOF) {
				return false
			}
			require.NoError(r.t, err)
			if e.Root().Path("annotations", "mutation.kubewitness.io/uid").Text() == uid {
				return assert.Equal(r.t, "marks,side,contexts,mirror", e.Root().Path("annotations", "mutation.kubewitness.io/entries").Text())
			}
		}
	})
}

// reviewsOf are the uids of the reviews of the validating webhook about the creation of a pod.
func (r *reviewed) reviewsOf(name string) (uids []string) {
	r.t.Helper()
	for _, x := range r.find("ka.stage = ResponseComplete and ka.verb = create and ka.target.resource = pods and ka.target.name = " + name) {
		e, err := audit.ParseValue(x.Event)
		require.NoError(r.t, err)
		uids = append(uids, e.Get("auditID").Text())
	}
	return uids
}

// dryRunIsAnswered: kubectl shows what would be, and nothing is kept of it.
func (r *reviewed) dryRunIsAnswered() {
	before := r.patches()
	out := r.kubectl("run", "tried", "--namespace=shop", "--image=nginx", "--dry-run=server", "--output=yaml")
	assert.Contains(r.t, out, "registry.example.com/side:1")
	assert.Equal(r.t, before+1, r.patches())
	for _, e := range r.changed() {
		assert.NotEqual(r.t, "tried", e.Path("objectRef", "name").Text())
	}
}

// laterWebhook: what a webhook after ours puts in is looked at, and nothing is put in twice.
func (r *reviewed) laterWebhook() {
	cert := r.server.issue("late")
	loaded, err := tls.LoadX509KeyPair(cert.cert, cert.key)
	require.NoError(r.t, err)
	var asked atomic.Int64
	late := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		b, _ := io.ReadAll(req.Body)
		v, err := audit.ParseValue(b)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer := map[string]any{"uid": v.Path("request", "uid").Text(), "allowed": true}
		if !slices.Contains(names(v.Path("request", "object", "spec", "containers"), ""), "late") {
			answer["patchType"], answer["patch"] = "JSONPatch", []byte(`[{"op":"add","path":"/spec/containers/0","value":{"name":"late","image":"alpine"}}]`)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer})
	}))
	late.TLS = &tls.Config{Certificates: []tls.Certificate{loaded}}
	late.StartTLS()
	defer late.Close()
	r.kubectl("apply", "-f", r.write("late.yaml", fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: zz-late}
webhooks:
  - name: late.example.com
    clientConfig: {url: %q, caBundle: %s}
    admissionReviewVersions: [v1]
    sideEffects: None
    objectSelector: {matchLabels: {late: "yes"}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
`, late.URL, r.caBundle())))
	defer r.kubectl("delete", "mutatingwebhookconfiguration", "zz-late")
	r.until("the other webhook is asked, too", func() bool {
		r.kubectl("run", "try", "--namespace=shop", "--image=nginx", "--labels=late=yes", "--dry-run=server")
		return asked.Load() > 0
	})
	before := r.patches()
	r.kubectl("run", "both", "--namespace=shop", "--image=nginx", "--labels=late=yes")
	spec := r.object("pod", "both").Get("spec")
	assert.Equal(r.t, []string{"late=mirror.example.com/hub/library/alpine", "both=mirror.example.com/hub/library/nginx", "side=registry.example.com/side:1"}, names(spec.Get("containers"), "image"))
	assert.Equal(r.t, []string{"first"}, names(spec.Get("initContainers"), ""))
	assert.Equal(r.t, before+2, r.patches(), "once for the pod, once for what was put in later")
}

// ephemeralContainer: the image of a container for debugging is taken from the mirror.
func (r *reviewed) ephemeralContainer() {
	pod := r.object("pod", "web").Text()
	pod = strings.Replace(pod, `"spec":{`, `"spec":{"ephemeralContainers":[{"name":"debug","image":"alpine","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],`, 1)
	r.kubectl("replace", "--raw", "/api/v1/namespaces/shop/pods/web/ephemeralcontainers", "-f", r.write("debug.json", pod))
	spec := r.object("pod", "web").Get("spec")
	assert.Equal(r.t, []string{"debug=mirror.example.com/hub/library/alpine"}, names(spec.Get("ephemeralContainers"), "image"))
	assert.Equal(r.t, []string{"web", "side"}, names(spec.Get("containers"), ""))
}

// serverSideApply: whoever applies the same again changes nothing, owns what he says, and keeps it.
func (r *reviewed) serverSideApply() {
	apply := func(file string) audit.Value {
		r.kubectl("apply", "--server-side", "-f", file)
		return r.object("cronjob", "applied")
	}
	mine := r.suspended("applied", "geo: us, billing: mine")
	first := apply(mine)
	assert.Equal(r.t, "us", first.Path("metadata", "labels", "geo").Text(), "his own")
	assert.Equal(r.t, "shop", first.Path("metadata", "labels", "billing").Text(), "overwritten")
	assert.Equal(r.t, []string{"web", "side"}, names(podsOf(first).Get("containers"), ""))
	assert.Equal(r.t, []string{"first", "second"}, names(podsOf(first).Get("initContainers"), ""))
	for range 2 {
		assert.Equal(r.t, versionOf(first), versionOf(apply(mine)), "nothing is different")
	}
	fields := first.Path("metadata", "managedFields").Text()
	assert.Contains(r.t, fields, `k:{\"name\":\"web\"}`)
	assert.NotContains(r.t, fields, `k:{\"name\":\"side\"}`, "what was put in is nobody's, so nobody takes it away")

	other := apply(r.suspended("applied", "billing: mine"))
	assert.Equal(r.t, "eu", other.Path("metadata", "labels", "geo").Text(), "he says nothing any more")
	assert.Equal(r.t, first.Path("metadata", "generation").Text(), other.Path("metadata", "generation").Text())
	file := r.suspended("applied", "billing: mine")
	b, err := os.ReadFile(file)
	require.NoError(r.t, err)
	more := apply(r.write("more.yaml", strings.Replace(string(b), "{name: A, value: b}", "{name: A, value: c}", 1)))
	assert.Equal(r.t, []string{"A=c", "MESH=on"}, names(podsOf(more).Get("containers").Index(0).Get("env"), "value"))
	assert.Equal(r.t, []string{"web", "side"}, names(podsOf(more).Get("containers"), ""))
	assert.Equal(r.t, []string{"first", "second"}, names(podsOf(more).Get("initContainers"), ""))
}

// clientSideApply: with kubectl apply of old nothing is different the second time, though it
// says "configured": it asks for the image that it knows, and gets the one that is there.
func (r *reviewed) clientSideApply() {
	file := r.suspended("old", "team: a")
	r.kubectl("apply", "-f", file)
	before := r.object("cronjob", "old")
	r.kubectl("apply", "-f", file)
	after := r.object("cronjob", "old")
	assert.Equal(r.t, versionOf(before), versionOf(after))
	assert.Equal(r.t, []string{"web", "side"}, names(podsOf(after).Get("containers"), ""))
}

func versionOf(v audit.Value) string { return v.Path("metadata", "resourceVersion").Text() }

// controllersAreAtRest: a deployment has one replica set, whose template is its own, and pods
// that come as they should; an owner's replica set is left alone.
func (r *reviewed) controllersAreAtRest() {
	r.kubectl("apply", "-f", r.deployment("busy"))
	r.until("all pods are there", func() bool { return r.object("deployment", "busy").Path("status", "replicas").Text() == "2" })
	sets, err := audit.ParseValue([]byte(r.kubectl("get", "replicasets", "--namespace=shop", "--selector=app=busy", "--output=json")))
	require.NoError(r.t, err)
	assert.Equal(r.t, 1, sets.Get("items").Len())
	deployment := r.object("deployment", "busy")
	assert.Equal(r.t, deployment.Path("spec", "template", "spec").Text(), sets.Get("items").Index(0).Path("spec", "template", "spec").Text())
	assert.False(r.t, deployment.Path("status", "collisionCount").Exists())
	pods, err := audit.ParseValue([]byte(r.kubectl("get", "pods", "--namespace=shop", "--selector=app=busy", "--output=json")))
	require.NoError(r.t, err)
	assert.Equal(r.t, 2, pods.Get("items").Len())
	for p := range pods.Get("items").Elems() {
		assert.Equal(r.t, []string{"web", "side"}, names(p.Path("spec", "containers"), ""))
		assert.Equal(r.t, "eu", p.Path("metadata", "labels", "geo").Text())
	}
}

// otherFile: what another file says is not done to what is there before somebody changes it:
// no pods are replaced because a deployment is labelled or scaled.
func (r *reviewed) otherFile() {
	before := r.metrics().Sum("kubewitness_mutation_reloads_total")
	r.write("mutate.yaml", mutations+"  - {name: more, namespaces: [shop], containers: [{name: more, image: registry.example.com/more}]}\n")
	r.until("the other file is in force", func() bool { return r.metrics().Sum("kubewitness_mutation_reloads_total") > before })
	r.kubectl("label", "deployment", "busy", "--namespace=shop", "touched=yes")
	assert.Equal(r.t, "1", r.object("deployment", "busy").Path("metadata", "generation").Text())
	r.kubectl("set", "env", "deployment/busy", "--namespace=shop", "B=c")
	assert.Equal(r.t, []string{"web", "side", "more"}, names(r.object("deployment", "busy").Path("spec", "template", "spec", "containers"), ""))
	r.kubectl("label", "pod", "web", "--namespace=shop", "touched=yes")
	assert.Equal(r.t, []string{"web", "side"}, names(r.object("pod", "web").Path("spec", "containers"), ""), "a pod that exists stays as it is")
}
