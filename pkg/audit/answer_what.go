package audit

import (
	"slices"
	"strconv"
	"strings"
)

// request is the parts of an event that tell what was asked and answered.
type request struct {
	verb, stage string
	level       string
	truncated   bool // the API server cut the bodies out of the event because it was too long
	uri         requestURI
	asked       Value // requestObject
	answered    Value // responseObject, when it is the object itself: no Status, no list, no table
}

func whatOf(root Value, who Who, stage string) What {
	ref, status, notes := root.Get("objectRef"), root.Get("responseStatus"), root.Get("annotations")
	w := What{
		Verb:     str(root.Get("verb")),
		APIGroup: str(ref.Get("apiGroup")), APIVersion: str(ref.Get("apiVersion")),
		Resource: str(ref.Get("resource")), Subresource: str(ref.Get("subresource")),
		Name: str(ref.Get("name")),
		Code: codeOf(status), Reason: str(status.Get("reason")), Message: str(status.Get("message")),
		Decision:       str(notes.Get("authorization.k8s.io/decision")),
		DecisionReason: str(notes.Get("authorization.k8s.io/reason")),
	}
	r := request{
		verb: w.Verb, stage: stage, level: str(root.Get("level")),
		truncated: str(notes.Get("audit.k8s.io/truncated")) == "true",
		uri:       parseURI(str(root.Get("requestURI"))),
		asked:     root.Get("requestObject"),
		answered:  objectIn(root.Get("responseObject")),
	}
	if w.Resource == "" {
		w.Path = r.uri.path
	}
	w.Certificate = certificateOf(&w, r)
	w.Action = actionOf(&w, r.uri)
	addConnect(&w, r.uri)
	addName(&w, r)
	addList(&w, r, root.Get("responseObject"))
	addDryRun(&w, r)
	addBody(&w, r)
	w.Denied = deniedTarget(&w, who, status)
	addUnwatched(&w, root)
	if w.Token != nil {
		w.Token.CredentialID = str(notes.Get(extraPrefix + "issued-credential-id"))
	}
	w.Outcome = outcomeOf(&w, stage)
	if w.Outcome == OutcomeAllowed && str(notes.Get(verdictKey)) == "deny" {
		w.Outcome = OutcomeRefused // by ourselves
	}
	return w
}

// verdictKey is the annotation of events made of admission reviews that says what was answered.
const verdictKey = "admission.kubewitness.io/verdict"

// reviewKey is the annotation of such events that has the review's uid.
const reviewKey = "admission.kubewitness.io/uid"

// codeOf is the HTTP status; 0 when there is none.
func codeOf(status Value) int {
	code := status.Get("code")
	if code.Kind() != Number {
		return 0
	}
	n, err := strconv.Atoi(code.Text())
	if err != nil {
		return 0
	}
	return n
}

// objectIn returns the response body when it is one object of the API; absent when it is a status, a list or a table.
func objectIn(response Value) Value {
	kind := str(response.Get("kind"))
	if kind == "" || kind == "Status" || kind == "Table" || strings.HasSuffix(kind, "List") {
		return Value{}
	}
	return response
}

// addName finds the name of an object whose name the API server made up.
func addName(w *What, r request) {
	if w.Name != "" || w.Action == ActionList || w.Action == ActionWatch || w.Action == ActionDeleteCollection {
		return
	}
	w.Name = str(r.answered.Path("metadata", "name"))
	if w.Name == "" {
		w.GenerateName = str(r.asked.Path("metadata", "generateName"))
	}
}

// addList fills in what belongs to requests for several objects.
func addList(w *What, r request, response Value) {
	if w.Action != ActionList && w.Action != ActionWatch && w.Action != ActionDeleteCollection {
		return
	}
	w.FieldSelector = r.uri.query.Get("fieldSelector")
	w.LabelSelector = r.uri.query.Get("labelSelector")
	items := response.Get("items")
	if str(response.Get("kind")) == "Table" {
		items = response.Get("rows")
	}
	if w.Action == ActionList && items.Kind() == Array {
		n := items.Len()
		w.Items = &n
	}
}

// addDryRun decides whether the request is a dry run. The event shows it in the URI, but not every request heeds it:
// streams and proxied requests do not, tokens are issued all the same, and the body of a delete replaces the URI's options.
func addDryRun(w *What, r request) {
	switch w.Action {
	case ActionDelete, ActionDeleteCollection:
		body := r.asked.Kind() == Object
		// Below level Request, before the body was read and when it was cut out, no body is not a sign of none.
		unseen := !body && (r.level == "Metadata" || r.stage == stageReceived || r.truncated)
		w.DryRun = body && slices.Contains(strs(r.asked.Get("dryRun")), "All") || !body && !unseen && r.uri.dryRun()
		w.DryRunClaimed = unseen && r.uri.dryRun()
	case ActionEvict:
		w.DryRun = r.uri.dryRun() || slices.Contains(strs(r.asked.Path("deleteOptions", "dryRun")), "All")
	case ActionExec, ActionAttach, ActionPortForward, ActionProxy, ActionReadLog, ActionIssueToken, ActionReview, ActionCall:
	default:
		changes := r.verb == "create" || r.verb == "update" || r.verb == "patch"
		w.DryRun = changes && r.uri.dryRun()
	}
}

// isSet tells whether a JSON value is there and not null.
func isSet(v Value) bool { return v.Exists() && v.Kind() != Null }
