package reviews

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
)

// Cluster makes the reviews of one cluster out of its events, in their order.
type Cluster struct {
	objects map[string]any // as they were written last, by what names them
	sent    int
}

// New is a cluster of which nothing is known.
func New() *Cluster { return &Cluster{objects: map[string]any{}} }

type object = map[string]any

// Of gives the events that the service makes of the reviews of a recorded request: none for
// most, several for a collection that is deleted. The error is that of an event that is no
// audit event, or of a review that the service does not take.
func (c *Cluster) Of(e *audit.Event) (events []*audit.Event, err error) {
	r, err := read(e)
	if err != nil {
		return nil, err
	}
	if r.passed() {
		for _, review := range c.reviews(r) {
			if r.asked() {
				made, err := admission.Event(review, admission.Origin{Cluster: e.Cluster, Sender: "certificate", Received: e.Time})
				if err != nil {
					return nil, fmt.Errorf("the review of %s: %w", e.AuditID, err)
				}
				events = append(events, made)
			}
		}
	}
	return events, nil
}

// request is what is needed of an audit event.
type request struct {
	AuditID, Stage, Verb, RequestURI, UserAgent string
	User, ImpersonatedUser                      object
	RequestObject, ResponseObject               any
	ObjectRef                                   *struct{ Resource, Namespace, Name, APIGroup, APIVersion, Subresource string }
	ResponseStatus                              struct{ Code int }
	query                                       url.Values
}

func read(e *audit.Event) (*request, error) {
	r := &request{}
	d := json.NewDecoder(bytes.NewReader(e.Raw))
	d.UseNumber()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("%s: %w", e.AuditID, err)
	}
	_, query, _ := strings.Cut(r.RequestURI, "?")
	r.query, _ = url.ParseQuery(query)
	return r, nil
}

// streams are what CONNECT is about.
var streams = []string{"attach", "exec", "portforward", "proxy"}

func (r *request) connects() bool { return slices.Contains(streams, r.ObjectRef.Subresource) }

// passed tells whether a request came as far as the webhooks, and the event is the one of its
// stages that stands for it.
func (r *request) passed() bool {
	code := r.ResponseStatus.Code
	switch {
	case r.ObjectRef == nil || r.username() == "":
		return false
	case r.connects():
		return r.Stage == "ResponseStarted" && code != 401 && code != 403
	case slices.Contains([]string{"get", "list", "watch"}, r.Verb):
		return false
	}
	return r.Stage == "ResponseComplete" && code/100 == 2
}

// Configured is what the webhook's configuration in deploy/admission leaves out, and what it
// names of subresources.
var Configured = struct{ Namespaces, Users, Groups, Resources, Subresources []string }{
	Namespaces: []string{"kubewitness", "kube-system", "kube-node-lease"},
	Users:      []string{"system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"},
	Groups:     []string{"authentication.k8s.io", "authorization.k8s.io"},
	Resources:  []string{"events", "leases"},
	Subresources: []string{"pods/ephemeralcontainers", "pods/eviction", "pods/binding", "serviceaccounts/token", "certificatesigningrequests/approval",
		"pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"},
}

// asked tells whether the webhook is asked about a request that comes so far.
func (r *request) asked() bool {
	ref, namespace := r.ObjectRef, r.ObjectRef.Namespace
	if ref.Resource == "namespaces" && ref.APIGroup == "" {
		namespace = ref.Name
	}
	switch {
	case ref.APIGroup == "admissionregistration.k8s.io", slices.Contains(Configured.Groups, ref.APIGroup):
		return false
	case slices.Contains(Configured.Namespaces, namespace), slices.Contains(Configured.Resources, ref.Resource):
		return false
	case slices.Contains(Configured.Users, r.username()), strings.HasPrefix(r.username(), "system:node:"):
		return false
	}
	return ref.Subresource == "" || ref.Subresource == "scale" || slices.Contains(Configured.Subresources, ref.Resource+"/"+ref.Subresource)
}

// user is the one that the request acts as.
func (r *request) user() object {
	if r.ImpersonatedUser != nil {
		return r.ImpersonatedUser
	}
	return r.User
}

func (r *request) username() string {
	name, _ := r.user()["username"].(string)
	return name
}

// reviews writes what the API server asks, and keeps the object.
func (c *Cluster) reviews(r *request) (bodies [][]byte) {
	key := func(name string) string {
		if r.ObjectRef.Resource == "namespaces" { // that it is in itself, only changes of it say
			return name
		}
		return strings.Join([]string{r.ObjectRef.APIGroup, r.ObjectRef.Resource, r.ObjectRef.Subresource, r.ObjectRef.Namespace, name}, "|")
	}
	name := r.ObjectRef.Name
	switch {
	case r.connects():
		return append(bodies, c.review(r, "CONNECT", name, r.connectOptions(), nil))
	case r.Verb == "delete":
		defer delete(c.objects, key(name))
		return append(bodies, c.review(r, "DELETE", name, nil, c.objects[key(name)]))
	case r.Verb == "deletecollection":
		list, _ := r.ResponseObject.(object)
		items, _ := list["items"].([]any)
		for _, item := range items {
			o, _ := item.(object)
			meta, _ := o["metadata"].(object)
			name, _ := meta["name"].(string)
			bodies = append(bodies, c.review(r, "DELETE", name, nil, o))
		}
		return bodies
	}
	written := r.written()
	if written == nil {
		return nil // recorded without it, or a patch whose answer is not there
	}
	operation := "UPDATE"
	if r.Verb == "create" || r.Verb == "patch" && r.ResponseStatus.Code == 201 {
		operation = "CREATE"
		r.sign(written)
	}
	bodies = append(bodies, c.review(r, operation, name, written, c.objects[key(name)]))
	c.objects[key(name)] = written
	return bodies
}

// written is the object as it was stored, or as it was asked for.
func (r *request) written() object {
	stored, _ := r.ResponseObject.(object)
	if sent, _ := r.RequestObject.(object); stored == nil || stored["kind"] == "Status" || r.Verb == "create" && r.ObjectRef.Subresource != "" {
		return maps.Clone(sent)
	}
	return maps.Clone(stored)
}

// sign notes in an object which program made it, as the API server does before it asks.
func (r *request) sign(o object) {
	manager := r.query.Get("fieldManager")
	if manager == "" {
		manager, _, _ = strings.Cut(r.UserAgent, "/")
	}
	meta, _ := o["metadata"].(object)
	if meta = maps.Clone(meta); meta == nil {
		meta = object{}
	}
	meta["managedFields"] = []any{object{"manager": manager, "operation": "Update"}}
	o["metadata"] = meta
}

// connectOptions is the body that the API server makes of a stream's query.
func (r *request) connectOptions() object {
	o := object{"kind": "PodExecOptions", "apiVersion": "v1"}
	for key, values := range r.query {
		switch key {
		case "command":
			o[key] = values
		case "container", "path":
			o[key] = values[0]
		case "stdin", "stdout", "stderr", "tty":
			o[key] = values[0] == "true"
		}
	}
	return o
}

func (c *Cluster) review(r *request, operation, name string, written object, before any) []byte {
	c.sent++
	ref := r.ObjectRef
	resource := object{"group": ref.APIGroup, "version": ref.APIVersion, "resource": ref.Resource}
	namespace := ref.Namespace
	if ref.Resource == "namespaces" {
		namespace = name
	}
	options := object{}
	if sent, ok := r.RequestObject.(object); ok && operation == "DELETE" {
		options = sent
	}
	for _, key := range []string{"fieldManager", "fieldValidation"} {
		if v := r.query.Get(key); v != "" {
			options[key] = v
		}
	}
	q := object{
		"uid": fmt.Sprintf("%08x-0000-4000-8000-%012x", c.sent, c.sent), "resource": resource, "requestResource": resource,
		"subResource": ref.Subresource, "requestSubResource": ref.Subresource, "name": name, "namespace": namespace,
		"operation": operation, "userInfo": r.user(), "options": options, "dryRun": r.query.Get("dryRun") != "",
	}
	if written != nil {
		q["object"] = written
	}
	if before != nil && operation != "CREATE" {
		q["oldObject"] = before
	}
	body, err := json.Marshal(object{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": q})
	if err != nil {
		panic(err) // it was JSON
	}
	return body
}
