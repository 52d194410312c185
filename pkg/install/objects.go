package install

import (
	"encoding/json"

	"github.com/kubewitness/kubewitness/pkg/kube"
)

// The resources that are read and written.
var (
	namespaces     = kube.Resource{Version: "v1", Name: "namespaces"}
	secrets        = kube.Resource{Version: "v1", Name: "secrets"}
	services       = kube.Resource{Version: "v1", Name: "services"}
	configMaps     = kube.Resource{Version: "v1", Name: "configmaps"}
	endpointSlices = kube.Resource{Group: "discovery.k8s.io", Version: "v1", Name: "endpointslices"}
	validating     = kube.Resource{Group: registration, Version: "v1", Name: "validatingwebhookconfigurations"}
	mutating       = kube.Resource{Group: registration, Version: "v1", Name: "mutatingwebhookconfigurations"}
	issuers        = kube.Resource{Group: certManager, Version: "v1", Name: "issuers"}
	certificates   = kube.Resource{Group: certManager, Version: "v1", Name: "certificates"}
	accessReview   = kube.Resource{Group: "authorization.k8s.io", Version: "v1", Name: "selfsubjectaccessreviews"}
	deployments    = kube.Resource{Group: "apps", Version: "v1", Name: "deployments"}
	cronJobs       = kube.Resource{Group: "batch", Version: "v1", Name: "cronjobs"}
)

const (
	registration = "admissionregistration.k8s.io"
	certManager  = "cert-manager.io"
)

// Meta is the part of an object's metadata that is looked at.
type Meta struct {
	Name            string            `json:"name"`
	Namespace       string            `json:"namespace,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	UID             string            `json:"uid,omitempty"`
	Owners          []Owner           `json:"ownerReferences,omitempty"`
}

// Owner is an object with which another goes.
type Owner struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

// Object is what all objects have.
type Object struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Metadata   Meta   `json:"metadata"`
}

// list is an answer to a list of objects.
type list[T any] struct {
	Items []T `json:"items"`
}

// Configuration is a ValidatingWebhookConfiguration or a MutatingWebhookConfiguration. All
// members that the API server would set by itself are written, so that what it stores can be
// compared with what was sent.
type Configuration struct {
	Object
	Webhooks []Webhook `json:"webhooks"`
}

// Webhook is one of a Configuration.
type Webhook struct {
	Name                    string       `json:"name"`
	ClientConfig            ClientConfig `json:"clientConfig"`
	AdmissionReviewVersions []string     `json:"admissionReviewVersions"`
	SideEffects             string       `json:"sideEffects"`
	MatchPolicy             string       `json:"matchPolicy"`
	FailurePolicy           string       `json:"failurePolicy"`
	TimeoutSeconds          int          `json:"timeoutSeconds"`
	ReinvocationPolicy      string       `json:"reinvocationPolicy,omitempty"` // of mutating ones
	Rules                   []Rule       `json:"rules"`
	NamespaceSelector       Selector     `json:"namespaceSelector"`
	ObjectSelector          Selector     `json:"objectSelector"`
	MatchConditions         []Condition  `json:"matchConditions,omitempty"`
}

// ClientConfig says where a webhook is: at a Service or a URL.
type ClientConfig struct {
	Service  *ServiceReference `json:"service,omitempty"`
	URL      string            `json:"url,omitempty"`
	CABundle []byte            `json:"caBundle,omitempty"` // PEM
}

// ServiceReference is a path of a Service.
type ServiceReference struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Path      string `json:"path"`
	Port      int    `json:"port"`
}

// Rule says which requests a webhook is asked about.
type Rule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Operations  []string `json:"operations"`
	Resources   []string `json:"resources"`
	Scope       string   `json:"scope"`
}

// Selector selects by labels.
type Selector struct {
	MatchLabels      map[string]string `json:"matchLabels,omitempty"`
	MatchExpressions []Expression      `json:"matchExpressions,omitempty"`
}

// Expression is a part of a Selector.
type Expression struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}

// Condition is a CEL expression that has to hold before a webhook is asked.
type Condition struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// Secret has data by name.
type Secret struct {
	Object
	Type string            `json:"type,omitempty"`
	Data map[string][]byte `json:"data,omitempty"`
}

// Service is where API servers send to.
type Service struct {
	Object
	Spec ServiceSpec `json:"spec"`
}

// ServiceSpec is the part of a Service that is written.
type ServiceSpec struct {
	Type     string            `json:"type,omitempty"`
	Selector map[string]string `json:"selector"`
	Ports    []ServicePort     `json:"ports"`
}

// ServicePort is a port of a Service; the target is the name of a container's port.
type ServicePort struct {
	Name       string `json:"name"`
	Port       int    `json:"port"`
	TargetPort string `json:"targetPort"`
	Protocol   string `json:"protocol"`
}

// endpointSlice tells which pods of a Service are ready.
type endpointSlice struct {
	Endpoints []struct {
		Addresses  []string `json:"addresses"`
		Conditions struct {
			Ready *bool `json:"ready"` // absent: it is
		} `json:"conditions"`
	} `json:"endpoints"`
}

// ready counts the endpoints that take requests.
func ready(found []endpointSlice) (n int) {
	for _, s := range found {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				n++
			}
		}
	}
	return n
}

// plain is an object as maps, for what has members that we do not declare.
func plain(object any) (map[string]any, error) {
	b, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	return m, json.Unmarshal(b, &m)
}
