package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/rig"
)

// newAutopilot is a cluster as on GKE Autopilot: nobody may set a flag of the API server, so
// there is no audit log and no certificate that it shows, and kubewitness with its own rules
// has nothing but what is asked at a secret path.
func newAutopilot(t *testing.T) *reviewed {
	t.Helper()
	rig.Binaries(t)
	r := &reviewed{service: newService(t, ""), address: freeAddress(t)}
	cert := r.server.issue("kubewitness-admission")
	r.write("config.yaml", fmt.Sprintf(`
data: %s
http: {listen: %q}
admission:
  listen: %q
  tls: {cert_file: %s, key_file: %s}
  deadline: 1s
  credentials: [{name: path, path_secret_file: %s, clusters: [prod]}]
clusters: [{name: prod}]
outputs:
  stdout: {enabled: false}
  file: {path: %s}
`, filepath.Join(r.dir, "data"), r.http, r.address, cert.cert, cert.key, r.write("secret", pathSecret), r.output))
	r.start()
	r.cluster = rig.Start(t, rig.Options{Nodes: 1, Controllers: true, NoAudit: true})
	return r
}

// elsewhere are steps of attacks that admission is not asked about, of rules that see others.
var elsewhere = map[string]string{
	"nobody looks":      "a read",
	"admission webhook": "an API server does not ask about webhooks",
	"kube-system":       "the webhook's configuration leaves it out",
}

// told is a detection as the output has it.
type told struct {
	Rule   string
	Fields map[string]any `json:"output_fields"`
}

func (r *reviewed) told() (all []told) {
	r.t.Helper()
	f, err := os.Open(r.output)
	require.NoError(r.t, err)
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var one told
		if err := d.Decode(&one); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all
		} else {
			require.NoError(r.t, err)
		}
		all = append(all, one)
	}
}

// TestAutopilot: with admission alone, the built-in rules that can see do fire on the requests
// of attacks, and those that `rules coverage --admission` calls blind do not.
func TestAutopilot(t *testing.T) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: falco.Debug})
	require.NoError(t, err)
	blind := policy.Cover(set.Rules.Rules, set.Catalogue, false, policy.Admission(false)).Blind()
	require.NotEmpty(t, blind)

	r := newAutopilot(t)
	cast := r.cluster.Cast()
	_, err = cast.Play(t.Context(), rig.Setting())
	require.NoError(t, err)
	r.watch("/admission/prod/" + pathSecret)
	played, err := cast.Play(t.Context(), rig.Attacks())
	require.NoError(t, err)
	r.byPrograms(cast)
	assert.NoFileExists(t, r.cluster.AuditLog, "nothing but admission tells")

	want := map[string]bool{"Rights Changed by Hand": true, "Namespace Needs Network Policy": true}
	for _, p := range played {
		if p.Rule != "" && elsewhere[p.Name] == "" && !slices.Contains(blind, p.Rule) {
			want[p.Rule] = true
		}
	}
	require.Greater(t, len(want), 15)
	fired := map[string]int{}
	var missing []string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("missing %q, fired %v", missing, fired)
		}
	})
	r.until("the rules that can see have fired", func() bool {
		clear(fired)
		for _, d := range r.told() {
			fired[d.Rule]++
		}
		missing = slices.DeleteFunc(slices.Sorted(maps.Keys(want)), func(rule string) bool { return fired[rule] > 0 })
		return len(missing) == 0
	})
	r.settled()
	for _, rule := range blind {
		assert.Zero(t, fired[rule], "%s is called blind", rule)
	}
	t.Logf("%d rules fired, %d of them expected; %d are blind", len(fired), len(want), len(blind))
	r.checkPrograms()
	assert.Zero(t, r.metrics().Sum("kubewitness_admission_lost_events_total"))
	r.unhurt()
}

// byPrograms has a program's credential used with the tools of people, and as itself.
func (r *reviewed) byPrograms(cast rig.Cast) {
	r.t.Helper()
	const binding = `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":%q},` +
		`"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":%q},"subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"default"}]}`
	const bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
	r.do(r.cluster.Admin(), "/api/v1/namespaces", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"robots"}}`, "")
	r.do(r.cluster.Admin(), "/api/v1/namespaces/default/serviceaccounts", `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot"}}`, "")
	r.do(r.cluster.Admin(), bindings, fmt.Sprintf(binding, "robots", "cluster-admin"), "")
	var token struct{ Status struct{ Token string } }
	require.NoError(r.t, json.Unmarshal(r.do(r.cluster.Admin(), "/api/v1/namespaces/default/serviceaccounts/robot/token",
		`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}`, ""), &token))
	robot := r.cluster.Bearer(token.Status.Token)
	r.do(robot, bindings, fmt.Sprintf(binding, "by-itself", "view"), "robot/1.0")
	r.do(robot, bindings, fmt.Sprintf(binding, "by-curl", "view"), "curl/8.9.0")
	r.do(robot, bindings+"?fieldManager=kubectl-create", fmt.Sprintf(binding, "by-kubectl", "view"), "kubectl/v1.35.4")
}

// do makes an object, and gives the answer.
func (r *reviewed) do(by *rig.Client, path, body, agent string) []byte {
	r.t.Helper()
	q := rig.Request{Method: http.MethodPost, Path: path, Body: body}
	if agent != "" {
		q.Header = map[string]string{"User-Agent": agent}
	}
	var answer rig.Response
	r.until(path, func() bool { // rights take a moment
		var err error
		answer, err = by.Do(context.Background(), q)
		require.NoError(r.t, err)
		return answer.Code == http.StatusCreated
	})
	return answer.Body
}

// checkPrograms: what nobody tells at admission, the user agent, the object does.
func (r *reviewed) checkPrograms() {
	r.t.Helper()
	var byHand, scaled []any
	for _, d := range r.told() {
		switch {
		case d.Rule == "Rights Changed by Hand" && d.Fields["ka.user.name"] == "system:serviceaccount:default:robot":
			byHand = append(byHand, d.Fields["ka.target.name"])
		case d.Rule == "Workload Stopped by Hand":
			scaled = append(scaled, d.Fields["ka.target.subresource"])
		}
	}
	assert.ElementsMatch(r.t, []any{"by-curl", "by-kubectl"}, byHand)
	assert.Contains(r.t, scaled, "scale", "a zero that the scale leaves out")
}
