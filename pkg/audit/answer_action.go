package audit

// Action is what a request means to a reader: one word for the many ways to ask for the same thing.
type Action string

// The actions. An action says nothing about success.
const (
	ActionExec             Action = "exec"              // pods/exec, with verb get (WebSocket) or create (SPDY)
	ActionAttach           Action = "attach"            // pods/attach, likewise
	ActionPortForward      Action = "port_forward"      // pods/portforward, likewise
	ActionProxy            Action = "proxy"             // a request passed on to a node's kubelet, a service or a pod
	ActionReadLog          Action = "read_log"          // pods/log
	ActionDebug            Action = "debug"             // ephemeral containers of a pod set or added: kubectl debug
	ActionEvict            Action = "evict"             // pods/eviction
	ActionBind             Action = "bind"              // a pod put on a node
	ActionIssueToken       Action = "issue_token"       // serviceaccounts/token
	ActionScale            Action = "scale"             // number of replicas changed
	ActionApprove          Action = "approve"           // a certificate signing request approved
	ActionDeny             Action = "deny"              // a certificate signing request denied
	ActionReview           Action = "review"            // a question to authentication or authorization; nothing is stored
	ActionApply            Action = "apply"             // a server-side apply for certain; other patches may be one too
	ActionCreate           Action = "create"            //
	ActionRead             Action = "read"              // verb get
	ActionList             Action = "list"              //
	ActionWatch            Action = "watch"             //
	ActionUpdate           Action = "update"            //
	ActionPatch            Action = "patch"             //
	ActionDelete           Action = "delete"            //
	ActionDeleteCollection Action = "delete_collection" //
	ActionCall             Action = "call"              // a path outside the resource API
	ActionOther            Action = "other"             // a verb that is none of these
	ActionUnwatched        Action = "unwatched"         // no request: for a time there was no kubewitness, see [UnwatchedFrom]
)

// podActions are the subresources of pods that are more than a part of the object, with any verb.
var podActions = map[string]Action{
	"exec": ActionExec, "attach": ActionAttach, "portforward": ActionPortForward, "proxy": ActionProxy, "log": ActionReadLog,
}

var verbActions = map[string]Action{
	"create": ActionCreate, "get": ActionRead, "list": ActionList, "watch": ActionWatch, "update": ActionUpdate,
	"patch": ActionPatch, "delete": ActionDelete, "deletecollection": ActionDeleteCollection,
}

// reviews are the resources of authentication.k8s.io and authorization.k8s.io that only answer a question.
var reviews = map[string]bool{
	"tokenreviews": true, "selfsubjectreviews": true, "subjectaccessreviews": true, "localsubjectaccessreviews": true,
	"selfsubjectaccessreviews": true, "selfsubjectrulesreviews": true,
}

// actionOf needs verb, resource and code of w, the URI's parameters and, for approvals, the certificate request.
func actionOf(w *What, uri requestURI) Action {
	if w.Path != "" {
		return ActionCall
	}
	if a, ok := connectAction(w); ok {
		return a
	}
	plain, ok := verbActions[w.Verb]
	if !ok {
		return ActionOther
	}
	if plain == ActionPatch && (uri.flag("force") || w.Code == 201) {
		// Only an apply may be forced, and only an apply creates.
		plain = ActionApply
	}
	changes := w.Verb == "create" || w.Verb == "update" || w.Verb == "patch"
	if a := subresourceAction(w); changes && a != "" {
		return a
	}
	return plain
}

func connectAction(w *What) (Action, bool) {
	if w.APIGroup != "" {
		return "", false
	}
	switch w.Resource {
	case "pods":
		a, ok := podActions[w.Subresource]
		return a, ok
	case "nodes", "services":
		return ActionProxy, w.Subresource == "proxy"
	}
	return "", false
}

// subresourceAction is what create, update and patch mean on some resources; "" for the verb's own meaning.
func subresourceAction(w *What) Action {
	switch w.Resource + "/" + w.Subresource {
	case "pods/ephemeralcontainers":
		return ActionDebug
	case "pods/eviction":
		return ActionEvict
	case "pods/binding", "bindings/":
		return ActionBind
	case "serviceaccounts/token":
		return ActionIssueToken
	case "certificatesigningrequests/approval":
		if w.Certificate != nil && w.Certificate.Denied {
			return ActionDeny
		}
		if w.Certificate != nil && w.Certificate.Approved {
			return ActionApprove
		}
	}
	if w.Subresource == "scale" {
		return ActionScale
	}
	review := w.APIGroup == "authentication.k8s.io" || w.APIGroup == "authorization.k8s.io"
	if review && w.Subresource == "" && reviews[w.Resource] {
		return ActionReview
	}
	return ""
}

// Annotations of events that are no requests: the service makes them of a time in which it was
// not there. Requests have a verb and a URI, these have none.
const (
	UnwatchedFrom = "kubewitness.io/unwatched-from" // RFC 3339
	UnwatchedTo   = "kubewitness.io/unwatched-to"
	UnwatchedWhy  = "kubewitness.io/unwatched-why" // UnwatchedStopped or UnwatchedDied
)

// Values of UnwatchedWhy.
const (
	UnwatchedStopped = "stopped" // it was told to end
	UnwatchedDied    = "died"    // it ended by itself, or with its machine
)

// addUnwatched makes such an event what it is.
func addUnwatched(w *What, root Value) {
	notes := root.Get("annotations")
	if w.Verb != "" || root.Get("requestURI").Exists() || !notes.Get(UnwatchedFrom).Exists() {
		return
	}
	w.Action, w.Reason = ActionUnwatched, str(notes.Get(UnwatchedWhy))
}
