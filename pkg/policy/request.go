package policy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Request is what an audit policy looks at.
type Request struct {
	Verb   string
	User   string // "" with no groups: nobody, authentication failed
	Groups []string

	Path        string // outside the API's resources; "" for those
	Group       string // API group; "" is the core group
	Resource    string
	Subresource string
	Namespace   string // "" for what has none, or is asked for in all of them
	Name        string // as the URL has it: "" for a list, or a create
}

func (r *Request) attributes() authorizer.Attributes {
	a := authorizer.AttributesRecord{
		Verb: r.Verb, Namespace: r.Namespace, APIGroup: r.Group, Resource: r.Resource, Subresource: r.Subresource,
		Name: r.Name, ResourceRequest: r.Path == "", Path: r.Path,
	}
	if r.User != "" || len(r.Groups) > 0 {
		a.User = &user.DefaultInfo{Name: r.User, Groups: r.Groups}
	}
	return a
}

// fits asks an evaluator that has one rule, which records something.
func fits(e evaluator, attrs authorizer.Attributes) bool {
	return e.EvaluatePolicyRule(attrs).Level != auditinternal.LevelNone
}

// uris reads URLs as the API server does.
var uris = request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// methods are HTTP methods that make a verb of.
var methods = map[string]string{"create": http.MethodPost, "update": http.MethodPut, "patch": http.MethodPatch, "delete": http.MethodDelete, "deletecollection": http.MethodDelete}

// RequestOf gives what the API server's policy looked at when it recorded the event. The policy is asked before the body is
// read: namespace and name are those of the URL, though the event may have them from the body.
func RequestOf(e *audit.Event) *Request {
	root := e.Root()
	text := func(keys ...string) string {
		v := root.Path(keys...)
		if v.Kind() != audit.String {
			return ""
		}
		return v.Text()
	}
	r := &Request{Verb: text("verb"), User: text("user", "username")}
	for g := range root.Path("user", "groups").Elems() {
		r.Groups = append(r.Groups, g.Text())
	}
	uri := text("requestURI")
	if root.Get("objectRef").Kind() != audit.Object {
		r.Path, _, _ = strings.Cut(uri, "?")
		if decoded, err := url.PathUnescape(r.Path); err == nil {
			r.Path = decoded
		}
		if r.Path == "" {
			r.Path = "/"
		}
		return r
	}
	r.Group, r.Resource, r.Subresource = text("objectRef", "apiGroup"), text("objectRef", "resource"), text("objectRef", "subresource")
	r.Namespace, r.Name = text("objectRef", "namespace"), text("objectRef", "name")
	r.readURI(uri)
	return r
}

// readURI takes namespace and name from the URL, where it is about the same resource.
func (r *Request) readURI(uri string) {
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return
	}
	method := methods[r.Verb]
	if method == "" {
		method = http.MethodGet
	}
	u.RawQuery = selectorOnly(u.Query()) // what else is there can only be a fault, which the library would log
	info, err := uris.NewRequestInfo(&http.Request{Method: method, URL: u})
	if err != nil || !info.IsResourceRequest || info.Resource != r.Resource || info.Subresource != r.Subresource || info.APIGroup != r.Group {
		return
	}
	r.Namespace, r.Name = info.Namespace, info.Name
}

// selectorOnly keeps what names a single object in a list.
func selectorOnly(q url.Values) string {
	if s := q.Get("fieldSelector"); strings.Contains(s, "metadata.name") && !strings.Contains(s, "!") {
		return url.Values{"fieldSelector": {s}}.Encode()
	}
	return ""
}

// longRunning tells whether the API server tells the begin of an answer as a stage of its own, as it does with what can go on
// for long.
func (r *Request) longRunning() bool {
	if r.Path != "" {
		return strings.HasPrefix(r.Path, "/debug/pprof/")
	}
	return r.Verb == "watch" || r.Verb == "proxy" || slices.Contains([]string{"attach", "exec", "log", "portforward", "proxy"}, r.Subresource)
}
