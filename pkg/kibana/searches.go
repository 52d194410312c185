package kibana

import "strings"

// Search is a saved search of Discover.
type Search struct {
	ID      string
	Title   string
	Doc     string
	View    View
	Query   string // KQL
	Columns []string
}

// Columns of what happened to an object, and of a detection.
var (
	whoWhatWhere = []string{"orchestrator.cluster.name", "user.name", "kubewitness.what.action", "kubewitness.where.object", "kubewitness.what.outcome", "source.ip"}
	whichRule    = []string{"kubewitness.priority", "rule.name", "kubewitness.sentence", "orchestrator.cluster.name", "user.name"}
)

// Conditions that searches and panels share.
const (
	resource    = "kubernetes.audit.objectRef.resource"
	subresource = "kubernetes.audit.objectRef.subresource"
	verb        = "kubernetes.audit.verb"
	uri         = "kubernetes.audit.requestURI"
)

var (
	secretReads = and(resource+`: secrets`, oneOf(verb, "get", "list", "watch"))
	writes      = oneOf(verb, "create", "update", "patch")
	changes     = oneOf(verb, "create", "update", "patch", "delete", "deletecollection")
	rbacChanges = and(oneOf(resource, "roles", "clusterroles", "rolebindings", "clusterrolebindings"), changes)
	grants      = and(oneOf(resource, "rolebindings", "clusterrolebindings"), writes)
	tokens      = `kubewitness.what.action: issue_token`
	refusals    = `kubernetes.audit.annotations.authorization_k8s_io/decision: forbid`
	failures    = `event.outcome: failure`
	anonymous   = `user.name: "system:anonymous"`
	acting      = `kubernetes.audit.impersonatedUser.username: *`
	sessions    = oneOf(subresource, "exec", "attach", "portforward")
	newPods     = and(`kubewitness.what.privileges: *`, writes)
	debugging   = and(subresource+`: ephemeralcontainers`, oneOf(verb, "update", "patch"))
	urgent      = oneOf("kubewitness.priority", "emergency", "alert", "critical", "error")
)

// oneOf spells a list of values out: Kibana reads "field: (a or b)", and Elasticsearch's
// own KQL, up to 8.19 at least, does not.
func oneOf(field string, values ...string) string {
	return "(" + field + ": " + strings.Join(values, " or "+field+": ") + ")"
}

// Searches are all saved searches.
func Searches() []Search {
	of := func(id, title, doc, query string, more ...string) Search {
		return Search{"kubewitness-search-" + id, title, doc, Events, and(once, query), append(whoWhatWhere[:len(whoWhatWhere):len(whoWhatWhere)], more...)}
	}
	found := func(id, title, doc, query string) Search {
		return Search{"kubewitness-search-" + id, title, doc, Detections, and(untold, query), whichRule}
	}
	return []Search{
		found("detections", "Detections", "All that rules found, newest first.", ""),
		found("urgent", "Urgent detections", "What rules of priority error and above found.", urgent),
		of("secrets", "Who read secrets", "Requests that read or listed secrets, allowed or not. An allowed list shows all values, whatever the audit log keeps of it.", secretReads),
		of("tokens", "Tokens issued", "Service account tokens that were asked for by name: with such a token one is that account.", tokens,
			"kubewitness.what.token.audiences", "kubewitness.what.token.expiration_seconds"),
		of("rbac", "Changes of roles and bindings", "Who changed what may be done, and by whom.", rbacChanges, "kubewitness.what.grant.role", "kubewitness.what.grant.subjects.name"),
		of("denied", "Denied requests", "Requests that the authorizers did not allow.", refusals, "kubewitness.what.decision_reason"),
		of("anonymous", "Requests without credentials", "Requests of system:anonymous that were allowed, but for the health checks.",
			and(anonymous, "not "+refusals, "not "+uri+": /livez*", "not "+uri+": /readyz*", "not "+uri+": /healthz*", "not "+uri+": /version*"), uri),
		of("impersonation", "Acting as somebody else", "Requests with impersonation: user.name sent it, and acted as the other.", acting,
			"kubernetes.audit.impersonatedUser.username", "kubernetes.audit.impersonatedUser.groups"),
		of("sessions", "Sessions in pods", "exec, attach and port-forward that have ended. What goes on is in Sessions in pods that began.", sessions, "kubewitness.what.command"),
		{"kubewitness-search-began", "Sessions in pods that began", "exec, attach and port-forward when they were connected, whether they go on or not.", Events,
			and(sessions, "kubernetes.audit.stage: ResponseStarted"), append(whoWhatWhere[:len(whoWhatWhere):len(whoWhatWhere)], "kubewitness.what.command")},
		of("privileges", "Pods with rights on their node", "Pods and workloads that get something of their node: privileged, host namespaces, paths of the node.", newPods,
			"kubewitness.what.privileges", "container.image.name"),
		of("webhooks", "Changes of admission", "Changes of admission webhooks and policies, which see and may alter every object.",
			and(oneOf(resource, "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings"), changes)),
		of("certificates", "Certificates asked for and approved", "Requests for client and server certificates, and who approved them.",
			and(resource+`: certificatesigningrequests`, changes), "kubewitness.what.certificate.signer", "kubewitness.what.certificate.requester"),
		of("deletions", "Deletions by people", "Who deleted what; controllers delete all day and are left out.",
			and(oneOf(verb, "delete", "deletecollection"), `kubewitness.who.kind: person`)),
	}
}

// object stores the view by reference, as Discover does.
func (s Search) object() Object {
	const index = "kibanaSavedObjectMeta.searchSourceJSON.index"
	return Object{
		Type: "search", ID: s.ID, CoreVersion: coreVersion, TypeVersion: searchVersion,
		References: []Reference{{"index-pattern", string(s.View), index}},
		Attributes: map[string]any{
			"title":       s.Title,
			"description": s.Doc,
			"columns":     s.Columns,
			"sort":        [][]string{{"@timestamp", "desc"}},
			"grid":        map[string]any{},
			"hideChart":   false, "isTextBasedQuery": false, "timeRestore": false,
			"kibanaSavedObjectMeta": map[string]any{
				"searchSourceJSON": text(map[string]any{"query": kuery(s.Query), "filter": []any{}, "indexRefName": index}),
			},
		},
	}
}
