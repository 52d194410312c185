package install

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
)

// The prefixes of the paths that reviews are sent to.
const (
	validatingPath = admission.Prefix
	mutatingPath   = admission.MutatePath
)

// operations of rules.
var (
	writes  = []string{"CREATE", "UPDATE", "DELETE"}
	changes = []string{"CREATE", "UPDATE"}
)

// observedRules are what the validating webhook is asked about: all that is made, changed and
// deleted, and scaling; not status, which controllers write all the time; and streams.
var observedRules = []Rule{
	{
		APIGroups: []string{"*"}, APIVersions: []string{"*"}, Operations: writes, Scope: "*",
		Resources: []string{"*", "*/scale", "pods/ephemeralcontainers", "pods/eviction", "pods/binding", "serviceaccounts/token", "certificatesigningrequests/approval"},
	},
	{
		APIGroups: []string{""}, APIVersions: []string{"v1"}, Operations: []string{"CONNECT"}, Scope: "*",
		Resources: []string{"pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"},
	},
}

// namedRules are what it is asked about where nobody may ask about all, as on GKE Autopilot for
// some webhooks: neither nodes, volumes and certificate requests, which are Google's there, nor
// custom resources, whose groups nobody knows beforehand.
var namedRules = []Rule{
	{
		APIGroups: []string{""}, APIVersions: []string{"v1"}, Operations: writes, Scope: "*",
		Resources: []string{
			"pods", "pods/ephemeralcontainers", "pods/eviction", "pods/binding", "podtemplates", "replicationcontrollers", "replicationcontrollers/scale",
			"namespaces", "services", "endpoints", "configmaps", "secrets", "serviceaccounts", "serviceaccounts/token", "persistentvolumeclaims", "resourcequotas", "limitranges",
		},
	},
	{
		APIGroups: []string{
			"apps", "batch", "autoscaling", "policy", "rbac.authorization.k8s.io", "networking.k8s.io", "gateway.networking.k8s.io", "discovery.k8s.io",
			"apiextensions.k8s.io", "apiregistration.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io",
		},
		APIVersions: []string{"*"}, Operations: writes, Scope: "*", Resources: []string{"*", "*/scale"},
	},
	{
		APIGroups: []string{""}, APIVersions: []string{"v1"}, Operations: []string{"CONNECT"}, Scope: "*",
		Resources: []string{"pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy"},
	},
}

// changedRules are what the mutating webhook is asked about: what pods are made of, and namespaces.
// GKE Autopilot takes no mutating webhook for all resources.
var changedRules = []Rule{
	{
		APIGroups: []string{""}, APIVersions: []string{"v1"}, Operations: changes, Scope: "*",
		Resources: []string{"pods", "pods/ephemeralcontainers", "replicationcontrollers", "namespaces"},
	},
	{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Operations: changes, Scope: "*", Resources: []string{"deployments", "daemonsets", "statefulsets", "replicasets"}},
	{APIGroups: []string{"batch"}, APIVersions: []string{"v1"}, Operations: changes, Scope: "*", Resources: []string{"jobs", "cronjobs"}},
}

// The control plane and the nodes do many things a second by themselves, and ask others. Each
// expression is one that CEL's cost limits think little of: texts that are compared.
var (
	notOfNodes = Condition{"not-the-nodes", `!request.userInfo.username.startsWith("system:node:")`}

	observedConditions = []Condition{
		{"not-leases-and-events", `!(request.resource.group == "coordination.k8s.io" && request.resource.resource == "leases") && !(request.resource.resource == "events")`},
		{"not-reviews", `!(request.resource.group in ["authentication.k8s.io", "authorization.k8s.io"])`},
		{"not-the-control-plane", `!(request.userInfo.username in ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]) && ` +
			notOfNodes.Expression},
	}
)

// Validating is the configuration of who observes and denies. The path's secret and the
// authorities come from what is installed.
func (o Options) Validating(on Cluster, secret string, bundle []byte) Configuration {
	w := o.webhook(on, validatingPath, secret, bundle)
	w.Name, w.SideEffects, w.Rules = validatingWebhook, "None", observedRules
	if on.Named {
		w.Rules = namedRules
	}
	if on.MatchConditions {
		w.MatchConditions = observedConditions
	}
	return o.configuration("ValidatingWebhookConfiguration", w)
}

// Mutating is the configuration of who changes what others create.
func (o Options) Mutating(on Cluster, secret string, bundle []byte) Configuration {
	w := o.webhook(on, mutatingPath, secret, bundle)
	w.Name, w.SideEffects, w.Rules, w.ReinvocationPolicy = mutatingWebhook, "NoneOnDryRun", changedRules, "IfNeeded"
	if on.MatchConditions {
		w.MatchConditions = []Condition{notOfNodes}
	}
	return o.configuration("MutatingWebhookConfiguration", w)
}

func (o Options) configuration(kind string, w Webhook) Configuration {
	c := Configuration{Object: Object{APIVersion: registration + "/v1", Kind: kind, Metadata: Meta{Name: Name, Labels: Labels}}, Webhooks: []Webhook{w}}
	if o.CertManager {
		c.Metadata.Annotations = map[string]string{injectFrom: o.withDefaults().Namespace + "/" + ServiceName}
	}
	return c
}

// webhook is what both have in common.
func (o Options) webhook(on Cluster, path, secret string, bundle []byte) Webhook {
	o = o.withDefaults()
	w := Webhook{
		AdmissionReviewVersions: []string{"v1"},
		MatchPolicy:             "Equivalent", // deployments of an older version of the API are deployments
		FailurePolicy:           "Ignore",     // a cluster goes on without kubewitness
		TimeoutSeconds:          2,
		// Without its own namespace it cannot keep itself from coming back; without kube-system it
		// cannot keep the cluster from it.
		NamespaceSelector: Selector{MatchExpressions: []Expression{{Key: namespaceLabel, Operator: "NotIn", Values: o.excluded()}}},
		ClientConfig:      ClientConfig{CABundle: bundle},
	}
	if o.URL != "" {
		w.ClientConfig.URL, w.ClientConfig.CABundle = strings.Replace(o.URL, validatingPath+"/", path+"/", 1), o.CABundle
		return w
	}
	w.ClientConfig.Service = &ServiceReference{Namespace: o.Namespace, Name: ServiceName, Path: path + "/" + o.Cluster + "/" + secret, Port: o.Port}
	return w
}

// namespaceLabel is what every namespace has with its name, and nobody can change.
const namespaceLabel = "kubernetes.io/metadata.name"

// service is where API servers send to.
func (o Options) service() Service {
	o = o.withDefaults()
	return Service{
		Object: Object{APIVersion: "v1", Kind: "Service", Metadata: Meta{Name: ServiceName, Namespace: o.Namespace, Labels: Labels}},
		Spec: ServiceSpec{
			Type:     "ClusterIP",
			Selector: map[string]string{"app.kubernetes.io/name": "kubewitness"},
			Ports:    []ServicePort{{Name: "admission", Port: o.Port, TargetPort: "admission", Protocol: "TCP"}},
		},
	}
}

// namespace is one like that of deploy/kubernetes, for what is installed before it.
func (o Options) namespace() Object {
	const restricted = "restricted"
	return Object{APIVersion: "v1", Kind: "Namespace", Metadata: Meta{Name: o.withDefaults().Namespace, Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": restricted, "pod-security.kubernetes.io/warn": restricted, "pod-security.kubernetes.io/audit": restricted,
	}}}
}

// secret is one of ours, without data.
func (o Options) secret(name, kind string) Secret {
	return Secret{Object: Object{APIVersion: "v1", Kind: "Secret", Metadata: Meta{Name: name, Namespace: o.withDefaults().Namespace, Labels: Labels}}, Type: kind}
}
