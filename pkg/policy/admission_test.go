package policy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/install"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/test/reviews"
)

// reviewed makes of recorded events what the service makes of the reviews of the same requests.
func reviewed(t testing.TB, events []*audit.Event) (out []*audit.Event) {
	t.Helper()
	c := reviews.New()
	for _, e := range events {
		some, err := c.Of(e)
		require.NoError(t, err)
		out = append(out, some...)
	}
	return out
}

// TestBlindAtAdmission holds coverage against what happens: rules over recorded events, and over the reviews of the same
// requests, made into events by the conversion of the service.
func TestBlindAtAdmission(t *testing.T) {
	long(t)
	set, events := ours(t), recording(t)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	full, left := fired(t, m, events), fired(t, m, reviewed(t, events))
	var stopped, blind []string
	for _, rule := range slices.Sorted(maps.Keys(full)) {
		if left[rule] == 0 {
			stopped = append(stopped, rule)
		}
	}
	coverage := policy.Cover(set.Rules.Rules, set.Catalogue, false, policy.Admission(false))
	for _, rule := range coverage.Blind() {
		assert.Zero(t, left[rule], "%s is called blind, and fires", rule)
		if full[rule] > 0 {
			blind = append(blind, rule)
		}
	}
	slices.Sort(blind)
	assert.Equal(t, stopped, blind)
	t.Logf("%d of %d rules that fire on the recordings fire on reviews", len(left), len(full))
}

// TestAdmissionTells holds what is said of rules by one clause each.
func TestAdmissionTells(t *testing.T) {
	const mark = "jevt.value[/annotations/admission.kubewitness.io~1uid] exists"
	for _, tt := range []struct {
		name, condition string
		want            policy.Status
		says, advises   string
	}{
		{"a write", `ka.stage = ResponseComplete and ka.verb = create and ka.target.resource = widgets`, policy.Partly, "the webhook's configuration leaves out kube-system", ""},
		{"a read", `ka.verb = list and ka.target.resource = secrets`, policy.Blind, "no review tells of list of secrets: API servers do not ask about reads.", "take that in as well"},
		{"a code", `ka.verb = create and ka.response.code startswith 2 and ka.target.resource = pods`, policy.Blind,
			"`ka.response.code startswith 2` can not hold for create of pods", "Or write `(ka.response.code startswith 2 or " + mark + ")`"},
		{"a refusal", `ka.verb = create and ka.response.code = 403 and ka.target.resource = pods`, policy.Blind, "`ka.response.code = 403`", ""},
		{"either", `ka.verb = create and (ka.response.code startswith 2 or ` + mark + `) and ka.target.resource = pods`, policy.Partly, "", ""},
		{"not at admission", `ka.verb = create and ka.target.resource = pods and not kw.annotations[admission.kubewitness.io/uid] exists`, policy.Blind, "the rule leaves admission alone", ""},
		{"an address", `ka.verb = delete and kw.source.ip in (10.0.0.0/8)`, policy.Blind, "`kw.source.ip in (10.0.0.0/8)` can not hold", ""},
		{"a program", `ka.verb = delete and ka.useragent startswith curl`, policy.Blind, "a review does not tell the user agent", ""},
		{"somebody else", `ka.verb = delete and ka.impuser.name exists`, policy.Blind, "as if it were that user", ""},
		{"a reason", `ka.verb = delete and ka.auth.reason contains x`, policy.Blind, "without the API server's annotations", ""},
		{"a decision", `ka.verb = delete and ka.auth.decision = allow and ka.target.resource = secrets`, policy.Partly, "", ""},
		{"no decision", `ka.verb = delete and ka.auth.decision = forbid and ka.target.resource = secrets`, policy.Blind, "", ""},
		{"a failed login", `ka.stage = ResponseStarted and not ka.user.name exists`, policy.Blind, "whom they do not let in", ""},
		{"a patch", `ka.stage = ResponseComplete and ka.verb = patch and ka.target.resource = pods`, policy.Blind, "not by which verb", ""},
		{"an apply that makes", `ka.verb = create and ka.target.resource = secrets`, policy.Partly, "", ""},
		{"a collection", `ka.stage = ResponseComplete and ka.verb = deletecollection and ka.target.resource = secrets`, policy.Blind, "not by which verb", ""},
		{"received", `ka.stage = RequestReceived and ka.verb = create`, policy.Blind, "no review tells of stage RequestReceived", ""},
		{"a command", `ka.target.subresource = exec and kw.command.line contains sh`, policy.Partly, "", ""},
		{"the end of it", `ka.stage = ResponseComplete and ka.target.resource = pods and ka.target.subresource = exec and ka.verb = create`, policy.Blind, "events of one stage", ""},
		{"webhooks", `ka.verb = create and ka.target.resource = validatingwebhookconfigurations`, policy.Blind, "webhooks and policies of admission themselves", ""},
		{"the system", `ka.verb = create and ka.target.resource = pods and ka.target.namespace = kube-system`, policy.Blind, "leaves out kube-system", "let the webhook's configuration ask"},
		{"leases", `ka.verb = update and ka.target.resource = leases`, policy.Blind, "leaves out leases and events", "let the webhook's configuration ask"},
		{"nodes", `ka.verb = create and ka.target.resource = pods and ka.user.name startswith "system:node:"`, policy.Blind, "leaves out what nodes do", ""},
		{"the object before", `ka.stage = ResponseComplete and ka.verb = update and jevt.value[/oldObject/spec/type] = x and ka.target.resource = services`, policy.Partly, "", ""},
		{"before it was made", `ka.verb = create and jevt.value[/oldObject/spec/type] = x and ka.target.resource = services`, policy.Never, "", ""},
		{"a parameter", `ka.verb = create and ka.uri.param[pretty] = true`, policy.Blind, "with few parameters", ""},
		{"a manager", `ka.verb = create and ka.uri.param[fieldManager] = kubectl and ka.target.resource = pods`, policy.Partly, "", ""},
		{"a path", `ka.uri startswith "/metrics" and ka.verb = get and not ka.target.resource exists`, policy.Blind, "API servers ask about resources only", ""},
		{"no level", `ka.verb = create and kw.level = Metadata and ka.target.resource = pods`, policy.Blind, "a review always has the object", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "- {rule: r, desc: d, condition: '" + strings.ReplaceAll(tt.condition, "'", "''") + "', output: o, priority: NOTICE, source: k8s_audit}\n"
			rs, results := rules.Load([]rules.File{{Name: "r.yaml", Content: []byte(text)}}, rules.Options{Catalogue: field.Default()})
			require.NoError(t, results[0].Err())
			source := policy.Admission(false)
			got := policy.Cover(rs.Rules, field.Default(), false, source).Of("r")
			said := strings.Join(got.Sentences(source), "\n")
			assert.Equal(t, tt.want, got.Status, said)
			assert.Contains(t, said, tt.says)
			assert.Contains(t, said, tt.advises)
			assert.Equal(t, got.Status == policy.Blind, len(got.Advice) > 0)
		})
	}
}

// TestOnlyAdmissionTells: what only reviews have makes no rule see on an audit log, and no policy longer.
func TestOnlyAdmissionTells(t *testing.T) {
	for _, condition := range []string{
		`ka.verb = update and jevt.value[/oldObject/spec/type] exists`, `ka.verb = update and kw.annotations[admission.kubewitness.io/uid] exists`,
	} {
		text := "- {rule: r, desc: d, condition: '" + condition + "', output: o, priority: NOTICE, source: k8s_audit}\n"
		rs, results := rules.Load([]rules.File{{Name: "r.yaml", Content: []byte(text)}}, rules.Options{Catalogue: field.Default()})
		require.NoError(t, results[0].Err())
		for name, source := range sources() {
			assert.Equal(t, policy.Blind, policy.Cover(rs.Rules, field.Default(), false, source).Of("r").Status, "%s: %s", name, condition)
		}
	}
}

// TestConfigurationIsAsModelled: coverage, and the reviews that tests are made of, take for granted what the webhook's
// configuration says that is put up.
func TestConfigurationIsAsModelled(t *testing.T) {
	conditions := []string{
		`!(request.resource.group == "coordination.k8s.io" && request.resource.resource == "leases") && !(request.resource.resource == "events")`,
		`!(request.resource.group in ["` + strings.Join(reviews.Configured.Groups, `", "`) + `"])`,
		`!(request.userInfo.username in ["` + strings.Join(reviews.Configured.Users, `", "`) + `"]) && !request.userInfo.username.startsWith("system:node:")`,
	}
	for _, named := range []bool{false, true} {
		on := install.Recent
		on.Named = named
		w := install.Options{}.Validating(on, "", nil).Webhooks[0]
		for i, c := range w.MatchConditions {
			assert.Equal(t, conditions[i], c.Expression, "it has changed: pkg/policy/admission.go and test/reviews must say the same")
		}
		require.Len(t, w.MatchConditions, len(conditions))
		require.Len(t, w.NamespaceSelector.MatchExpressions, 1)
		assert.ElementsMatch(t, reviews.Configured.Namespaces, w.NamespaceSelector.MatchExpressions[0].Values)
		source := policy.Admission(named)
		seen := 0
		for _, r := range requests() {
			asked := slices.ContainsFunc(w.Rules, func(rule install.Rule) bool { return asks(rule, r) }) && conditionsHold(r)
			assert.Equal(t, asked, source.Policy.Record(r).Level > policy.None, "named %v: %s %s %s/%s", named, r.Verb, r.Group, r.Resource, r.Subresource)
			if asked {
				seen++
			}
		}
		assert.Greater(t, seen, 100)
	}
}

// requests are some of each kind, by somebody in some namespace.
func requests() (all []*policy.Request) {
	for group, list := range map[string]string{
		"":                             "pods pods/status pods/resize pods/log pods/exec pods/attach pods/portforward pods/proxy pods/binding pods/eviction pods/ephemeralcontainers services services/proxy services/status nodes nodes/proxy nodes/status persistentvolumes persistentvolumeclaims configmaps secrets namespaces namespaces/finalize serviceaccounts serviceaccounts/token endpoints events bindings podtemplates resourcequotas limitranges replicationcontrollers replicationcontrollers/scale",
		"apps":                         "deployments deployments/scale deployments/status daemonsets statefulsets replicasets",
		"batch":                        "jobs cronjobs cronjobs/status",
		"autoscaling":                  "horizontalpodautoscalers",
		"policy":                       "poddisruptionbudgets",
		"certificates.k8s.io":          "certificatesigningrequests certificatesigningrequests/approval certificatesigningrequests/status",
		"coordination.k8s.io":          "leases leasecandidates",
		"events.k8s.io":                "events",
		"authentication.k8s.io":        "tokenreviews selfsubjectreviews",
		"authorization.k8s.io":         "subjectaccessreviews selfsubjectrulesreviews",
		"rbac.authorization.k8s.io":    "roles clusterroles rolebindings clusterrolebindings",
		"networking.k8s.io":            "ingresses ingresses/status networkpolicies",
		"discovery.k8s.io":             "endpointslices",
		"apiextensions.k8s.io":         "customresourcedefinitions customresourcedefinitions/status",
		"apiregistration.k8s.io":       "apiservices",
		"admissionregistration.k8s.io": "validatingwebhookconfigurations mutatingadmissionpolicies",
		"storage.k8s.io":               "storageclasses",
		"example.com":                  "widgets",
		"cilium.io":                    "ciliumnetworkpolicies",
	} {
		for _, name := range strings.Fields(list) {
			for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
				r := policy.Request{Verb: verb, User: "jane", Groups: policy.GroupsOf("jane"), Group: group, Namespace: "shop"}
				r.Resource, r.Subresource, _ = strings.Cut(name, "/")
				all = append(all, &r)
			}
		}
	}
	return all
}

// asks tells whether a webhook's rule is about a request, as API servers read it.
func asks(rule install.Rule, r *policy.Request) bool {
	operation := map[string]string{"create": "CREATE", "update": "UPDATE", "patch": "UPDATE", "delete": "DELETE", "deletecollection": "DELETE"}[r.Verb]
	if slices.Contains([]string{"exec", "attach", "portforward", "proxy"}, r.Subresource) {
		operation = "CONNECT"
	}
	name := r.Resource
	if r.Subresource != "" {
		name += "/" + r.Subresource
	}
	fits := func(p string) bool {
		return p == name || p == "*" && r.Subresource == "" || r.Subresource != "" && p == "*/"+r.Subresource
	}
	return slices.Contains(rule.Operations, operation) && slices.ContainsFunc(rule.APIGroups, func(g string) bool { return g == "*" || g == r.Group }) &&
		slices.ContainsFunc(rule.Resources, fits)
}

// conditionsHold is what the conditions say, and that API servers do not ask about admission itself.
func conditionsHold(r *policy.Request) bool {
	return r.Group != "admissionregistration.k8s.io" && !slices.Contains(reviews.Configured.Groups, r.Group) && r.Resource != "events" && r.Resource != "leases"
}

// TestNamedResources: where resources are named, rules about others are blind.
func TestNamedResources(t *testing.T) {
	set := ours(t)
	more := []string{
		"Kubelet Reached Through Node Proxy", "Node Registered", "Node Registered by Somebody Else", "Client Certificate Asked or Approved", "Certificate Asked and Approved Alone",
	}
	some := slices.DeleteFunc(slices.Clone(set.Rules.Rules), func(r *rules.Rule) bool {
		return !slices.Contains(append(more, "Service Opened by Hand", "Role Bound to Everybody", "Tunnel to Pod or Service"), r.Name)
	})
	require.Len(t, some, len(more)+3)
	assert.Empty(t, policy.Cover(some, set.Catalogue, false, policy.Admission(false)).Blind())
	assert.ElementsMatch(t, more, policy.Cover(some, set.Catalogue, false, policy.Admission(true)).Blind())
}
