package elastic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/indices"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/record"
	sinkelastic "github.com/kubewitness/kubewitness/pkg/sink/elastic"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// gkeEvents are events made of log entries, with the names of what they show: the twins of
// the converter's tests, and what these lack.
func gkeEvents(t *testing.T) (events []*record.Event, names map[string]string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join(corpora.Root(t), "pkg", "ingest", "gcp", "testdata", "twins.txtar"))
	require.NoError(t, err)
	more, err := txtar.ParseFile("testdata/gke.txtar")
	require.NoError(t, err)
	names = map[string]string{}
	for _, f := range append(a.Files, more.Files...) {
		name, isEntries := strings.CutSuffix(f.Name, ": entries")
		if !isEntries {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(f.Data))
		for {
			var entry json.RawMessage
			err := d.Decode(&entry)
			if err == io.EOF {
				break
			}
			require.NoError(t, err, name)
			made, err := gcp.Converter{}.Convert(entry)
			require.NoError(t, err, name)
			e, err := audit.NewReader(bytes.NewReader(made.Raw), name, audit.Limits{}).Next()
			require.NoError(t, err, name)
			r := recordOf(e)
			r.ID, r.Event.Cluster, r.Source = made.Identity, made.Cluster, "pubsub"
			events, names[ecs.ID(r)] = append(events, r), name
		}
	}
	return events, names
}

// gkeQuestions are written as Elastic's rules for GKE are: the fields that they read, with
// values as they compare them. What they find is all that there is to be found.
var gkeQuestions = []struct {
	kql  string
	want []string
}{
	{`event.outcome: success and event.type: start and event.action: ("io.k8s.core.v1.pods.exec.create" or "io.k8s.core.v1.pods.exec.get")`,
		[]string{"exec", "exec with a hostile command", "exec, all in one entry"}},
	{`event.outcome: success and event.type: start and gcp.audit.labels.command.gke.io/command: *`, []string{"exec", "exec with a hostile command", "exec, all in one entry"}},
	{`event.outcome: failure and event.action: io.k8s.core.v1.pods.exec.*`, []string{"exec denied"}},
	{`event.outcome: success and client.user.email: ("system:anonymous" or "system:unauthenticated") and not gcp.audit.resource_name: (healthz or livez or readyz or version)`,
		[]string{"anonymous call"}},
	{`event.outcome: failure and client.user.email: "system:anonymous"`, []string{"anonymous call denied"}},
	{`event.outcome: success and client.user.email: "system:anonymous" and gcp.audit.resource_name: (healthz or livez or readyz or version)`, []string{"anonymous and public path"}},
	{`event.outcome: failure and event.type: denied and event.action: (io.k8s.core.v1.secrets.get or io.k8s.core.v1.secrets.list)`, []string{"anonymous call denied", "secret denied"}},
	{`event.outcome: success and event.action: io.k8s.core.v1.secrets.list and gcp.audit.resource_name: "core/v1/secrets"`, []string{"acting as another", "secrets of the cluster listed"}},
	{`event.outcome: success and event.action: io.k8s.authorization.rbac.v1.clusterrolebindings.* and gcp.audit.request.kind: ClusterRoleBinding and gcp.audit.request.roleRef.name: "cluster-admin"`,
		[]string{"cluster-admin bound"}},
	{`event.action: io.k8s.authorization.rbac.v1.clusterrolebindings.create and gcp.audit.request.subjects.kind: *`, []string{"cluster-admin bound"}},
	{`event.outcome: success and event.action: io.k8s.core.v1.pods.create and gcp.audit.request.spec.containers.securityContext.privileged: true and not gcp.audit.request.metadata.ownerReferences.kind: *`,
		[]string{"privileged pod"}},
	{`event.action: io.k8s.core.v1.pods.create and gcp.audit.request.spec.hostIPC: true and gcp.audit.request.spec.hostPID: true and gcp.audit.request.spec.hostNetwork: true`,
		[]string{"pod with all of its node"}},
	{`event.action: io.k8s.core.v1.pods.create and gcp.audit.request.spec.volumes.hostPath.path: ("/" or "/etc" or /etc/*)`, []string{"pod with all of its node", "privileged pod"}},
	{`event.action: io.k8s.core.v1.pods.create and gcp.audit.request.spec.containers.securityContext.capabilities.add: (SYS_ADMIN or NET_ADMIN)`, []string{"pod with all of its node"}},
	{`event.action: io.k8s.core.v1.pods.create and gcp.audit.request.spec.containers.securityContext.allowPrivilegeEscalation: true`, []string{"pod with all of its node"}},
	{`event.action: io.k8s.core.v1.pods.create and gcp.audit.request.metadata.namespace: kube-system and gcp.audit.request.spec.serviceAccountName: *controller`, []string{"pod as a controller"}},
	{`event.action: io.k8s.core.v1.services.create and gcp.audit.request.spec.type: NodePort`, []string{"service on all nodes"}},
	{`event.outcome: success and gcp.audit.authentication_info.authority_selector: (*admin* or system*serviceaccount*)`, []string{"acting as a service account", "acting as another"}},
	{`event.action: io.k8s.core.v1.nodes.proxy.get and gcp.audit.resource_name: core/v1/nodes/*/proxy*`, []string{"kubelet through the node proxy"}},
	{`event.outcome: success and event.action: (io.k8s.core.v1.pods.ephemeralcontainers.patch or io.k8s.core.v1.pods.ephemeralcontainers.update)`, []string{"debug container"}},
	{`event.action: io.k8s.certificates.v1.certificatesigningrequests.approval.update and event.outcome: success`, []string{"certificate approved"}},
	{`event.action: io.k8s.certificates.v1.certificatesigningrequests.create and gcp.audit.request.spec.signerName: "kubernetes.io/kube-apiserver-client"`, []string{"certificate asked for"}},
	{`event.action: io.k8s.admissionregistration.v1.*webhookconfigurations.* and event.outcome: success`, []string{"webhook registered"}},
	{`event.outcome: success and event.action: io.k8s.authorization.rbac.v1.clusterroles.* and gcp.audit.response.rules.verbs: "*" and gcp.audit.response.rules.resources: "*"`, []string{"role over everything", "role widened by a JSON patch"}},
	{`event.outcome: failure and event.action: *.create and gcp.audit.status.message: (*forbidden* or *Unauthorized*)`, []string{"creation denied"}},
	{`event.outcome: success and event.action: io.k8s.core.v1.serviceaccounts.token.create`, []string{"token issued"}},
	{`event.outcome: success and event.action: (io.k8s.core.v1.configmaps.update or io.k8s.core.v1.configmaps.patch) and orchestrator.namespace: kube-system and orchestrator.resource.name: (coredns or kube-dns) and gcp.audit.labels.authorization.k8s.io/decision: allow`,
		[]string{"config map of the system changed"}},
	{`event.action: io.k8s.authorization.v1.selfsubject*reviews.create and user.email: system*serviceaccount*`, []string{"own rights asked for"}},
	{`source.ip: "203.0.113.0/24" and user_agent.original: curl* and event.outcome: failure`, []string{"anonymous call denied", "creation denied"}},
	{`event.ingested >= "2020-01-01T00:00:00Z" and event.action: io.k8s.core.v1.namespaces.delete`, []string{"namespace deleted"}},
}

// valueList is FIELD: (A or B), which Kibana's KQL knows and the server's does not.
var valueList = regexp.MustCompile(`(\S+): \(([^()]*)\)`)

// spelledOut names the field before each value, as Kibana understands it.
func spelledOut(query string) string {
	return valueList.ReplaceAllStringFunc(query, func(s string) string {
		m := valueList.FindStringSubmatch(s)
		return "(" + m[1] + ": " + strings.ReplaceAll(m[2], " or ", " or "+m[1]+": ") + ")"
	})
}

// TestGCPAudit holds that questions as Elastic's rules ask them find what they look for,
// and nothing else, in documents made of log entries.
func TestGCPAudit(t *testing.T) {
	t.Parallel()
	const ns = "gcp_audit"
	c := open(t, server(t), nil)
	setup := setupOf(c, ns)
	setup.Options.GCPAudit = true
	steps, err := setup.Run(t.Context())
	require.NoError(t, err)
	stream := ecs.Stream(ecs.GCPAudit, ns)
	assert.Equal(t, indices.Created, deeds(steps)["data stream "+stream])

	events, names := gkeEvents(t)
	x := newIndexer(t, c, ns, func(cfg *sinkelastic.Config) { cfg.GCPAudit = true })
	x.put(events)
	x.put(events)
	assert.Zero(t, x.Stats().Reduced)
	assert.EqualValues(t, len(events), x.Stats().EntriesCreated)
	s := &entryStream{t, c, stream}
	s.refresh()
	require.Len(t, s.names(`{"match_all":{}}`, nil), len(events), "each once")

	for _, q := range gkeQuestions {
		query := `data_stream.dataset: gcp.audit and service.name: "k8s.io" and ` + q.kql
		got := slices.Compact(s.names(kql(spelledOut(query)), names))
		assert.Equal(t, q.want, got, q.kql)
	}
	steps, err = setup.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, indices.Unchanged, deeds(steps)["data stream "+stream])
	assert.Equal(t, []string{securityOff}, texts(setup.Check(t.Context())))
}

// entryStream asks a stream that the sink has filled.
type entryStream struct {
	t    *testing.T
	c    *elasticsearch.Client
	name string
}

func (s *entryStream) refresh() { do(s.t, s.c, http.MethodPost, "/"+s.name+"/_refresh", "", nil) }

// names are those of the documents that a query finds, or their ids, sorted.
func (s *entryStream) names(query string, of map[string]string) (names []string) {
	s.t.Helper()
	var answer struct {
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			}
		}
	}
	do(s.t, s.c, http.MethodPost, "/"+s.name+"/_search?size=1000&_source=false", `{"query":`+query+`}`, &answer)
	for _, h := range answer.Hits.Hits {
		name := h.ID
		if of != nil {
			name = of[h.ID]
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// theirs is a template as Elastic's integration has one: its types, and a pipeline that
// makes documents of log entries.
const theirs = `{"index_patterns":["logs-gcp.audit-*"],"priority":200,"data_stream":{},"template":{
	"settings":{"index.number_of_replicas":0,"index.default_pipeline":"test-gcp-theirs"},
	"mappings":{"properties":{"gcp":{"properties":{"audit":{"properties":{"authorization_info":{"type":"nested"},
		"request":{"type":"flattened"},"response":{"type":"flattened"},"labels":{"type":"flattened"},"status":{"properties":{"code":{"type":"integer"}}}}}}},
		"source":{"properties":{"ip":{"type":"ip"}}},"event":{"properties":{"action":{"type":"keyword"},"outcome":{"type":"keyword"}}}}}}}`

// TestGCPAuditBesideElasticsIntegration indexes into a stream that is made of another
// template, past its pipeline.
func TestGCPAuditBesideElasticsIntegration(t *testing.T) {
	const ns = "gcp_theirs"
	c := open(t, server(t), nil)
	do(t, c, http.MethodPut, "/_ingest/pipeline/test-gcp-theirs", `{"processors":[{"set":{"field":"event.kind","value":"pipeline_error"}}]}`, nil)
	do(t, c, http.MethodPut, "/_index_template/logs-gcp.audit", theirs, nil)
	defer func() { // the stream stays, and must not be without a template
		stays := strings.NewReplacer(`"logs-gcp.audit-*"`, `"logs-gcp.audit-`+ns+`"`, `"priority":200`, `"priority":201`).Replace(theirs)
		do(t, c, http.MethodPut, "/_index_template/test-gcp-theirs", stays, nil)
		do(t, c, http.MethodDelete, "/_index_template/logs-gcp.audit", "", nil)
	}()
	setup := setupOf(c, ns)
	setup.Options.GCPAudit = true
	steps, err := setup.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, indices.Left, deeds(steps)["index template logs-gcp.audit"])
	assert.Equal(t, []string{securityOff}, texts(setup.Check(t.Context())))

	events, names := gkeEvents(t)
	x := newIndexer(t, c, ns, func(cfg *sinkelastic.Config) { cfg.GCPAudit = true })
	x.put(events)
	assert.Zero(t, x.Stats().Reduced, "their types take our documents")
	s := &entryStream{t, c, ecs.Stream(ecs.GCPAudit, ns)}
	s.refresh()
	assert.Len(t, s.names(kql(`event.kind: event`), nil), len(events))
	assert.Equal(t, []string{"privileged pod"}, s.names(kql(`event.action: io.k8s.core.v1.pods.create and gcp.audit.request.spec.containers.securityContext.privileged: true and not gcp.audit.request.metadata.ownerReferences.kind: *`), names))
}

// TestGCPAuditHostile holds that there is nothing in an event that says it is of GKE for
// which the server refuses its document.
func TestGCPAuditHostile(t *testing.T) {
	t.Parallel()
	s := newStream(t, ecs.GCPAudit, "gcp_hostile")
	b := &bulk{s: s}
	events := append(hostileEvents(t), readRecords(t, filepath.Join(corpora.Root(t), "pkg", "ecs", "testdata", "hostile.jsonl"))...)
	deep := `{"kind":"Event","auditID":"deep","stage":"ResponseComplete","stageTimestamp":"2026-11-21T19:01:20Z","requestObject":` +
		strings.Repeat(`{"a":[`, 60) + `"x"` + strings.Repeat("]}", 60) + `,"responseObject":` + strings.Repeat(`{"a":`, 60) + `"x"` + strings.Repeat("}", 60) + `}`
	e, err := audit.NewReader(strings.NewReader(deep), "deep", audit.Limits{}).Next()
	require.NoError(t, err)
	for i, r := range append(events, recordOf(e)) {
		b.add(fmt.Sprint(i), func(dst []byte) []byte { return ecs.AppendGCPAudit(dst, r, &s.opts) })
		b.add(fmt.Sprint(i, "-reduced"), func(dst []byte) []byte { return ecs.AppendReducedGCPAudit(dst, r, &s.opts, time.Now().String()) })
	}
	b.flush()
	assert.Empty(t, b.refused)
}
