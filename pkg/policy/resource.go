package policy

import (
	"slices"
	"strings"
)

// known are the resources of Kubernetes 1.35 and of what nearly every cluster adds, as "resource subresource ...", by API
// group. A trailing ! says that the resource is in no namespace.
var known = []struct{ group, resources string }{
	{"", `bindings; componentstatuses!; configmaps; endpoints; events; limitranges; namespaces! finalize status; nodes! proxy status;
		persistentvolumeclaims status; persistentvolumes! status;
		pods attach binding ephemeralcontainers eviction exec log portforward proxy resize status; podtemplates;
		replicationcontrollers scale status; resourcequotas status; secrets; serviceaccounts token; services proxy status`},
	{"admissionregistration.k8s.io", `mutatingwebhookconfigurations!; validatingwebhookconfigurations!; validatingadmissionpolicies! status;
		validatingadmissionpolicybindings!; mutatingadmissionpolicies!; mutatingadmissionpolicybindings!`},
	{"apiextensions.k8s.io", "customresourcedefinitions! status"},
	{"apiregistration.k8s.io", "apiservices! status"},
	{"apps", "controllerrevisions; daemonsets status; deployments scale status; replicasets scale status; statefulsets scale status"},
	{"authentication.k8s.io", "selfsubjectreviews!; tokenreviews!"},
	{"authorization.k8s.io", "localsubjectaccessreviews; selfsubjectaccessreviews!; selfsubjectrulesreviews!; subjectaccessreviews!"},
	{"autoscaling", "horizontalpodautoscalers status"},
	{"batch", "cronjobs status; jobs status"},
	{"certificates.k8s.io", "certificatesigningrequests! approval status; clustertrustbundles!"},
	{"coordination.k8s.io", "leases; leasecandidates"},
	{"discovery.k8s.io", "endpointslices"},
	{"events.k8s.io", "events"},
	{"flowcontrol.apiserver.k8s.io", "flowschemas! status; prioritylevelconfigurations! status"},
	{"metrics.k8s.io", "nodes!; pods"},
	{"networking.k8s.io", "ingressclasses!; ingresses status; ipaddresses!; networkpolicies; servicecidrs! status"},
	{"node.k8s.io", "runtimeclasses!"},
	{"policy", "poddisruptionbudgets status"},
	{"rbac.authorization.k8s.io", "clusterrolebindings!; clusterroles!; rolebindings; roles"},
	{"resource.k8s.io", "deviceclasses!; resourceclaims status; resourceclaimtemplates; resourceslices!"},
	{"scheduling.k8s.io", "priorityclasses!"},
	{"storage.k8s.io", "csidrivers!; csinodes!; csistoragecapacities; storageclasses!; volumeattachments! status; volumeattributesclasses!"},
	{"cilium.io", "ciliumclusterwidenetworkpolicies!; ciliumnetworkpolicies"},
	{"crd.projectcalico.org", "globalnetworkpolicies!; networkpolicies"},
}

// seldom tells of resources that rules do not mean unless they name them.
func (t *target) seldom() bool {
	return slices.Contains([]string{"metrics.k8s.io", "resource.k8s.io", "cilium.io", "crd.projectcalico.org"}, t.group) || t.resource == "controllerrevisions"
}

// other is a name that stands for all that nobody names.
const other = "kw-other"

// target is what requests are about.
type target struct {
	group, resource, sub string
	anyResource          bool  // every resource of the group that is not named anywhere
	anyGroup             bool  // and every group
	clusterWide          bool  // in no namespace
	path                 *text // outside the API's resources
	paths                string
	like                 string // the pattern by which policies name the paths
}

func (t *target) name() string {
	switch {
	case t.path != nil:
		return t.like
	case t.anyGroup:
		return "other resources"
	case t.anyResource:
		return "other resources of " + groupName(t.group)
	case t.sub != "":
		return t.resource + "/" + t.sub
	}
	return t.resource
}

func groupName(group string) string {
	if group == "" {
		return "the core group"
	}
	return group
}

func (t *target) groupText() text {
	if t.anyGroup {
		return text{fresh: true}
	}
	return exactly(t.group)
}

func (t *target) resourceText() text {
	if t.anyResource {
		return text{fresh: true}
	}
	return exactly(t.resource)
}

// request is a request of that kind by nobody in particular.
func (t *target) request(verb string) Request {
	if t.path != nil {
		return Request{Verb: verb, Path: t.paths}
	}
	return Request{Verb: verb, Group: t.group, Resource: t.resource, Subresource: t.sub}
}

// resources lists what the API is known to have, and one target for the rest of each group and for other groups.
func resources() []*target {
	var out []*target
	for _, g := range known {
		for entry := range strings.SplitSeq(g.resources, ";") {
			words := strings.Fields(entry)
			name, clusterWide := strings.CutSuffix(words[0], "!")
			for _, sub := range append([]string{""}, words[1:]...) {
				out = append(out, &target{group: g.group, resource: name, sub: sub, clusterWide: clusterWide && name != "namespaces"})
			}
		}
		out = append(out, &target{group: g.group, resource: other, anyResource: true})
	}
	return append(out, &target{group: other + ".example", resource: other, anyGroup: true, anyResource: true})
}

var resourceVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

var pathVerbs = []string{"get", "head", "post", "put", "patch", "delete", "options"}

// subresourceVerbs are what the API server takes for a subresource.
var subresourceVerbs = map[string][]string{
	"approval": {"get", "update", "patch"}, "attach": {"get", "create"}, "binding": {"create"},
	"ephemeralcontainers": {"get", "update", "patch"}, "eviction": {"create"}, "exec": {"get", "create"},
	"finalize": {"update"}, "log": {"get"}, "portforward": {"get", "create"},
	"proxy": {"get", "create", "update", "patch", "delete"}, "resize": {"get", "update", "patch"},
	"scale": {"get", "update", "patch"}, "status": {"get", "update", "patch"}, "token": {"create"},
}

// verbs are those that make sense for the target, or all.
func (t *target) verbs(all bool) []string {
	switch {
	case t.path != nil:
		return pathVerbs
	case all:
	case t.sub != "" && subresourceVerbs[t.sub] != nil:
		return subresourceVerbs[t.sub]
	case strings.HasSuffix(t.resource, "reviews"):
		return []string{"create"}
	case t.group == "metrics.k8s.io":
		return []string{"get", "list"}
	}
	return resourceVerbs
}

// again tells of resources that are the same objects under a second group, by which hardly anybody asks for them: that a policy
// records these requests does not help.
func (t *target) again() bool { return t.group == "events.k8s.io" && t.resource == "events" }

// find looks for a resource of a group.
func find(targets []*target, group, resource, sub string) *target {
	i := slices.IndexFunc(targets, func(t *target) bool {
		return t.path == nil && t.group == group && t.resource == resource && t.sub == sub
	})
	if i < 0 {
		return nil
	}
	return targets[i]
}
