package policy

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// reviewRule is requests about which no review comes, and why: because API servers never ask, or because the webhook's
// configuration that kubewitness puts up leaves them out. What stands in between is asked about; the first that fits counts.
type reviewRule struct {
	why    string // "": reviews do come
	config bool   // another configuration would ask
	rule   string // of an audit policy
}

var unasked = []reviewRule{
	{"API servers ask about resources only", false, `
    level: None
    nonResourceURLs: ["*"]`},
	{"API servers do not ask about webhooks and policies of admission themselves", false, `
    level: None
    resources: [{group: admissionregistration.k8s.io}]`},
	{"the webhook's configuration leaves out what the control plane does by itself", true, `
    level: None
    users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]`},
	{"the webhook's configuration leaves out what nodes do", true, `
    level: None
    userGroups: ["system:nodes"]`},
	{"the webhook's configuration leaves out kube-system, kube-node-lease and its own namespace", true, `
    level: None
    namespaces: [kubewitness, kube-system, kube-node-lease]`},
	{"", false, `
    level: Request
    userGroups: ["system:authenticated", "system:unauthenticated"]
    resources: [{group: "", resources: [pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy, nodes/proxy]}]
    omitStages: [ResponseComplete]`},
	{noReads, false, `
    level: None
    verbs: [get, list, watch]`},
	{"the webhook's configuration leaves out leases and events", true, `
    level: None
    resources: [{group: "", resources: [events]}, {group: events.k8s.io, resources: [events]}, {group: coordination.k8s.io, resources: [leases]}]`},
	{"the webhook's configuration leaves out what only asks who somebody is, or what somebody may", true, `
    level: None
    resources: [{group: authentication.k8s.io}, {group: authorization.k8s.io}]`},
	{"the webhook's configuration leaves out status and the like", true, `
    level: None
    resources: [{group: "", resources: ["*/status", "*/finalize", "*/resize", "*/log"]}, {group: apps, resources: ["*/status"]},
      {group: batch, resources: ["*/status"]}, {group: autoscaling, resources: ["*/status"]}, {group: policy, resources: ["*/status"]},
      {group: networking.k8s.io, resources: ["*/status"]}, {group: storage.k8s.io, resources: ["*/status"]}, {group: resource.k8s.io, resources: ["*/status"]},
      {group: flowcontrol.apiserver.k8s.io, resources: ["*/status"]}, {group: apiregistration.k8s.io, resources: ["*/status"]},
      {group: apiextensions.k8s.io, resources: ["*/status"]}, {group: certificates.k8s.io, resources: ["*/status"]}]`},
}

// all resources are asked about, or the usual ones by name where the provider takes no webhook for all.
var (
	allResources = []reviewRule{{"", false, `
    level: Request
    userGroups: ["system:authenticated", "system:unauthenticated"]
    omitStages: [ResponseStarted]`}}
	namedResources = []reviewRule{
		{"", false, `
    level: Request
    userGroups: ["system:authenticated", "system:unauthenticated"]
    resources: [{group: "", resources: [pods, pods/ephemeralcontainers, pods/eviction, pods/binding, podtemplates, replicationcontrollers,
      replicationcontrollers/scale, namespaces, services, endpoints, configmaps, secrets, serviceaccounts, serviceaccounts/token,
      persistentvolumeclaims, resourcequotas, limitranges]}, {group: apps}, {group: batch}, {group: autoscaling}, {group: policy},
      {group: rbac.authorization.k8s.io}, {group: networking.k8s.io}, {group: gateway.networking.k8s.io}, {group: discovery.k8s.io},
      {group: apiextensions.k8s.io}, {group: apiregistration.k8s.io}, {group: storage.k8s.io}, {group: scheduling.k8s.io}, {group: node.k8s.io}]
    omitStages: [ResponseStarted]`},
		{"the webhook's configuration names the usual resources, and not these", true, `
    level: None`},
	}
	noNodeProxy = reviewRule{"the webhook's configuration names the usual resources, and not these", true, `
    level: None
    resources: [{group: "", resources: [nodes/proxy]}]`}
)

const (
	beforeAnswer = "a review comes before the answer"
	noReads      = "API servers do not ask about reads"
	oneStage     = "reviews become events of one stage: ResponseStarted of streams, ResponseComplete of all others"
)

// Admission is reviews of admission: what API servers ask a webhook that is put up as kubewitness does, and what package
// admission makes of it; with named where it has to name the resources that it asks about, as on GKE Autopilot for some. Its
// events are not those of audit logs with something left out, so that Reduce is of no use for it.
func Admission(named bool) *Source {
	list, name := slices.Concat(unasked, allResources), "admission"
	if named {
		list, name = slices.Concat([]reviewRule{noNodeProxy}, unasked, namedResources), "admission of named resources"
	}
	text := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived, Panic]\nrules:"
	for _, u := range list {
		text += "\n  -" + strings.TrimPrefix(u.rule, "\n   ")
	}
	p, err := Load("admission", []byte(text))
	if err != nil {
		panic(err) // it stands above
	}
	return &Source{
		Name: name, Policy: p, reviews: true, unasked: list,
		Fixed: "What admission does not tell is in the audit log: take that in as well.",
		Lacks: []Lack{
			{Pointer: "/responseStatus", Why: beforeAnswer},
			{Pointer: "/responseObject", Why: beforeAnswer},
			{Pointer: "/sourceIPs", Why: "a review does not tell from where a request came"},
			{Pointer: "/userAgent", Why: "a review does not tell the user agent"},
			{Pointer: "/impersonatedUser", Why: "a review tells of an impersonated user as if it were that user"},
			{Pointer: "/annotations*", But: []string{"authorization.k8s.io~1decision", "admission.kubewitness.io~1*"}, Why: "a review comes without the API server's annotations"},
			{Pointer: "/requestURI?", But: []string{"command", "container", "dryRun", "fieldManager", "fieldValidation", "ports", "stdin", "stdout", "stderr", "tty"},
				Why: "the URI is worked out of the review, with few parameters"},
		},
	}
}

// reviewMark is the annotation by which rules tell reviews from what was recorded.
const reviewMark = "/annotations/admission.kubewitness.io~1uid"

// onlyReviews is what reviews tell and audit logs never do.
var onlyReviews = []Lack{
	{Pointer: "/oldObject", Why: "only admission tells the object before"},
	{Pointer: "/annotations/admission.kubewitness.io~1*", Why: "only events of admission have it"},
}

// audited is an audit log of everything.
var audited = &Source{Lacks: onlyReviews}

// told are the verbs by which events tell of a class. Of reviews, a patch is an update, or a create where it is an apply that
// makes something; each object that is deleted is deleted by itself; how a stream is opened, and what goes through a proxy,
// they do not tell.
func (s *Source) told(c *class) []string {
	switch {
	case !s.reviews:
		return []string{c.verb}
	case c.target.sub == "proxy":
		return []string{""}
	case slices.Contains([]string{"attach", "exec", "portforward"}, c.target.sub):
		return []string{"create"}
	case c.verb == "patch" && c.target.sub == "":
		return []string{"update", "create"}
	case c.verb == "patch":
		return []string{"update"}
	case c.verb == "deletecollection":
		return []string{"delete"}
	}
	return []string{c.verb}
}

// reviewText is what is known of a member because the event is made of a review.
func (m *moment) reviewText(pointer string) (attribute, bool) {
	switch {
	case m.source == nil || !m.source.reviews:
	case pointer == "/verb" && m.verb == "":
		return text{absent: true}.at("")
	case pointer == reviewMark:
		return text{}.at("")
	case pointer == "/annotations/authorization.k8s.io~1decision":
		return exactly("allow").at(pointer)
	}
	return attribute{}, false
}

// explainReview tells why no review helps: because none comes, or which clauses ask for what it does not tell.
func (c *covering) explainReview(l *Loss, k *class, rec Recording) {
	l.Rule = 0 // of no policy that anybody could change
	switch {
	case rec.Rule == 0:
		l.Why = "API servers do not ask about those whom they do not let in"
		return
	case k.reads():
		l.Why = noReads
		return
	case l.Omitted:
		l.Why, l.aside = oneStage, true
		return
	case rec.Level == None && !c.source.unasked[rec.Rule-1].config:
		l.Why = c.source.unasked[rec.Rule-1].why
		return
	}
	c.explain(l, k, rec, WithRequest, WithRequest)
	l.aside = k.target.sub == "proxy"
	switch {
	case l.Needs == "" && len(l.Clauses) == 0:
		l.Why = "a review always has the object" // and the rule is about events that have none
	case rec.Level == None && l.Needs != "":
		l.Why, l.config, l.aside = c.source.unasked[rec.Rule-1].why, true, true
	}
	condition.Walk(c.demand.expr, func(e condition.Expr) bool {
		if check, ok := e.(*condition.Check); ok && c.asksForSuccess(check) && slices.Contains(l.Clauses, check.String()) {
			l.success = appendNew(l.success, check.String())
		}
		return true
	})
}

// byClause puts what clauses ask for in front: that says more than that no review comes.
func byClause(a, b Loss) int {
	rank := func(l *Loss) int {
		if len(l.Clauses) > 0 && !l.aside {
			return 0
		}
		return 1
	}
	return rank(&a) - rank(&b)
}

// reads tells whether requests of a class only read, and open nothing.
func (c *class) reads() bool {
	return c.target.path == nil && slices.Contains([]string{"get", "list", "watch"}, c.verb) &&
		!slices.Contains([]string{"attach", "exec", "portforward", "proxy"}, c.target.sub)
}

// whyOfReview tells why a check cannot hold of reviews though no member is lacking; "" of other sources.
func (c *covering) whyOfReview(e condition.Expr) string {
	if not, ok := e.(*condition.Not); ok {
		e = not.X
	}
	check, ok := e.(*condition.Check)
	if !ok || !c.source.reviews {
		return ""
	}
	f, _ := check.Left.(*condition.Field)
	switch {
	case f == nil:
	case place(f) == reviewMark:
		return "the rule leaves admission alone"
	case place(f) == "/verb":
		return "reviews tell whether something is made, changed or deleted, and not by which verb"
	case place(f) == "/stage":
		return oneStage
	}
	return ""
}

// asksForSuccess tells whether a check holds for the code of a request that went through.
func (c *covering) asksForSuccess(check *condition.Check) bool {
	f, ok := check.Left.(*condition.Field)
	if !ok || check.Right != nil || f.Name != "ka.response.code" && f.Name != "kw.response.code" {
		return false
	}
	return slices.ContainsFunc([]string{"200", "201"}, func(code string) bool {
		return c.j.verdict(check, []attribute{{text: exactly(code), member: "/responseStatus/code", number: true}}).holds()
	})
}

// advice tells what would serve a rule to which reviews tell nothing; none of other sources.
func (s *Source) advice(lost []Loss) (out []string) {
	if !s.reviews {
		return nil
	}
	out = []string{s.Fixed}
	for i := range lost {
		if lost[i].config {
			out = appendNew(out, "Or let the webhook's configuration ask about it, where the provider lets you.")
		}
		for _, clause := range lost[i].success {
			out = appendNew(out, "Or write `("+clause+" or jevt.value["+reviewMark+"] exists)`: at admission nothing has failed yet.")
		}
	}
	return out
}
