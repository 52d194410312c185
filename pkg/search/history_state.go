package search

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/diff"
)

// tracker follows the states of an object from event to event.
type tracker struct {
	object ObjectRef
	state  audit.Value // the newest known one; absent: none
	from   string      // ID of its event
	uid    string      // the newest known one
	missed int         // changes since that left no state
}

// tell fills in an entry what its event says of the object. Entries come oldest first.
func (t *tracker) tell(e *HistoryEntry) {
	seen := t.look(e)
	if !seen.done {
		t.patch(e, seen)
		return
	}
	e.UID = seen.uid
	e.Replaced = seen.uid != "" && t.uid != "" && seen.uid != t.uid
	e.Created = seen.created
	if e.Replaced || e.Created {
		t.forget()
	}
	if seen.uid != "" || e.Created {
		t.uid = seen.uid
	}
	if seen.old.Exists() {
		t.state, t.from, t.missed = seen.old, seen.oldOf.ID, 0
	}
	switch {
	case seen.state.Exists():
		t.compare(e, seen)
	case seen.changes:
		e.Unknown = seen.unknown
		t.missed++
	}
	t.patch(e, seen)
	if e.Deleted = seen.deleted; e.Deleted {
		t.forget()
	}
}

func (t *tracker) forget() { t.state, t.from, t.missed = audit.Value{}, "", 0 }

// compare tells the state of an entry, and how it differs from the one before.
func (t *tracker) compare(e *HistoryEntry, seen sight) {
	e.State, e.StateAsked = seen.state.Raw(), seen.asked
	e.Redacted = seen.redacted()
	if t.state.Exists() {
		e.Against, e.Missed = t.from, t.missed
		e.Changes = diff.Objects(t.state, seen.state, diff.Options{})
	}
	t.state, t.from, t.missed = seen.state, e.ID, 0
}

// patch shows what a patch asked for where that is all that is known.
func (t *tracker) patch(e *HistoryEntry, seen sight) {
	body := e.Event.Event.Root().Get("requestObject")
	if e.Answer.What.Verb == "patch" && e.State == nil && (body.Kind() == audit.Object || body.Kind() == audit.Array) {
		e.Patch = body.Raw()
	}
}

// redacted are the places where secrets were in the state, or in the one before.
func (s *sight) redacted() (places []string) {
	add := func(of *Hit, where string) {
		for _, place := range of.Event.Redacted {
			inside, ok := strings.CutPrefix(place, where)
			if ok && strings.HasPrefix(inside, "/") && !slices.Contains(places, inside) {
				places = append(places, inside)
			}
		}
	}
	add(s.of, s.where)
	if s.oldOf != nil {
		add(s.oldOf, "/"+oldBody)
	}
	return places
}

// sight is what one event says of an object, or the two of a request whose review is known.
type sight struct {
	done    bool // it ended well, and was no dry run
	changes bool // it can have changed the object
	created bool
	deleted bool
	uid     string
	state   audit.Value
	where   string      // JSON pointer of the state in the event
	of      *Hit        // that event
	old     audit.Value // the object before the request, as its review has it
	oldOf   *Hit        // the review
	asked   bool        // the state is the one asked for
	unknown string      // why there is none
}

// Bodies of an event.
const (
	requestBody  = "requestObject"
	responseBody = "responseObject"
	oldBody      = "oldObject" // of reviews
)

// changing are the verbs that change objects.
var changing = []string{"create", "update", "patch", "delete", "deletecollection"}

// passing are actions that leave the object as it is, whatever their verb.
var passing = []audit.Action{audit.ActionExec, audit.ActionAttach, audit.ActionPortForward, audit.ActionProxy,
	audit.ActionIssueToken, audit.ActionReadLog, audit.ActionReview}

// whole are the subresources that are answered with the whole object.
var whole = []string{"", "status", "ephemeralcontainers", "finalize", "approval", "resize"}

// look reads an event.
func (t *tracker) look(e *HistoryEntry) sight {
	what, root := &e.Answer.What, e.Event.Event.Root()
	s := sight{done: (what.Outcome == audit.OutcomeSucceeded || what.Outcome == audit.OutcomeAllowed) && !what.DryRun && atEnd(e.Hit), of: e.Hit}
	if !s.done {
		return s
	}
	s.changes = slices.Contains(changing, what.Verb) && !slices.Contains(passing, what.Action)
	s.created = what.Verb == "create" && what.Subresource == ""
	t.findState(&s, what, root)
	t.findReviewed(&s, e)
	s.uid = s.state.Path("metadata", "uid").Text()
	if s.uid == "" && what.Verb != "create" {
		s.uid = s.old.Path("metadata", "uid").Text()
	}
	if s.uid == "" && what.Subresource == "" {
		s.uid = root.Path("objectRef", "uid").Text()
	}
	s.deleted = what.Verb == "deletecollection" && s.state.Exists() || what.Verb == "delete" && what.Subresource == ""
	s.deleted = s.deleted && !what.Terminating && !staysAWhile(s.state) && s.old.Path("metadata", "finalizers").Len() == 0
	if !s.state.Exists() && !s.deleted {
		s.unknown = whyUnknown(what, root)
		if isReview(e.Hit) {
			s.unknown = "admission was asked for it, and does not hear what came of it"
		}
	}
	return s
}

// findState finds the object in an event: in the answer, else in the request where that
// is the whole of it.
func (t *tracker) findState(s *sight, what *audit.What, root audit.Value) {
	answer := root.Get(responseBody)
	switch {
	case what.Verb == "deletecollection":
		s.state, s.where = t.object.among(answer.Get("items")), "/"+responseBody
		return
	case !slices.Contains(whole, what.Subresource) || what.Resource != t.object.Resource:
		return
	case t.isObject(answer):
		s.state, s.where = answer, "/"+responseBody
		return
	}
	asked := root.Get(requestBody)
	if (what.Verb == "create" || what.Verb == "update") && what.Subresource == "" && !answer.Exists() && t.isObject(asked) {
		s.state, s.where, s.asked = asked, "/"+requestBody, true
	}
}

// findReviewed finds in the request's review the object before, and the one that was to be
// stored where the event itself does not show it: that is the whole of it, of a patch too.
func (t *tracker) findReviewed(s *sight, e *HistoryEntry) {
	review := e.Review
	if isReview(e.Hit) {
		review = e.Hit
	}
	what := &e.Answer.What
	if review == nil || !slices.Contains(whole, what.Subresource) || what.Resource != t.object.Resource || what.Verb == "deletecollection" {
		return
	}
	root := review.Event.Event.Root()
	if old := root.Get(oldBody); t.isObject(old) {
		s.old, s.oldOf = old, review
	}
	if asked := root.Get(requestBody); !s.state.Exists() && t.isObject(asked) {
		s.state, s.where, s.asked, s.of = asked, "/"+requestBody, true, review
	}
}

// isObject reports whether a body is the object itself, no status, list or table, nor its
// metadata alone. What was asked for may have no name yet.
func (t *tracker) isObject(body audit.Value) bool {
	kind := body.Get("kind").Text()
	if body.Kind() != audit.Object || kind == "Status" || kind == "Table" || kind == "DeleteOptions" || strings.HasPrefix(kind, "PartialObjectMetadata") {
		return false
	}
	meta := body.Get("metadata")
	if meta.Kind() != audit.Object {
		return false
	}
	name := meta.Get("name").Text()
	return name == t.object.Name || name == "" && meta.Get("generateName").Text() != ""
}

// staysAWhile reports whether a deleted object waits for its finalizers or its grace period.
func staysAWhile(state audit.Value) bool {
	meta := state.Get("metadata")
	grace := meta.Get("deletionGracePeriodSeconds").Text()
	return meta.Get("deletionTimestamp").Exists() && (meta.Get("finalizers").Len() > 0 || grace != "" && grace != "0")
}

// whyUnknown is why an event that changed an object does not show it.
func whyUnknown(what *audit.What, root audit.Value) string {
	level := root.Get("level").Text()
	switch {
	case root.Path("annotations", "audit.k8s.io/truncated").Text() == "true":
		return "the event was too long for the API server, which left the bodies out"
	case what.Verb == "deletecollection":
		return "many objects were deleted; the event does not show which"
	case level == "Metadata":
		return "the audit policy recorded metadata only"
	case level == "Request":
		return "the audit policy recorded the request only"
	case !slices.Contains(whole, what.Subresource):
		return "the answer to a request about " + what.Subresource + " is not the object"
	}
	return "the answer is not the object"
}
