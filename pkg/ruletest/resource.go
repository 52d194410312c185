package ruletest

import (
	"slices"
	"strings"
)

// resourceType is a kind of object as the API server names it in paths and events.
type resourceType struct {
	resource, group, version, kind string
	namespaced                     bool
}

// path gives the beginning of its URIs.
func (t resourceType) path() string {
	if t.group == "" {
		return "/api/" + t.version
	}
	return "/apis/" + t.group + "/" + t.version
}

// apiVersion is how objects name group and version.
func (t resourceType) apiVersion() string {
	if t.group == "" {
		return t.version
	}
	return t.group + "/" + t.version
}

// groupVersions lists, by group and version, the kinds that Kubernetes 1.35 itself serves.
// A resource is named for its kind: lower case, plural. Those with "!" in front have no
// namespace.
var groupVersions = []struct{ group, version, kinds string }{
	{"", "v1", "Pod Secret ConfigMap Service ServiceAccount Endpoints Event LimitRange PersistentVolumeClaim PodTemplate " +
		"ReplicationController ResourceQuota !Namespace !Node !PersistentVolume !ComponentStatus"},
	{"apps", "v1", "Deployment DaemonSet ReplicaSet StatefulSet ControllerRevision"},
	{"batch", "v1", "Job CronJob"},
	{"rbac.authorization.k8s.io", "v1", "Role RoleBinding !ClusterRole !ClusterRoleBinding"},
	{"networking.k8s.io", "v1", "Ingress NetworkPolicy !IngressClass !IPAddress !ServiceCIDR"},
	{"policy", "v1", "PodDisruptionBudget"},
	{"autoscaling", "v2", "HorizontalPodAutoscaler"},
	{"admissionregistration.k8s.io", "v1", "!MutatingWebhookConfiguration !ValidatingWebhookConfiguration " +
		"!ValidatingAdmissionPolicy !ValidatingAdmissionPolicyBinding"},
	{"apiextensions.k8s.io", "v1", "!CustomResourceDefinition"},
	{"apiregistration.k8s.io", "v1", "!APIService"},
	{"authentication.k8s.io", "v1", "!TokenReview !SelfSubjectReview"},
	{"authorization.k8s.io", "v1", "LocalSubjectAccessReview !SubjectAccessReview !SelfSubjectAccessReview !SelfSubjectRulesReview"},
	{"certificates.k8s.io", "v1", "!CertificateSigningRequest"},
	{"certificates.k8s.io", "v1beta1", "!ClusterTrustBundle PodCertificateRequest"},
	{"coordination.k8s.io", "v1", "Lease"},
	{"discovery.k8s.io", "v1", "EndpointSlice"},
	{"events.k8s.io", "v1", "Event"},
	{"flowcontrol.apiserver.k8s.io", "v1", "!FlowSchema !PriorityLevelConfiguration"},
	{"node.k8s.io", "v1", "!RuntimeClass"},
	{"resource.k8s.io", "v1", "ResourceClaim ResourceClaimTemplate !ResourceSlice !DeviceClass"},
	{"scheduling.k8s.io", "v1", "!PriorityClass"},
	{"storage.k8s.io", "v1", "CSIStorageCapacity !CSIDriver !CSINode !StorageClass !VolumeAttachment !VolumeAttributesClass"},
	{"metrics.k8s.io", "v1beta1", "PodMetrics !NodeMetrics"},
}

// resourceTypes are they all; of equal names the first is what the name alone means.
var resourceTypes = listTypes()

func listTypes() (all []resourceType) {
	for _, gv := range groupVersions {
		for _, kind := range strings.Fields(gv.kinds) {
			name, cluster := strings.CutPrefix(kind, "!")
			all = append(all, resourceType{resourceOf(name), gv.group, gv.version, name, !cluster})
		}
	}
	return all
}

// resourceOf is the resource of a kind.
func resourceOf(kind string) string {
	lower := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(lower, "metrics"):
		return strings.TrimSuffix(lower, "metrics") + "s"
	case lower == "endpoints":
		return lower
	case strings.HasSuffix(lower, "cy"), strings.HasSuffix(lower, "ty"):
		return strings.TrimSuffix(lower, "y") + "ies"
	case strings.HasSuffix(lower, "ss"), strings.HasSuffix(lower, "us"):
		return lower + "es"
	}
	return lower + "s"
}

// findType finds what a template names. One of a group that is not Kubernetes' own is
// taken to be what the template says; known is false where the name alone says too little.
func findType(resource, group, version string, inNamespace bool) (t resourceType, known bool) {
	i := slices.IndexFunc(resourceTypes, func(t resourceType) bool {
		return t.resource == resource && (group == "" || t.group == group)
	})
	if i >= 0 {
		t = resourceTypes[i]
		if version != "" {
			t.version = version
		}
		return t, true
	}
	if group == "" {
		return resourceType{}, false
	}
	if version == "" {
		version = "v1"
	}
	return resourceType{resource: resource, group: group, version: version, namespaced: inNamespace}, true
}

// resourceNames are the names that need no group.
func resourceNames() (names []string) {
	for _, t := range resourceTypes {
		names = append(names, t.resource)
	}
	return names
}

// subresource says what the object of a request to a subresource is; the zero value: what
// the resource is.
type subresource struct {
	kind, apiVersion string
	bodiless         bool // requests have no object
	open             bool // they stay open
}

var subresources = map[string]subresource{
	"exec":        {bodiless: true, open: true},
	"attach":      {bodiless: true, open: true},
	"portforward": {bodiless: true, open: true},
	"proxy":       {bodiless: true, open: true},
	"log":         {bodiless: true, open: true},
	"binding":     {kind: "Binding", apiVersion: "v1"},
	"eviction":    {kind: "Eviction", apiVersion: "policy/v1"},
	"token":       {kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1"},
	"scale":       {kind: "Scale", apiVersion: "autoscaling/v1"},
}

// podPaths is where the spec of a pod stands in objects.
var podPaths = map[string][]string{
	"pods":                   {"spec"},
	"replicationcontrollers": {"spec", "template", "spec"},
	"deployments":            {"spec", "template", "spec"},
	"daemonsets":             {"spec", "template", "spec"},
	"replicasets":            {"spec", "template", "spec"},
	"statefulsets":           {"spec", "template", "spec"},
	"jobs":                   {"spec", "template", "spec"},
	"cronjobs":               {"spec", "jobTemplate", "spec", "template", "spec"},
	"podtemplates":           {"template", "spec"},
}
