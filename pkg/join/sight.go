package join

import (
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Annotations of events made of reviews; see pkg/ingest/admission.
const (
	uidKey       = "admission.kubewitness.io/uid"
	operationKey = "admission.kubewitness.io/operation"
	senderKey    = "admission.kubewitness.io/sender"
	decisionKey  = "authorization.k8s.io/decision"
)

// Kinds of requests: a review tells no more of the verb.
const (
	kindWrite   = "write"
	kindDelete  = "delete"
	kindConnect = "connect"
)

// sight is what of an event tells whether it is of the same request as another.
type sight struct {
	id      uint64 // of the review, or of the request that the event is a stage of
	place   uint64 // all that must be equal
	name    uint64 // 0: not known
	creates bool   // a review of CREATE, or a request of the verb create
	dry     bool
	dryOpen bool // whether it is a dry run is not told
	from    int64
	to      int64 // of a review the same
	open    bool  // a request that was only just received
	failed  bool
	refused bool   // before there could be a review
	strange bool   // a review that nothing proves to be the API server's
	content uint64 // of a review: what is to be stored, as far as attempts of one request agree on it
	label   string // uid of the review, or audit ID; shares memory with the event
}

// connects are the subresources that reviews call CONNECT.
var connects = []string{"exec", "attach", "portforward", "proxy"}

// kindOf tells what kind of request a verb is; "" for one that is not reviewed.
func kindOf(verb, subresource string) string {
	if slices.Contains(connects, subresource) {
		return kindConnect
	}
	switch verb {
	case "create", "update", "patch":
		return kindWrite
	case "delete", "deletecollection":
		return kindDelete
	}
	return ""
}

// request reads an event of an audit log; false where there can be no review of it.
func (t *Table) request(e *audit.Event) (s sight, ok bool) {
	root := e.Root()
	verb, ref := text(root.Get("verb")), root.Get("objectRef")
	kind := kindOf(verb, text(ref.Get("subresource")))
	if kind == "" || ref.Kind() != audit.Object || root.Path("annotations", uidKey).Exists() {
		return s, false
	}
	sender := text(root.Path("user", "username"))
	user := text(root.Path("impersonatedUser", "username"))
	if user == "" {
		user = sender
	}
	if user == "" { // nobody was let in
		return s, false
	}
	received := text(root.Get("requestReceivedTimestamp"))
	s = sight{
		id:    t.hash(e.Cluster, e.AuditID, sender, verb, text(root.Get("requestURI")), received),
		place: t.place(e.Cluster, kind, user, ref), name: t.name(e), creates: kind == kindWrite && verb == "create",
		to: e.Time.UnixNano(), open: e.Stage == "RequestReceived", label: e.AuditID,
	}
	s.from = s.to
	if at, err := time.Parse(time.RFC3339Nano, received); err == nil {
		s.from = min(at.UnixNano(), s.to)
	}
	s.dry, s.dryOpen = dryRun(root, kind)
	code := root.Path("responseStatus", "code").Text()
	s.failed = len(code) == 3 && code[0] >= '4'
	s.refused = code == "401" || text(root.Path("annotations", decisionKey)) == "forbid"
	return s, true
}

// review reads an event made of a review.
func (t *Table) review(e *audit.Event) (s sight, ok bool) {
	root := e.Root()
	ref := root.Get("objectRef")
	operation, uid := text(root.Path("annotations", operationKey)), text(root.Path("annotations", uidKey))
	kind := kindWrite
	switch operation {
	case "CREATE", "UPDATE":
	case "DELETE":
		kind = kindDelete
	case "CONNECT":
		kind = kindConnect
	default:
		return s, false
	}
	if uid == "" || ref.Kind() != audit.Object {
		return s, false
	}
	s = sight{
		id: t.hash(e.Cluster, uid), place: t.place(e.Cluster, kind, text(root.Path("user", "username")), ref), name: t.name(e),
		creates: operation == "CREATE", from: e.Time.UnixNano(), to: e.Time.UnixNano(), label: uid,
		strange: text(root.Path("annotations", senderKey)) == "unauthenticated",
	}
	s.dry, _ = dryRun(root, kind)
	s.content = t.content(root.Get("requestObject"))
	return s, true
}

// content is the hash of an object without what differs between attempts: an API server that
// finds the object changed under its hands begins again with the new one, and asks again.
func (t *Table) content(object audit.Value) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	add := func(key string, v audit.Value) {
		_, _ = h.WriteString(key)
		_ = h.WriteByte(0xff)
		_, _ = h.Write(v.Raw())
	}
	for key, v := range object.Members() {
		if key != "metadata" || v.Kind() != audit.Object {
			add(key, v)
			continue
		}
		for key, v := range v.Members() {
			switch key {
			case "resourceVersion", "generation", "managedFields":
			default:
				add(key, v)
			}
		}
	}
	return h.Sum64()
}

// place is what must be the same. A namespace is in itself in some events and in none in others.
func (t *Table) place(cluster, kind, user string, ref audit.Value) uint64 {
	group, resource, namespace := text(ref.Get("apiGroup")), text(ref.Get("resource")), text(ref.Get("namespace"))
	if resource == "namespaces" && group == "" {
		namespace = ""
	}
	return t.hash(cluster, kind, user, group, resource, text(ref.Get("subresource")), namespace)
}

// name is the object's, which the server may have made up.
func (t *Table) name(e *audit.Event) uint64 {
	root := e.Root()
	name := text(root.Path("objectRef", "name"))
	if name == "" && text(root.Path("objectRef", "subresource")) == "" && text(root.Get("verb")) == "create" {
		if name = text(root.Path("responseObject", "metadata", "name")); name == "" {
			name = text(root.Path("requestObject", "metadata", "name"))
		}
	}
	if name == "" {
		return 0
	}
	return t.hash(name) | 1
}

// dryRun tells whether a request is one, or that the event does not tell.
func dryRun(root audit.Value, kind string) (dry, open bool) {
	if kind == kindDelete {
		if options := root.Get("requestObject"); options.Kind() == audit.Object {
			return options.Get("dryRun").Len() > 0, false // as the API server: the query does not count then
		}
		open = text(root.Get("level")) == "Metadata"
	}
	_, query, _ := strings.Cut(text(root.Get("requestURI")), "?")
	return strings.Contains(query, "dryRun=All"), open
}

// hash is one of texts, in their order.
func (t *Table) hash(texts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, s := range texts {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0xff) // not in UTF-8
	}
	return h.Sum64()
}

func text(v audit.Value) string {
	if v.Kind() != audit.String {
		return ""
	}
	return v.Text()
}
