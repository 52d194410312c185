package ruletest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// request is a template of which all is decided: what the API server was asked, and what
// it answered.
type request struct {
	*template
	auditID string
	begin   time.Time
	code    int
	body    any // requestObject; nil: none
	answer  any // responseObject; nil: none
}

// newRequest decides what the template leaves open. number tells requests of a file apart.
func newRequest(t *template, begin time.Time, number int) *request {
	q := &request{template: t, begin: begin, code: t.code, auditID: t.auditID}
	if q.auditID == "" {
		q.auditID = uuid("request", number)
	}
	if q.code == 0 {
		q.code = usualCode(t)
	}
	if t.decision == "" {
		t.decision = "allow"
		if q.code == 403 {
			t.decision = "forbid"
		}
	}
	if t.apply {
		t.query = append(t.query, param{"fieldManager", "kubectl"}, param{"force", "true"})
	}
	if t.dryRun {
		t.query = append(t.query, param{"dryRun", "All"})
	}
	if q.wasRead() {
		q.body = q.requestObject()
	}
	q.answer = q.responseObject(number)
	return q
}

// wasRead tells whether the server read the request's object: not before it let the client
// in, and not with success where it is none.
func (q *request) wasRead() bool {
	switch {
	case q.code == 401, q.decision != "allow":
		return false
	case q.code == 400, q.code == 413, q.code == 415:
		return q.template.request != nil || q.podSpec != nil
	}
	return true
}

// uuid makes up an id that is the same each time.
func uuid(of string, number int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", of, number))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func usualCode(t *template) int {
	switch {
	case t.sub == "exec", t.sub == "attach", t.sub == "portforward":
		return 101
	case t.verb == "create":
		return 201
	}
	return 200
}

// open tells whether the request stays open, and so has a stage ResponseStarted.
func (q *request) open() bool { return q.verb == "watch" || subresources[q.sub].open }

// writes tells whether the object of the request is a whole one.
func (q *request) writes() bool { return q.verb == "create" || q.verb == "update" || q.apply }

// listed are the verbs that ask for more than one object.
func (q *request) listed() bool {
	return q.sub == "" && slices.Contains([]string{"list", "watch", "deletecollection"}, q.verb)
}

// requestURI is the path with its parameters.
func (q *request) requestURI() string {
	if q.uri != "" {
		if strings.Contains(q.uri, "?") || len(q.query) == 0 {
			return q.uri
		}
		return q.uri + "?" + q.encoded()
	}
	var b strings.Builder
	b.WriteString(q.typ.path())
	if q.namespace != "" {
		b.WriteString("/namespaces/" + url.PathEscape(q.namespace))
	}
	b.WriteString("/" + q.typ.resource)
	query := q.query
	switch {
	case q.listed() && q.name != "":
		query = append([]param{{"fieldSelector", "metadata.name=" + q.name}}, query...)
	case q.name != "" && (q.verb != "create" || q.sub != ""):
		b.WriteString("/" + url.PathEscape(q.name))
	}
	if q.sub != "" {
		b.WriteString("/" + q.sub)
	}
	if q.verb == "watch" {
		query = append(slices.Clone(query), param{"watch", "true"})
	}
	if text := encode(query); text != "" {
		b.WriteString("?" + text)
	}
	return b.String()
}

func (q *request) encoded() string { return encode(q.query) }

func encode(query []param) string {
	parts := make([]string, len(query))
	for i, p := range query {
		parts[i] = url.QueryEscape(p.name) + "=" + url.QueryEscape(p.value)
	}
	return strings.Join(parts, "&")
}

// requestObject is what the client sent.
func (q *request) requestObject() any {
	if q.typ.resource == "" || subresources[q.sub].bodiless {
		return q.template.request
	}
	if patch, isList := q.template.request.([]any); isList {
		return patch
	}
	given, _ := q.template.request.(map[string]any)
	body := maps.Clone(given)
	switch {
	case q.writes() || body != nil || q.podSpec != nil:
	case q.verb == "delete", q.verb == "deletecollection":
		return map[string]any{"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/__internal", "propagationPolicy": "Background"}
	case q.verb == "patch":
		return map[string]any{}
	default:
		return nil
	}
	if body == nil {
		body = map[string]any{}
	}
	if q.podSpec != nil {
		putPod(body, podPaths[q.typ.resource], q.pod())
	}
	if q.writes() {
		q.complete(body)
	}
	return body
}

// pod is the spec of the template, with its image.
func (q *request) pod() map[string]any {
	spec := maps.Clone(q.podSpec)
	if q.image == "" {
		return spec
	}
	key := "containers"
	if q.sub == "ephemeralcontainers" {
		key = "ephemeralContainers"
	}
	list, _ := spec[key].([]any)
	list = slices.Clone(list)
	if len(list) == 0 {
		list = []any{map[string]any{"name": "main"}}
	}
	if first, ok := list[0].(map[string]any); ok {
		first = maps.Clone(first)
		first["image"] = q.image
		list[0] = first
	}
	spec[key] = list
	return spec
}

// putPod puts a spec where it belongs, beside what is there.
func putPod(body map[string]any, path []string, spec map[string]any) {
	at := body
	for _, key := range path {
		next, _ := at[key].(map[string]any)
		next = maps.Clone(next)
		if next == nil {
			next = map[string]any{}
		}
		at[key] = next
		at = next
	}
	maps.Copy(at, spec)
}

// complete fills in what every object has.
func (q *request) complete(body map[string]any) {
	kind, apiVersion := q.typ.kind, q.typ.apiVersion()
	if s := subresources[q.sub]; s.kind != "" {
		kind, apiVersion = s.kind, s.apiVersion
	}
	setDefault(body, "kind", kind)
	setDefault(body, "apiVersion", apiVersion)
	meta, _ := body["metadata"].(map[string]any)
	if meta = maps.Clone(meta); meta == nil {
		meta = map[string]any{}
	}
	setDefault(meta, "name", q.name)
	setDefault(meta, "generateName", q.generateName)
	setDefault(meta, "namespace", q.namespace)
	body["metadata"] = meta
}

func setDefault(m map[string]any, key, value string) {
	if _, there := m[key]; !there && value != "" {
		m[key] = value
	}
}

// responseObject is what the server sent.
func (q *request) responseObject(number int) any {
	body, whole := q.body.(map[string]any)
	switch {
	case q.response != nil:
		return q.response
	case q.code >= 400 && (q.typ.resource != "" || q.code == 401 || q.code == 403):
		return q.status()
	case q.sub == "binding" || q.sub == "eviction":
		return q.status()
	case !whole || !q.writes() || q.code < 200 || q.code >= 300:
		return nil
	}
	made := maps.Clone(body)
	meta, _ := made["metadata"].(map[string]any)
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]any{}
	}
	if prefix, ok := meta["generateName"].(string); ok {
		setDefault(meta, "name", prefix+"x7k2p")
	}
	setDefault(meta, "uid", uuid("object", number))
	setDefault(meta, "resourceVersion", fmt.Sprint(1000+number))
	setDefault(meta, "creationTimestamp", q.begin.Format(time.RFC3339))
	made["metadata"] = meta
	return made
}

// reasons are those of failures.
var reasons = map[int]string{
	400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 409: "Conflict", 410: "Gone",
	413: "RequestEntityTooLarge", 415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError",
	503: "ServiceUnavailable", 504: "Timeout",
}

// status is a Status as a response's object.
func (q *request) status() any {
	s := q.responseStatus()
	text, _ := json.Marshal(s)
	out := map[string]any{}
	_ = json.Unmarshal(text, &out)
	out["kind"], out["apiVersion"] = "Status", "v1"
	return out
}

// responseStatus is that of the event.
func (q *request) responseStatus() responseStatus {
	s := responseStatus{Code: q.code}
	switch {
	case q.code >= 400:
		s.Status, s.Message, s.Reason = "Failure", q.failure(), reasons[q.code]
		if q.code == 409 && q.verb == "create" {
			s.Reason = "AlreadyExists"
		}
		if q.typ.resource != "" && q.code != 401 {
			s.Details = &statusDetails{Name: q.name, Group: q.typ.group, Kind: q.typ.resource}
		}
	case q.sub == "binding" || q.sub == "eviction":
		s.Status = "Success"
	}
	return s
}

// failure is the message of a failure, in the API server's words where a rule could want
// to read them.
func (q *request) failure() string {
	object := q.typ.resource
	if q.typ.group != "" {
		object += "." + q.typ.group
	}
	if q.name != "" {
		object += fmt.Sprintf(" %q", q.name)
	}
	switch {
	case q.message != "":
		return q.message
	case q.code == 401:
		return "Unauthorized"
	case q.code == 403 && q.typ.resource == "":
		return fmt.Sprintf("forbidden: User %q cannot %s path %q", q.actor().Username, q.verb, q.path())
	case q.code == 403 && q.decision == "allow":
		return object + " is forbidden: refused by admission"
	case q.code == 403:
		where := "at the cluster scope"
		if q.namespace != "" {
			where = fmt.Sprintf("in the namespace %q", q.namespace)
		}
		resource := q.typ.resource
		if q.sub != "" {
			resource += "/" + q.sub
		}
		return fmt.Sprintf("%s is forbidden: User %q cannot %s resource %q in API group %q %s", object, q.actor().Username, q.verb, resource, q.typ.group, where)
	case q.code == 404 && q.name != "":
		return object + " not found"
	case q.code == 409 && q.verb == "create":
		return object + " already exists"
	}
	return "the server refused the request"
}

// actor is the user whose rights count.
func (q *request) actor() *identity {
	if q.as != nil {
		return q.as
	}
	return q.user
}

func (q *request) path() string {
	path, _, _ := strings.Cut(q.requestURI(), "?")
	return path
}
