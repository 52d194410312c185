package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/rig"
)

// joinRules find the same in a review and in the audit event of its request.
const joinRules = `
- rule: Once
  desc: A change, whoever tells of it.
  condition: ka.target.namespace = joined and ka.stage = ResponseComplete and ka.verb in (create, update, patch, delete) and ka.target.subresource = ""
  output: changed
  priority: NOTICE
  source: k8s_audit

- rule: Received
  desc: A change by one person, before it is reviewed and after.
  condition: ka.target.namespace = joined and ka.user.name = zoe and ka.verb in (create, update, patch, delete) and not ka.stage = ResponseStarted and not ka.target.subresource exists
  output: received
  priority: NOTICE
  source: k8s_audit

- rule: Exec Once
  desc: A command, whoever tells of it.
  condition: ka.target.namespace = joined and ka.stage = ResponseStarted and ka.target.subresource = exec
  output: exec
  priority: NOTICE
  source: k8s_audit
`

// newJoined is a cluster whose API server asks kubewitness and sends it its audit log.
func newJoined(t *testing.T) *reviewed {
	t.Helper()
	rig.Binaries(t)
	r := &reviewed{service: newService(t, ""), address: freeAddress(t)}
	cert := r.server.issue("kubewitness-both")
	r.write("rules.yaml", strings.ReplaceAll(joinRules, `ka.target.subresource = ""`, "not ka.target.subresource exists"))
	r.write("config.yaml", fmt.Sprintf(`
data: %s
http: {listen: %q}
webhook:
  listen: %q
  tls: {cert_file: %s, key_file: %s, client_ca_file: %s}
  credentials: [{name: prod, certificate_name: %s, clusters: [prod]}]
admission:
  listen: %q
  tls: {cert_file: %s, key_file: %s}
  deadline: 1s
  credentials: [{name: path, path_secret_file: %s, clusters: [prod]}]
clusters: [{name: prod}]
rules: {paths: [%s, %s]}
outputs:
  stdout: {enabled: false}
  file: {path: %s}
`, filepath.Join(r.dir, "data"), r.http, r.webhook, cert.cert, cert.key, r.clients.file, apiServerName,
		r.address, cert.cert, cert.key, r.write("secret", pathSecret), r.rules[0], filepath.Join(r.dir, "rules.yaml"), r.output))
	r.start()
	flags := webhookFlags("1s", "400", "5s") // tried again for longer than it is down
	r.cluster = rig.Start(t, rig.Options{Nodes: 1, Webhook: r.rightful(), Flags: flags})
	return r
}

// linked is an event of the store that has a review.
type linked struct {
	Source string
	Answer struct {
		What struct {
			ReviewUID string `json:"review_uid"`
		}
	}
	Told  []string
	Event json.RawMessage
}

// find asks the service for events.
func (r *reviewed) find(condition string) []linked {
	r.t.Helper()
	res, err := r.client.Get("http://" + r.http + "/api/v1/events?" + url.Values{"q": {condition}, "since": {"1h"}, "limit": {"1000"}}.Encode())
	require.NoError(r.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, res.StatusCode, "%s", b)
	var page struct {
		Events []linked
		Next   string
	}
	require.NoError(r.t, json.Unmarshal(b, &page))
	require.Empty(r.t, page.Next, "more than a page")
	return page.Events
}

// changes are the requests of one person, in order; each has a mark that its events show.
type changes struct {
	t      *testing.T
	client *rig.Client
	who    string
	n      int

	mu   *sync.Mutex
	sent map[string]string // audit ID by mark, of what must be reviewed and joined
}

// send sends a request with a mark, and holds how it ended.
func (c *changes) send(code int, method, path string, body any, change ...func(*rig.Request)) {
	c.n++
	mark := fmt.Sprintf("%s-%d", c.who, c.n)
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	req := rig.Request{Method: method, Path: "/api/v1/namespaces/joined/" + path, Body: body}
	if method != http.MethodDelete && !strings.Contains(path, "/exec") {
		req.Path += sep + "fieldManager=" + mark
	}
	if text, ok := body.(string); ok {
		req.Body = strings.ReplaceAll(text, "MARK", mark)
	}
	req.Path = strings.ReplaceAll(req.Path, "MARK", mark)
	for _, f := range change {
		f(&req)
	}
	res, err := c.client.Do(context.Background(), req)
	if !assert.NoError(c.t, err, mark) || !assert.Equal(c.t, code, res.Code, "%s: %s %s: %s", mark, method, path, res.Body) {
		return
	}
	if strings.HasPrefix(path, "configmaps/gone") { // the mark of what has no field manager is a name
		mark = strings.TrimPrefix(path, "configmaps/")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[mark] = res.AuditID
}

const (
	ordinaryMap = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"annotations":{"mark":"MARK"}}}`
	ordinaryPod = `{"apiVersion":"v1","kind":"Pod","metadata":{%s,"annotations":{"mark":"MARK"}},"spec":{"nodeName":"node-1","containers":[{"name":"c","image":"registry.example.com/web:1"}]}}`
)

func ofType(kind string) func(*rig.Request) { return func(r *rig.Request) { r.Type = kind } }

func as(user string) func(*rig.Request) {
	return func(r *rig.Request) {
		r.Header = map[string]string{"Impersonate-User": user, "Impersonate-Group": "system:masters"}
	}
}

// all are requests of each kind that is reviewed, some close together.
func (c *changes) all() {
	name := "web-" + c.who
	c.send(201, "POST", "pods", fmt.Sprintf(ordinaryPod, fmt.Sprintf(`"name":%q`, name)))
	for range 3 {
		c.send(201, "POST", "pods", fmt.Sprintf(ordinaryPod, `"generateName":"made-"`))
	}
	for range 3 {
		c.send(200, "PATCH", "pods/"+name, `{"metadata":{"annotations":{"mark":"MARK"}}}`, ofType("application/merge-patch+json"))
	}
	c.send(101, "GET", "pods/"+name+"/exec?container=c&command=MARK&stdout=true", nil, func(r *rig.Request) {
		r.Header = map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "v5.channel.k8s.io"}
	})
	m := "map-" + c.who
	c.send(201, "POST", "configmaps?dryRun=All", fmt.Sprintf(ordinaryMap, m))
	c.send(201, "POST", "configmaps", fmt.Sprintf(ordinaryMap, m))
	c.send(409, "POST", "configmaps", fmt.Sprintf(ordinaryMap, m))
	c.send(200, "PUT", "configmaps/"+m, fmt.Sprintf(ordinaryMap, m))
	c.send(200, "PUT", "configmaps/"+m, fmt.Sprintf(ordinaryMap, m), as("root-"+c.who))
	for _, code := range []int{201, 200} {
		c.send(code, "PATCH", "configmaps/applied-"+c.who+"?force=true", fmt.Sprintf(ordinaryMap, "applied-"+c.who), ofType("application/apply-patch+yaml"))
	}
	for range 4 { // who comes second is asked about twice
		c.send(200, "PATCH", "configmaps/shared", `{"metadata":{"annotations":{"mark":"MARK"}}}`, ofType("application/merge-patch+json"))
	}
	gone := "gone-" + c.who
	c.send(201, "POST", "configmaps", fmt.Sprintf(ordinaryMap, gone))
	c.send(200, "DELETE", "configmaps/"+gone, nil)
}

// markOf is the mark of the request that a review is of, and what the event says of its end.
func markOf(t *testing.T, e *audit.Event) string {
	t.Helper()
	if e.Root().Path("objectRef", "subresource").Text() == "exec" {
		return queryOf(e).Get("command")
	}
	if note(e, "operation") == "DELETE" {
		return e.Root().Path("objectRef", "name").Text()
	}
	return queryOf(e).Get("fieldManager")
}

// TestJoinOnARealAPIServer: reviews and audit events of the same requests find each other, and
// no others, whatever kind of request it is; what both tell comes out once. Then the service
// is away: the gap is told, and so is each request that went by it.
func TestJoinOnARealAPIServer(t *testing.T) {
	r := newJoined(t)
	r.kubectl("create", "namespace", "joined")
	r.kubectl("create", "serviceaccount", "default", "--namespace=joined") // no controller does
	r.kubectl("create", "configmap", "shared", "--namespace=joined")
	r.watch("/admission/prod/" + pathSecret)
	sent, mu := map[string]string{}, sync.Mutex{}
	var people []*changes
	for _, who := range []string{"ada", "bob", "eve"} {
		people = append(people, &changes{t: t, client: r.cluster.Client(who, "system:masters"), who: who, mu: &mu, sent: sent})
	}
	var all sync.WaitGroup
	for _, p := range people {
		all.Go(p.all)
	}
	all.Wait()
	nobody := r.cluster.Client("nobody")
	forbidden, err := nobody.Do(t.Context(), rig.Request{Method: "POST", Path: "/api/v1/namespaces/joined/configmaps?fieldManager=forbidden", Body: strings.ReplaceAll(fmt.Sprintf(ordinaryMap, "no"), "MARK", "no")})
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, forbidden.Code)
	again := r.checkLinks(sent)
	assert.Empty(t, r.find(fmt.Sprintf("kw.admission.uid exists and ka.auditid = %q", forbidden.AuditID)), "it was never reviewed")
	r.checkOnce(len(people), again)
	r.away()
	r.blocking()
	r.unhurt()
}

// blocking has the API server send each event before it goes on: a request is known to be
// received before it is reviewed.
func (r *reviewed) blocking() {
	r.t.Helper()
	r.cluster.StopAPIServer(patient)
	r.cluster.StartAPIServer("--audit-webhook-mode=blocking")
	r.watch("/admission/prod/" + pathSecret)
	before, sent := r.alerts(), map[string]string{}
	(&changes{t: r.t, client: r.cluster.Client("zoe", "system:masters"), who: "zoe", mu: new(sync.Mutex), sent: sent}).all()
	again := r.checkLinks(sent)
	after := r.alerts()
	assert.Equal(r.t, before["Once"]+20+again, after["Once"])
	assert.Equal(r.t, before["Exec Once"]+1, after["Exec Once"])
	// One more is the end of the request that acted as somebody else: the rule does not meet its review.
	assert.Equal(r.t, before["Received"]+20+1+again, after["Received"], "what was told when the request was received is not told again")
}

// checkLinks holds which audit events the reviews led to, and gives how many reviews were of
// attempts that the API server began again.
func (r *reviewed) checkLinks(sent map[string]string) (again int) {
	r.t.Helper()
	var audits map[string]map[string]bool // audit IDs by uid
	var marks map[string][]string         // uids by mark
	var missing []string
	defer func() {
		for _, mark := range missing {
			r.t.Logf("%s was not joined, which was reviewed as %s", mark, marks[mark])
			for _, x := range r.find(fmt.Sprintf("ka.uri contains %q or ka.target.name = %q", mark, mark)) {
				r.t.Logf("  %s: review %s: %s", x.Source, x.Answer.What.ReviewUID, x.Event)
			}
		}
	}()
	r.until("all are joined", func() bool {
		audits, marks, missing = map[string]map[string]bool{}, map[string][]string{}, nil
		for _, x := range r.find("kw.admission.uid exists and ka.target.namespace = joined") {
			e, err := audit.NewReader(strings.NewReader(`{"kind":"EventList","items":[`+string(x.Event)+"]}"), "api", audit.Limits{}).Next()
			require.NoError(r.t, err)
			uid := x.Answer.What.ReviewUID
			if x.Source == "admission" {
				marks[markOf(r.t, e)] = append(marks[markOf(r.t, e)], uid)
				continue
			}
			if audits[uid] == nil {
				audits[uid] = map[string]bool{}
			}
			audits[uid][e.AuditID] = true
		}
		for mark := range sent {
			if !slices.ContainsFunc(marks[mark], func(uid string) bool { return len(audits[uid]) > 0 }) {
				missing = append(missing, mark)
			}
		}
		return len(missing) == 0
	})
	for mark, id := range sent {
		got := map[string]bool{}
		for _, uid := range marks[mark] {
			for id := range audits[uid] {
				got[id] = true
			}
		}
		assert.Equal(r.t, map[string]bool{id: true}, got, "%s, reviewed as %s", mark, marks[mark])
		again += len(marks[mark]) - 1
	}
	m := r.metrics()
	r.t.Logf("%d requests, %d asked again: %g joined, %g left apart", len(sent), again, m.Sum("kubewitness_admission_joined_total"), m.Sum("kubewitness_admission_ambiguous_total"))
	assert.Zero(r.t, m.Sum("kubewitness_admission_evicted_total"))
	return again
}

// alerts counts what the output has, by rule.
func (r *reviewed) alerts() map[string]int {
	r.t.Helper()
	got := map[string]int{}
	for _, alert := range r.printed() {
		got[alert.Rule]++
	}
	return got
}

// checkOnce holds what came out.
func (r *reviewed) checkOnce(people, again int) {
	r.t.Helper()
	got := r.alerts()
	// Of each person 20 changes, and the reviews of those that the API server began again; of the one
	// without rights the refused one, and two objects from before there was a webhook.
	assert.Equal(r.t, people*20+again+3, got["Once"], "what both a review and an audit event tell")
	assert.Equal(r.t, people, got["Exec Once"])
}

// away kills the service, has requests made meanwhile, and holds what is told of it.
func (r *reviewed) away() {
	r.t.Helper()
	r.end(syscall.SIGKILL)
	const unseen = 3
	for i := range unseen {
		r.kubectl("create", "-f", r.workload("Pod", "joined", fmt.Sprint("unseen-", i), ""))
	}
	r.t.Log("waiting until it was away for long enough")
	await(r.t, "it was away", nil, func() bool { return r.lastBeat() > 6*time.Second })
	r.start()
	r.until("each request that went by it is told", func() bool {
		return len(r.find("kw.admission.failedopen intersects (admission.kubewitness.io) and ka.stage = ResponseComplete and ka.target.name startswith unseen-")) == unseen
	})
	for _, x := range r.find("kw.admission.failedopen exists") {
		assert.NotEqual(r.t, "admission", x.Source)
		assert.Empty(r.t, x.Answer.What.ReviewUID, "nobody reviewed it")
	}
	r.until("the gap is told", func() bool { return r.metrics().Sum("kubewitness_unwatched_total") == 1 })
	got := r.alerts()
	assert.Equal(r.t, 1, got["Kubewitness Was Not Watching"])
	assert.Equal(r.t, unseen, got["Admission Webhook Failed Open"])
	b, err := os.ReadFile(r.output)
	require.NoError(r.t, err)
	assert.Contains(r.t, string(b), "kubewitness was not watching cluster prod from ")
	assert.Contains(r.t, string(b), "since it, or its machine, had died")
}

// lastBeat is how long ago the service noted that it is there.
func (r *reviewed) lastBeat() time.Duration {
	b, err := os.ReadFile(filepath.Join(r.dir, "data", "heartbeat"))
	require.NoError(r.t, err)
	var beat struct{ Alive time.Time }
	require.NoError(r.t, json.Unmarshal(b, &beat))
	return time.Since(beat.Alive)
}
