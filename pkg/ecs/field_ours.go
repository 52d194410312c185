package ecs

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/row"
)

// ourPrefix is the prefix of the fields that ECS and Elastic's data set do not have.
const (
	ourPrefix    = "kubewitness."
	columnPrefix = ourPrefix + "fields."
)

// ourTable is what stands below kubewitness, but for the fields of the catalogue.
var ourTable = []Field{
	{Name: "id", Type: keyword, Doc: "Identity of the event: 64 hex digits over cluster, auditID, stage and content; the _id of its document."},
	{Name: "filed", Type: long, Doc: "@timestamp in nanoseconds since 1970."},
	{Name: "last_stage", Type: boolean, Doc: "Whether the event is the last of its request: of stage ResponseComplete or Panic. To count requests, ask for true. A refused credential (401) has one event, of stage ResponseStarted, and a stream or watch that goes on has no last one yet: both are false."},
	{Name: "sentence", Type: keyword, Doc: "Who did what where, in one English sentence."},
	{Name: "source", Type: keyword, Doc: "What took the event in: webhook, file, admission, mutation, cloudlogging, pubsub, import."},
	{Name: "received", Type: date, Doc: "When. The document has nanoseconds."},
	{Name: "flags", Type: long, Doc: "Sum of 1: its own time is older than what is kept, and 2: it lies more than an hour in the future. Such an event has the time of receipt as its @timestamp."},
	{Name: "late", Type: boolean, Doc: "true: the event was received more than an hour after it happened. Absent of all others."},
	{Name: "ruleset", Type: keyword, Doc: "Digest of the rules that judged the event."},
	{Name: "rules", Type: keyword, Doc: "Rules that fired on the event; of a detection the rule."},
	{Name: "tags", Type: keyword, Doc: "Their tags."},
	{Name: "priority", Type: keyword, Doc: "Priority of the most urgent of them, in lower case: emergency, alert, critical, error, warning, notice, informational, debug."},
	{Name: "redacted", Type: keyword, Doc: "Where secrets were taken out of the event, as JSON pointers."},
	{Name: "faults", Type: keyword, Doc: "Rules that failed on the event, with the error."},
	{Name: "odd", Type: keyword, Doc: "Fields whose value in the event does not fit their type, or has a key that no index takes. The value is in event.original."},
	{Name: "reduced", Type: boolean, Doc: "true: the document was refused in its full shape and has only what any index takes."},
	{Name: "told", Type: keyword, Doc: "Rules whose detections outputs got with the other event of the same request, the admission review or that of the audit log, which came before. A detection that has it is a repetition."},
	{Name: "link", Type: keyword, Stored: true, Dataset: AuditLogs, Doc: "What joins the event with the other one, as JSON text."},
	{Name: "detections", Type: keyword, Stored: true, Dataset: AuditLogs, Doc: "What the rules found, as JSON text."},
	{Name: "annotations", Type: flattened, Dataset: AuditLogs, Doc: "All annotations of the event, with their keys as they are."},
	{Name: "user_extra", Type: flattened, Doc: "All of user.extra, with the keys as they are."},
	{Name: "impersonated_extra", Type: flattened, Doc: "All of impersonatedUser.extra, with the keys as they are."},

	{Name: "detection.id", Type: keyword, Dataset: Detections, Doc: "Identity of the detection: 32 hex digits over event and rule."},
	{Name: "output", Type: keyword, Dataset: Detections, Doc: "The rule's output, as Falco would print it."},
	{Name: "output_fields", Type: flattened, Dataset: Detections, Doc: "Fields of the output, by name: kubewitness.output_fields.ka.user.name."},
	{Name: "kibana_url", Type: keyword, Dataset: Detections, Doc: "The event in Kibana's Discover."},

	{Name: "who.name", Alias: "user.name", Doc: "Who sent the request."},
	{Name: "who.kind", Type: keyword, Doc: "person, serviceaccount, node, system, anonymous or unknown."},
	{Name: "who.uid", Alias: "user.id", Doc: "UID of the sender."},
	{Name: "who.groups", Alias: "kubernetes.audit.user.groups", Doc: "Groups of the sender."},
	{Name: "who.service_account.namespace", Type: keyword, Doc: "Namespace of the service account that sent the request."},
	{Name: "who.service_account.name", Type: keyword, Doc: "Its name."},
	{Name: "who.impersonated.name", Alias: "user.effective.name", Doc: "Whom the sender acted as."},
	{Name: "who.impersonated.kind", Type: keyword, Doc: "Kind of that user, as who.kind."},
	{Name: "who.impersonated.groups", Alias: "kubernetes.audit.impersonatedUser.groups", Doc: "Groups of that user."},
	{Name: "who.pod", Type: keyword, Doc: "Pod that the sender's token was issued to, as namespace/name."},
	{Name: "who.node", Type: keyword, Doc: "Node that it was issued on; of a node its name."},
	{Name: "who.credential_id", Type: keyword, Doc: "X509SHA256=... of a client certificate, JTI=... of a token."},
	{Name: "who.source_ip", Alias: "source.ip", Doc: "Where the request came from."},
	{Name: "who.user_agent", Alias: "user_agent.original", Doc: "User agent as sent."},
	{Name: "who.client", Type: keyword, Doc: "Short form of it: kubectl v1.35."},

	{Name: "what.action", Type: keyword, Doc: "What the request means, whatever verb carries it: exec, read_log, issue_token, read, list, create, delete and so on."},
	{Name: "what.verb", Alias: "kubernetes.audit.verb", Doc: "Verb."},
	{Name: "what.api_group", Alias: "kubernetes.audit.objectRef.apiGroup", Doc: "API group."},
	{Name: "what.api_version", Alias: "kubernetes.audit.objectRef.apiVersion", Doc: "API version."},
	{Name: "what.resource", Alias: "kubernetes.audit.objectRef.resource", Doc: "Resource."},
	{Name: "what.subresource", Alias: "kubernetes.audit.objectRef.subresource", Doc: "Subresource."},
	{Name: "what.name", Type: keyword, Doc: "Name of the object, also where the server made it up."},
	{Name: "what.generate_name", Type: keyword, Doc: "The prefix asked for, where the event tells no name."},
	{Name: "what.path", Type: keyword, Doc: "Path of a request outside resources, without its query."},
	{Name: "what.field_selector", Type: keyword, Doc: "Field selector of a list or watch."},
	{Name: "what.label_selector", Type: keyword, Doc: "Label selector of a list or watch."},
	{Name: "what.items", Type: long, Doc: "How many objects a list gave."},
	{Name: "what.outcome", Type: keyword, Doc: "requested, succeeded, connected, dry_run, unauthenticated, denied, impersonation_denied, refused, forbidden, not_found, conflict, invalid, throttled, rejected, failed, target_failed, panicked, closed_early, allowed or unknown."},
	{Name: "what.code", Alias: "kubernetes.audit.responseStatus.code", Doc: "HTTP status."},
	{Name: "what.reason", Alias: "kubernetes.audit.responseStatus.reason", Doc: "Reason of a failure."},
	{Name: "what.message", Alias: "kubernetes.audit.responseStatus.message", Doc: "Message of a failure."},
	{Name: "what.decision", Alias: "kubernetes.audit.annotations.authorization_k8s_io/decision", Doc: "allow or forbid."},
	{Name: "what.decision_reason", Alias: "kubernetes.audit.annotations.authorization_k8s_io/reason", Doc: "Why."},
	{Name: "what.dry_run", Type: boolean, Doc: "The server took the request as a dry run."},
	{Name: "what.dry_run_claimed", Type: boolean, Doc: "The URI asks for a dry run, and the event does not show whether it was one."},
	{Name: "what.review_uid", Type: keyword, Doc: "Uid of the admission review of the request: in what was made of the review, and in what an audit log tells of the same request and was joined with it."},
	{Name: "what.command", Type: keyword, Doc: "Command of exec, each argument a value."},
	{Name: "what.stdin", Type: boolean, Doc: "Exec or attach with standard input."},
	{Name: "what.tty", Type: boolean, Doc: "Exec or attach with a terminal."},
	{Name: "what.follow", Type: boolean, Doc: "A log that is followed."},
	{Name: "what.previous", Type: boolean, Doc: "The log of a container's previous run."},
	{Name: "what.ports", Type: keyword, Doc: "Ports forwarded, where the URI has them."},
	{Name: "what.proxy.scheme", Type: keyword, Doc: "Scheme of a proxied request."},
	{Name: "what.proxy.port", Type: keyword, Doc: "Its port."},
	{Name: "what.proxy.path", Type: keyword, Doc: "Its path on the target."},
	{Name: "what.patch", Type: keyword, Doc: "What a patch does: add /rules/-, set spec.replicas."},
	{Name: "what.privileges", Type: keyword, Doc: "What pods get of their node: privileged, host path /."},
	{Name: "what.replicas", Type: long, Doc: "Replicas asked for."},
	{Name: "what.token.audiences", Type: keyword, Doc: "Audiences of the token asked for."},
	{Name: "what.token.expiration_seconds", Type: long, Doc: "Its life, as granted, else as asked."},
	{Name: "what.token.bound_kind", Type: keyword, Doc: "Kind of the object it dies with."},
	{Name: "what.token.bound_name", Type: keyword, Doc: "Name of that object."},
	{Name: "what.token.credential_id", Type: keyword, Doc: "Identifier that requests with the token will show."},
	{Name: "what.grant.role_kind", Type: keyword, Doc: "Of a role binding: Role or ClusterRole."},
	{Name: "what.grant.role", Type: keyword, Doc: "The role that it gives."},
	{Name: "what.grant.subjects.kind", Type: keyword, Doc: "Kinds of those who get it."},
	{Name: "what.grant.subjects.namespace", Type: keyword, Doc: "Their namespaces."},
	{Name: "what.grant.subjects.name", Type: keyword, Doc: "Their names."},
	{Name: "what.rules.verbs", Type: keyword, Doc: "Of a role: verbs of its rules."},
	{Name: "what.rules.api_groups", Type: keyword, Doc: "API groups of its rules."},
	{Name: "what.rules.resources", Type: keyword, Doc: "Resources of its rules."},
	{Name: "what.rules.resource_names", Type: keyword, Doc: "Objects that its rules are limited to."},
	{Name: "what.rules.non_resource_urls", Type: keyword, Doc: "Paths of its rules."},
	{Name: "what.access.user", Type: keyword, Doc: "Of an access review: whose access."},
	{Name: "what.access.verb", Type: keyword, Doc: "Verb asked about."},
	{Name: "what.access.api_group", Type: keyword, Doc: "API group asked about."},
	{Name: "what.access.resource", Type: keyword, Doc: "Resource asked about."},
	{Name: "what.access.subresource", Type: keyword, Doc: "Subresource asked about."},
	{Name: "what.access.namespace", Type: keyword, Doc: "Namespace asked about."},
	{Name: "what.access.name", Type: keyword, Doc: "Object asked about."},
	{Name: "what.access.path", Type: keyword, Doc: "Path asked about."},
	{Name: "what.access.allowed", Type: boolean, Doc: "The answer."},
	{Name: "what.certificate.signer", Type: keyword, Doc: "Of a certificate request: its signer."},
	{Name: "what.certificate.requester", Type: keyword, Doc: "Who asked for it."},
	{Name: "what.certificate.usages", Type: keyword, Doc: "Usages asked for."},
	{Name: "what.certificate.approved", Type: boolean, Doc: "Approved."},
	{Name: "what.certificate.denied", Type: boolean, Doc: "Denied."},
	{Name: "what.terminating", Type: boolean, Doc: "A delete was accepted, and the object is still there."},
	{Name: "what.denied_impersonation.kind", Type: keyword, Doc: "users, groups, serviceaccounts, userextras or uids: what the sender was not allowed to act as."},
	{Name: "what.denied_impersonation.name", Type: keyword, Doc: "Its name."},

	{Name: "when.received", Alias: "kubernetes.audit.requestReceivedTimestamp", Doc: "When the API server received the request."},
	{Name: "when.stage", Alias: "kubernetes.audit.stage", Doc: "Stage."},
	{Name: "when.stage_time", Alias: "kubernetes.audit.stageTimestamp", Doc: "When it was reached."},
	{Name: "when.latency_ns", Type: long, Doc: "The time between, in nanoseconds."},

	{Name: "where.cluster", Alias: "orchestrator.cluster.name", Doc: "Cluster."},
	{Name: "where.namespace", Type: keyword, Doc: "Namespace; of a namespace itself its name."},
	{Name: "where.object", Type: keyword, Doc: "One word for the object: resource[.group]/[namespace/]name."},
	{Name: "where.uid", Type: keyword, Doc: "UID of the object."},
	{Name: "where.node", Type: keyword, Doc: "Node that the request is about."},
	{Name: "where.container", Type: keyword, Doc: "Container of exec, attach and log; a new ephemeral container."},
	{Name: "where.images", Alias: "container.image.name", Doc: "Images of the pod's containers."},
}

func ourFields() []Field {
	fields := make([]Field, len(ourTable))
	for i, f := range ourTable {
		f.Name = ourPrefix + f.Name
		fields[i] = f
	}
	return fields
}

// columnFields are the fields that hold what columns of rows hold.
func columnFields() []Field {
	var fields []Field
	seen := map[string]bool{}
	for _, f := range field.Default().All() {
		info, ok := row.Column(f)
		if !ok || seen[info.Name] {
			continue
		}
		seen[info.Name] = true
		fields = append(fields, Field{
			Name: columnPrefix + columnKey(info.Name), Type: keyword, Dataset: AuditLogs, Number: info.Kind == row.Number,
			Doc: "What rules see as " + f.Name + ". " + f.Doc,
		})
	}
	return fields
}

// columnKey is a column's name as the last part of a field's: ka.uri and ka.uri.param
// could not both be fields, since one would be an object.
func columnKey(column string) string { return strings.ReplaceAll(column, ".", "_") }

// knownColumns are the fields for columns that are no field of the catalogue. Others
// hold no text that could be asked for.
var knownColumns = map[string]string{
	"id": ourPrefix + "id", "cluster": "orchestrator.cluster.name",
	row.Rules: ourPrefix + "rules", row.Tags: ourPrefix + "tags", row.Priority: ourPrefix + "priority",
	row.Redacted: ourPrefix + "redacted", row.Faults: ourPrefix + "faults", row.Source: ourPrefix + "source", row.Ruleset: ourPrefix + "ruleset",
}
