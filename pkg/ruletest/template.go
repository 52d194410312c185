package ruletest

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// templateKeys are the keys of a template, as the package comment explains them.
var templateKeys = []string{
	"user", "groups", "as", "source_ip", "agent",
	"verb", "resource", "version", "namespace", "name", "generate_name", "query", "uri", "command", "container", "dry_run", "apply",
	"request", "pod", "image", "response",
	"code", "message", "decision", "annotations",
	"stage", "level", "at", "audit_id", "times", "every", "cluster",
}

// template is a request in few words.
type template struct {
	user, as  *identity // nil: unless given; nobody
	sourceIPs []string
	agent     string

	verb         string
	typ          resourceType // zero: none
	sub          string
	namespace    string
	name         string
	generateName string
	query        []param
	uri          string
	dryRun       bool
	apply        bool

	request, response any // nil: none given
	podSpec           map[string]any
	image             string

	code        int // 0: by the verb
	message     string
	decision    string // "": by the code
	annotations map[string]string

	stages  []string // nil: all
	level   string
	auditID string
	cluster string
	at      *yamlnode.Node
}

// param is a parameter of a URI.
type param struct{ name, value string }

// identity is a user.
type identity struct {
	Username string              `json:"username,omitempty"`
	UID      string              `json:"uid,omitempty"`
	Groups   []string            `json:"groups,omitempty"`
	Extra    map[string][]string `json:"extra,omitempty"`
}

const (
	defaultUser   = "alice@example.com"
	defaultSource = "192.0.2.10"
	defaultAgent  = "kubectl/v1.35.4 (linux/amd64) kubernetes/6d1e1c6"
)

// The values that some keys may have.
var (
	verbs  = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	stages = []string{"RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"}
	levels = []string{"Metadata", "Request", "RequestResponse"}
)

// template reads a template. It is false where something is wrong with it, which has
// been told.
func (r *reader) template(n *yamlnode.Node) (*template, bool) {
	before := len(r.problems)
	r.keys(n, "a template of events", templateKeys)
	t := &template{
		user: r.identity(n.Get("user")), as: r.identity(n.Get("as")), agent: defaultAgent,
		verb: r.text(n.Get("verb")), namespace: r.text(n.Get("namespace")), name: r.text(n.Get("name")),
		generateName: r.text(n.Get("generate_name")), uri: r.text(n.Get("uri")),
		dryRun: r.flag(n.Get("dry_run")), apply: r.flag(n.Get("apply")), image: r.text(n.Get("image")),
		code: r.number(n.Get("code"), 0, 100, 599), message: r.text(n.Get("message")),
		auditID: r.text(n.Get("audit_id")), cluster: r.text(n.Get("cluster")), at: n.Get("at"),
	}
	t.decision = r.oneOf(n.Get("decision"), "", []string{"allow", "forbid"})
	t.level = r.oneOf(n.Get("level"), "RequestResponse", levels)
	r.who(t, n)
	r.what(t, n)
	r.bodies(t, n)
	if s := n.Get("stage"); s != nil {
		for _, item := range each(s) {
			t.stages = append(t.stages, r.oneOf(item, "", stages))
		}
	}
	if a := n.Get("annotations"); a != nil {
		t.annotations = r.textMap(a)
	}
	return t, len(r.problems) == before
}

// oneOf reads one of several words.
func (r *reader) oneOf(n *yamlnode.Node, otherwise string, words []string) string {
	if n == nil {
		return otherwise
	}
	word := r.text(n)
	if !slices.Contains(words, word) {
		r.fail(n, "%q is not what can stand here; %s", word, didYouMean(word, words))
	}
	return word
}

// each gives the elements of a list, or the value itself.
func each(n *yamlnode.Node) []*yamlnode.Node {
	if n.Kind == yamlnode.List {
		return n.Items
	}
	return []*yamlnode.Node{n}
}

func (r *reader) textMap(n *yamlnode.Node) map[string]string {
	out := map[string]string{}
	if n.Kind != yamlnode.Mapping {
		r.fail(n, "a mapping of names to texts is wanted here")
	}
	for _, p := range n.Pairs {
		out[p.Key.Text] = r.text(p.Value)
	}
	return out
}

// identity reads a user: a name, or all that is known of him.
func (r *reader) identity(n *yamlnode.Node) *identity {
	switch {
	case n == nil:
		return nil
	case n.Kind != yamlnode.Mapping:
		return &identity{Username: r.text(n)}
	}
	r.keys(n, "a user", []string{"name", "uid", "groups", "extra"})
	id := &identity{Username: r.text(n.Get("name")), UID: r.text(n.Get("uid"))}
	if g := n.Get("groups"); g != nil {
		id.Groups = append([]string{}, r.texts(g)...)
	}
	if x := n.Get("extra"); x != nil {
		id.Extra = map[string][]string{}
		if x.Kind != yamlnode.Mapping {
			r.fail(x, "extra is a mapping of names to texts or lists of texts")
		}
		for _, p := range x.Pairs {
			id.Extra[p.Key.Text] = r.texts(p.Value)
		}
	}
	return id
}

func (r *reader) who(t *template, n *yamlnode.Node) {
	if t.user == nil {
		t.user = &identity{Username: defaultUser}
	}
	if g := n.Get("groups"); g != nil {
		t.user.Groups = append([]string{}, r.texts(g)...)
	}
	t.user.join()
	if t.as != nil {
		t.as.join()
	}
	t.sourceIPs = []string{defaultSource}
	if s := n.Get("source_ip"); s != nil {
		t.sourceIPs = r.texts(s)
		for _, ip := range t.sourceIPs {
			if _, err := netip.ParseAddr(ip); err != nil {
				r.fail(s, "%q is no IP address", ip)
			}
		}
	}
	if a := n.Get("agent"); a != nil {
		t.agent = r.text(a)
	}
}

// join gives a user the groups that the authenticators put him in.
func (id *identity) join() {
	if id.Groups != nil {
		return
	}
	const all = "system:authenticated"
	switch name := id.Username; {
	case name == "system:anonymous":
		id.Groups = []string{"system:unauthenticated"}
	case strings.HasPrefix(name, "system:node:"):
		id.Groups = []string{"system:nodes", all}
	case name == "kubernetes-admin":
		id.Groups = []string{"kubeadm:cluster-admins", all}
	case strings.HasPrefix(name, "system:serviceaccount:"):
		namespace, _, _ := strings.Cut(strings.TrimPrefix(name, "system:serviceaccount:"), ":")
		id.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, all}
	default:
		id.Groups = []string{all}
	}
}

// what reads the request itself.
func (r *reader) what(t *template, n *yamlnode.Node) {
	t.query = r.params(n.Get("query"))
	res := n.Get("resource")
	if t.verb == "" {
		r.fail(n, "an event needs a verb")
	}
	switch {
	case res == nil && t.uri == "":
		r.fail(n, "an event needs a resource, or a uri where it is about none")
		return
	case res == nil:
		return
	case t.verb != "" && !slices.Contains(verbs, t.verb):
		r.fail(n.Get("verb"), "%q is no verb for resources; %s", t.verb, didYouMean(t.verb, verbs))
	}
	text, sub, _ := strings.Cut(r.text(res), "/")
	resource, group, _ := strings.Cut(text, ".")
	typ, known := findType(resource, group, r.text(n.Get("version")), t.namespace != "")
	if !known {
		r.fail(res, "no resource %q is Kubernetes' own; write RESOURCE.GROUP for others; %s", resource, didYouMean(resource, resourceNames()))
		return
	}
	t.typ, t.sub = typ, sub
	r.place(t, n)
	r.command(t, n)
}

// place tells of names and namespaces that do not go with the resource.
func (r *reader) place(t *template, n *yamlnode.Node) {
	single := t.sub != "" || slices.Contains([]string{"get", "update", "patch", "delete"}, t.verb)
	switch {
	case t.namespace != "" && !t.typ.namespaced:
		r.fail(n.Get("namespace"), "%s stand in no namespace", t.typ.resource)
	case t.generateName != "" && (t.verb != "create" || t.name != ""):
		r.fail(n.Get("generate_name"), "generate_name stands in place of name, and only with create")
	case t.apply && t.verb != "patch":
		r.fail(n.Get("apply"), "a server-side apply is a patch; write verb: patch")
	case t.uri != "":
	case single && t.name == "":
		r.fail(n, "%s of %s needs a name", t.verb, t.typ.resource)
	case (single || t.verb == "create") && t.namespace == "" && t.typ.namespaced:
		r.fail(n, "%s of %s needs a namespace", t.verb, t.typ.resource)
	}
}

// command puts command and container into the parameters, as kubectl does.
func (r *reader) command(t *template, n *yamlnode.Node) {
	enters := t.sub == "exec" || t.sub == "attach"
	command, container := n.Get("command"), n.Get("container")
	if command != nil && !enters {
		r.fail(command, "command goes with pods/exec and pods/attach; that of a container stands in pod")
	}
	if container != nil && !enters && t.sub != "log" {
		r.fail(container, "container goes with pods/exec, pods/attach and pods/log")
	}
	if command != nil {
		for _, word := range each(command) {
			t.query = append(t.query, param{"command", r.text(word)})
		}
	}
	if container != nil {
		t.query = append(t.query, param{"container", r.text(container)})
	}
	if enters {
		t.query = append(t.query, param{"stderr", "true"}, param{"stdout", "true"})
	}
}

func (r *reader) params(n *yamlnode.Node) (all []param) {
	if n == nil {
		return nil
	}
	if n.Kind != yamlnode.Mapping {
		r.fail(n, "query is a mapping of parameters to values")
		return nil
	}
	for _, p := range n.Pairs {
		for _, v := range each(p.Value) {
			all = append(all, param{p.Key.Text, r.text(v)})
		}
	}
	return all
}

// bodies reads the objects.
func (r *reader) bodies(t *template, n *yamlnode.Node) {
	for _, body := range []struct {
		key string
		to  *any
	}{{"request", &t.request}, {"response", &t.response}} {
		b := n.Get(body.key)
		switch {
		case b == nil:
		case b.Kind == yamlnode.Scalar || body.key == "response" && b.Kind == yamlnode.List:
			r.fail(b, "%s is an object, and so a mapping", body.key)
		default:
			*body.to = b.Plain()
		}
	}
	pod := n.Get("pod")
	if pod == nil && t.image == "" {
		return
	}
	at := pod
	if at == nil {
		at = n.Get("image")
	}
	if podPaths[t.typ.resource] == nil || t.sub != "" && t.sub != "ephemeralcontainers" {
		r.fail(at, "pod and image go with pods and what has a template of pods; write request")
		return
	}
	if _, isList := t.request.([]any); isList {
		r.fail(at, "a JSON patch has no place for pod and image")
		return
	}
	t.podSpec = map[string]any{}
	if pod == nil {
		return
	}
	if pod.Kind != yamlnode.Mapping {
		r.fail(pod, "pod is the spec of a pod, and so a mapping")
		return
	}
	t.podSpec, _ = pod.Plain().(map[string]any)
}

// moment reads a time after the start of the test, or one of the calendar.
func (r *reader) moment(n *yamlnode.Node, c *clock) time.Time {
	if n == nil {
		return c.next
	}
	text := r.text(n)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC()
	}
	d, ok := duration(text)
	if !ok {
		r.fail(n, "%q is neither a time after the start of the test (90s, 2h, 14d) nor one such as 2026-01-31T10:00:00Z", text)
	}
	return c.start.Add(d)
}

// longest bounds durations, so that times keep four digits of a year.
const longest = 100 * 365 * 24 * time.Hour

// duration reads Go's durations, and days.
func duration(text string) (time.Duration, bool) {
	var days time.Duration
	if before, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseFloat(before, 64)
		if err != nil || n < -36500 || n > 36500 {
			return 0, false
		}
		days = time.Duration(n * float64(24*time.Hour))
		if text = after; text == "" {
			return days, true
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d > longest || d < -longest {
		return 0, false
	}
	return days + d, true
}
