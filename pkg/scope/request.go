package scope

import "github.com/kubewitness/kubewitness/pkg/audit"

// Request is what a request is about, as far as a scope asks.
type Request struct {
	Cluster   string
	Namespace string // "": in none; of a Namespace its name
	User      string
	Groups    []string
	Object    string            // its name; "" where it has none yet
	Labels    map[string]string // of the namespace; nil: there is none, or nobody has told
	Unknown   bool              // Labels should be known, and are not
}

// LabelsKey is the annotation of an event with the labels of the namespace, as a JSON object, or
// LabelsUnknown where they should be known and are not.
const (
	LabelsKey     = "admission.kubewitness.io/namespace-labels"
	LabelsUnknown = "unknown"
)

// RequestOf reads what an event is about. The user is the one that the request acted as.
func RequestOf(e *audit.Event) Request {
	root := e.Root()
	ref, who := root.Get("objectRef"), root.Get("user")
	if as := root.Get("impersonatedUser"); as.Kind() == audit.Object {
		who = as
	}
	r := Request{
		Cluster: e.Cluster, Namespace: text(ref.Get("namespace")), User: text(who.Get("username")), Object: text(ref.Get("name")),
	}
	for g := range who.Get("groups").Elems() {
		r.Groups = append(r.Groups, text(g))
	}
	body := root.Get("requestObject")
	if r.Object == "" { // of a create, in audit logs
		r.Object = text(body.Path("metadata", "name"))
	}
	if text(ref.Get("resource")) == "namespaces" && text(ref.Get("apiGroup")) == "" && text(ref.Get("subresource")) == "" {
		r.Namespace = r.Object
		if text(root.Get("verb")) == "delete" {
			body = root.Get("oldObject")
		}
		if body.Kind() == audit.Object {
			r.Labels = labels(body.Path("metadata", "labels"))
		}
	} else if known := text(root.Path("annotations", LabelsKey)); known != "" && r.Namespace != "" {
		v, err := audit.ParseValue([]byte(known))
		if r.Unknown = err != nil || v.Kind() != audit.Object; !r.Unknown {
			r.Labels = labels(v)
		}
	}
	return r
}

func labels(v audit.Value) map[string]string {
	out := map[string]string{}
	for key, value := range v.Members() {
		out[key] = text(value)
	}
	return out
}

func text(v audit.Value) string {
	if v.Kind() != audit.String {
		return ""
	}
	return v.Text()
}
