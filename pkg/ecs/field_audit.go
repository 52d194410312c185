package ecs

import "strings"

// audit is the prefix of the fields that are copied from the event, by their path there.
const auditPrefix = "kubernetes.audit."

// copied is a field below kubernetes.audit: the keys that lead to it, with a blank
// between, its type and its meaning. Arrays on the way give a value for each element.
type copied struct{ path, typ, doc string }

// requestTable is what events of every level have.
var requestTable = []copied{
	{"apiVersion", keyword, "audit.k8s.io/v1, also of an event that does not say so, as those of a webhook."},
	{"kind", keyword, "Event, also of one that does not say so."},
	{"level", keyword, "Metadata, Request or RequestResponse."},
	{"auditID", keyword, "Identifier of the request; its stages share it. A client can choose it."},
	{"stage", keyword, "RequestReceived, ResponseStarted, ResponseComplete or Panic."},
	{"requestURI", keyword, "Path and query of the request as sent."},
	{"verb", keyword, "get, list, watch, create, update, patch, delete, deletecollection; the lower-case HTTP method outside resources."},
	{"sourceIPs", keyword, "Addresses the request came by, as texts: all but the last can be made up by the client."},
	{"userAgent", keyword, "As user_agent.original."},
	{"requestReceivedTimestamp", date, "When the API server received the request."},
	{"stageTimestamp", date, "When the stage was reached."},
	{"authenticationMetadata impersonationConstraint", keyword, "The constrained-impersonation permission that was used."},
	{"objectRef resource", keyword, "Resource, in plural: pods, secrets, clusterrolebindings."},
	{"objectRef namespace", keyword, "Namespace of the object."},
	{"objectRef name", keyword, "Name of the object."},
	{"objectRef uid", keyword, "UID of the object."},
	{"objectRef apiGroup", keyword, "API group; absent or empty for the core group."},
	{"objectRef apiVersion", keyword, "API version."},
	{"objectRef resourceVersion", keyword, "Resource version."},
	{"objectRef subresource", keyword, "Subresource: exec, status, token."},
	{"responseStatus code", integer, "HTTP status."},
	{"responseStatus status", keyword, "Success or Failure."},
	{"responseStatus reason", keyword, "Machine-readable reason of a failure: Forbidden, NotFound, AlreadyExists."},
	{"responseStatus message", keyword, "The same for people."},
	{"responseStatus details name", keyword, "Object that a failure is about."},
	{"responseStatus details group", keyword, "Its API group."},
	{"responseStatus details kind", keyword, "Its resource."},
	{"responseStatus details uid", keyword, "Its UID."},
	{"responseStatus details causes reason", keyword, "Causes of a failure, machine-readable."},
	{"responseStatus details causes field", keyword, "Fields of the object that they are about."},
}

// cloudTable is what clouds add to an event, as Elastic's data set has it: GKE and AKS.
var cloudTable = []copied{
	{"logName", keyword, "GKE: name of the log."},
	{"operation id", keyword, "GKE: operation that the entry belongs to."},
	{"operation producer", keyword, "GKE: who made it up."},
	{"operation first", boolean, "GKE: first entry of the operation."},
	{"operation last", boolean, "GKE: last entry of the operation."},
	{"protoPayload @type", keyword, "GKE: type of the payload."},
	{"protoPayload authenticationInfo principalEmail", keyword, "GKE: who sent the request."},
	{"protoPayload authorizationInfo granted", boolean, "GKE: whether it was granted."},
	{"protoPayload authorizationInfo permission", keyword, "GKE: permission asked for."},
	{"protoPayload authorizationInfo resource", keyword, "GKE: resource it was asked for."},
	{"protoPayload methodName", keyword, "GKE: method."},
	{"protoPayload requestMetadata callerIp", ip, "GKE: where the request came from."},
	{"protoPayload requestMetadata callerSuppliedUserAgent", keyword, "GKE: user agent as sent."},
	{"protoPayload resourceName", keyword, "GKE: resource."},
	{"protoPayload serviceName", keyword, "GKE: k8s.io."},
	{"resource type", keyword, "GKE: k8s_cluster."},
	{"resource labels cluster_name", keyword, "GKE: name of the cluster."},
	{"resource labels location", keyword, "GKE: its location."},
	{"resource labels project_id", keyword, "GKE: its project."},
	{"aks_metadata category", keyword, "AKS: category of the log."},
	{"aks_metadata container_id", keyword, "AKS: container that wrote it."},
	{"aks_metadata operation_name", keyword, "AKS: operation."},
	{"aks_metadata pod", keyword, "AKS: pod that wrote it."},
	{"aks_metadata resource_id", keyword, "AKS: resource id of the cluster."},
	{"aks_metadata service_build", keyword, "AKS: build of the service."},
	{"aks_metadata stream", keyword, "AKS: stream."},
	{"aks_metadata time", date, "AKS: time of the log."},
}

// userTable is what users have: user and impersonatedUser.
var userTable = []copied{
	{"username", keyword, "Name."},
	{"uid", keyword, "UID."},
	{"groups", keyword, "Groups."},
	{"extra authentication.kubernetes.io/pod-name", keyword, "Pod that the token was issued to."},
	{"extra authentication.kubernetes.io/pod-uid", keyword, "Its UID."},
	{"extra authentication.kubernetes.io/node-name", keyword, "Node that the token was issued on."},
	{"extra authentication.kubernetes.io/node-uid", keyword, "Its UID."},
	{"extra authentication.kubernetes.io/credential-id", keyword, "JTI=... of a token, X509SHA256=... of a client certificate."},
	{"extra arn", keyword, "EKS: ARN of the identity."},
	{"extra canonicalArn", keyword, "EKS: canonical ARN of the identity."},
	{"extra accessKeyId", keyword, "EKS: access key."},
	{"extra sessionName", keyword, "EKS: name of the session."},
	{"extra principalId", keyword, "EKS: principal."},
}

// annotationTable is the annotations of the event that have a field of their own.
var annotationTable = []copied{
	{"authorization.k8s.io/decision", keyword, "What the authorizer decided: allow or forbid."},
	{"authorization.k8s.io/reason", keyword, "Why, for instance which binding allowed it."},
	{"pod-security.kubernetes.io/audit-violations", keyword, "What in the pod violates the audited Pod Security Standard."},
	{"pod-security.kubernetes.io/enforce-policy", keyword, "The Pod Security Standard that was enforced."},
	{"pod-security.kubernetes.io/exempt", keyword, "Why the request was exempt from it."},
	{"validation.policy.admission.k8s.io/validation_failure", keyword, "What a ValidatingAdmissionPolicy found, as JSON text."},
	{"authentication.kubernetes.io/issued-credential-id", keyword, "Identifier of the token that was issued."},
	{"authentication.k8s.io/legacy-token", keyword, "Service account whose token without expiry was used."},
	{"authentication.k8s.io/stale-token", keyword, "What was wrong with an old token that was used."},
	{"authentication.openshift.io/decision", keyword, "What the OpenShift authentication server decided."},
	{"authentication.openshift.io/username", keyword, "Who tried to log in there."},
	{"audit.k8s.io/truncated", keyword, "true: the API server cut the bodies out since the event was too long."},
	{"k8s.io/deprecated", keyword, "true: the API asked for is deprecated."},
	{"k8s.io/removed-release", keyword, "Release in which it goes."},
	{"cluster_name", keyword, "Name of the cluster where the source adds it (GKE)."},
}

// auditFields are the fields below kubernetes.audit. Those of bodies are in the
// documents of events only.
func auditFields() []Field {
	fields := copies(nil, "", "", "", requestTable)
	fields = copies(fields, AuditLogs, "", "", cloudTable)
	fields = copies(fields, "", "user", "Who sent the request. ", userTable)
	fields = copies(fields, "", "impersonatedUser", "Whom the sender acts as. ", userTable)
	fields = copies(fields, "", "annotations", "", annotationTable)
	body := bodyTable()
	fields = copies(fields, AuditLogs, "requestObject", "In the request: ", body)
	return copies(fields, AuditLogs, "responseObject", "In the answer: ", body)
}

// copies appends the fields of a table whose paths begin with prefix.
func copies(fields []Field, dataset, prefix, doc string, table []copied) []Field {
	for _, c := range table {
		path := strings.Fields(prefix + " " + c.path)
		fields = append(fields, Field{
			Name: auditPrefix + strings.Join(fieldKeys(path), "."), Type: c.typ, Doc: doc + c.doc, Dataset: dataset, path: path,
		})
	}
	return fields
}

// fieldKeys are the keys in the document that stand for those of the event: in the keys
// of annotations Elastic's rules have "_" for ".".
func fieldKeys(path []string) []string {
	if path[0] != "annotations" {
		return path
	}
	return []string{path[0], strings.ReplaceAll(path[1], ".", "_")}
}

// under puts keys before the paths of tables.
func under(prefix string, tables ...[]copied) []copied {
	var out []copied
	for _, table := range tables {
		for _, c := range table {
			out = append(out, copied{prefix + " " + c.path, c.typ, c.doc})
		}
	}
	return out
}
