package search

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// ObjectRef names an object of a cluster.
type ObjectRef struct {
	Cluster   string
	APIGroup  string // "" for the core group
	Resource  string // plural: "deployments"
	Namespace string // "" of objects outside of namespaces, and of namespaces themselves
	Name      string
}

// String is the object as [audit.Where] names it: resource[.group]/[namespace/]name.
func (o ObjectRef) String() string {
	text := o.Resource
	if o.APIGroup != "" {
		text += "." + o.APIGroup
	}
	if o.Namespace != "" && !o.isNamespace() {
		text += "/" + o.Namespace
	}
	return text + "/" + o.Name
}

// ParseObject reads an object as [ObjectRef.String] writes it.
func ParseObject(cluster, text string) (ObjectRef, error) {
	parts := strings.Split(text, "/")
	o := ObjectRef{Cluster: cluster}
	switch len(parts) {
	case 2:
		o.Name = parts[1]
	case 3:
		o.Namespace, o.Name = parts[1], parts[2]
	default:
		return o, badf("search: object %.200q; write resource[.group]/[namespace/]name, as in deployments.apps/shop/web", text)
	}
	o.Resource, o.APIGroup, _ = strings.Cut(parts[0], ".")
	return o, o.check()
}

func (o ObjectRef) check() error {
	for _, part := range []string{o.APIGroup, o.Resource, o.Namespace, o.Name} {
		if strings.ContainsRune(part, 0) {
			return badf("search: object %.200q has a NUL in it, which no object has", o.String())
		}
	}
	if o.Resource == "" || o.Name == "" {
		return badf("search: object %.200q; name its resource, as in deployments, and its name", o.String())
	}
	return nil
}

func (o ObjectRef) isNamespace() bool { return o.Resource == "namespaces" && o.APIGroup == "" }

// condition holds for the events about the object, by whatever name the server gave it,
// and for the deletions of all that are in its place.
func (o ObjectRef) condition() (string, error) {
	if o.Cluster == "" {
		return "", badf("search: object %.200q is in a cluster; name it", o.String())
	}
	if err := o.check(); err != nil {
		return "", err
	}
	return allHold(o.place(), "(kw.object.name in "+literals(o.Name)+" or ka.verb = deletecollection)"), nil
}

// place holds for events about objects of the same resource in the same namespace. The
// API server takes a namespace for an object in itself, in some requests.
func (o ObjectRef) place() string {
	where := allHold("ka.target.resource in "+literals(o.Resource), "kw.object.apigroup in "+literals(o.APIGroup))
	switch {
	case o.isNamespace():
		return where
	case o.Namespace == "":
		return allHold(where, `(not ka.target.namespace exists or ka.target.namespace = "")`)
	}
	return allHold(where, "ka.target.namespace in "+literals(o.Namespace))
}

// notOnlyRead holds for requests that are more than reading: that change, that failed, or
// that opened a stream, as exec does with the verb get.
const notOnlyRead = "(not ka.verb in (get, list, watch) or kw.response.code >= 400 or kw.response.code = 101" +
	" or ka.target.subresource in (attach, exec, portforward))"

// concerned is false for the deletion of many objects that tells which they were, if
// this is none of them. It is true for all else that the condition holds for.
func (o ObjectRef) concerned(hit *Hit) bool {
	if hit.Answer.What.Verb != "deletecollection" {
		return true
	}
	items := hit.Event.Event.Root().Path("responseObject", "items")
	return items.Kind() != audit.Array || o.among(items).Exists()
}

// among finds the object in a list.
func (o ObjectRef) among(items audit.Value) audit.Value {
	for item := range items.Elems() {
		if item.Path("metadata", "name").Text() == o.Name {
			return item
		}
	}
	return audit.Value{}
}

// allHold joins conditions.
func allHold(conditions ...string) string { return strings.Join(conditions, " and ") }

// literals writes texts as a list of a condition.
func literals(texts ...string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = condition.Quote(text)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

// request tells the stages of one request from those of others. Clients can choose the
// audit ID, and use one twice.
type request struct{ auditID, received, user, verb, uri string }

func requestOf(hit *Hit) request {
	root := hit.Event.Event.Root()
	return request{
		auditID: hit.Event.Event.AuditID, received: root.Get("requestReceivedTimestamp").Text(),
		user: root.Path("user", "username").Text(), verb: root.Get("verb").Text(), uri: root.Get("requestURI").Text(),
	}
}

// requests are the requests that were met, with the places of their events.
type requests struct {
	of      map[request]int
	reviews map[string]int // by uid, which the events that were joined with a review have, too
}

func newRequests() requests { return requests{map[request]int{}, map[string]int{}} }

// find gives the place of another event of the same request.
func (r requests) find(hit *Hit) (place int, known bool) {
	if uid := hit.Answer.What.ReviewUID; uid != "" {
		if place, known = r.reviews[uid]; known {
			return place, true
		}
	}
	key := requestOf(hit)
	place, known = r.of[key]
	return place, known && key.auditID != ""
}

// place is find, and takes a new place where there is none.
func (r requests) place(hit *Hit, next int) (place int, known bool) {
	if place, known = r.find(hit); !known {
		place = next
	}
	if uid := hit.Answer.What.ReviewUID; uid != "" {
		r.reviews[uid] = place
	}
	if l := hit.Event.Link; l != nil {
		for _, uid := range l.Attempts {
			r.reviews[uid] = place
		}
	}
	if key := requestOf(hit); key.auditID != "" {
		r.of[key] = place
	}
	return place, known
}

// Ranks of stages.
const (
	rankReceived = iota
	rankReviewed // at admission; what is in an audit log came after it
	rankStarted
	rankComplete
)

func stageRank(hit *Hit) int {
	switch stage := hit.Event.Event.Stage; {
	case stage == "RequestReceived":
		return rankReceived
	case isReview(hit):
		return rankReviewed
	case stage == "ResponseStarted":
		return rankStarted
	}
	return rankComplete
}

// later gives the event of the later stage.
func later(a, b *Hit) *Hit {
	if stageRank(b) > stageRank(a) {
		return b
	}
	return a
}

// isReview tells whether an event was made of an admission review.
func isReview(hit *Hit) bool { return hit.Event.Source == record.SourceAdmission }

// atEnd tells whether an event is about the end of its request, or about all that there is of it.
func atEnd(hit *Hit) bool {
	return stageRank(hit) == rankComplete || isReview(hit) && hit.Event.Event.Stage == "ResponseComplete"
}

// join takes another event of the same request: the last stage is the one that is told, and
// the review, which has the object before, is kept beside it.
func (e *HistoryEntry) join(hit *Hit) {
	if last := later(e.Hit, hit); last != e.Hit {
		e.Hit, hit = last, e.Hit
	}
	if isReview(hit) && (e.Review == nil || hit.Answer.What.ReviewUID == e.Answer.What.ReviewUID) { // not one of an attempt before
		e.Review = hit
	}
}
