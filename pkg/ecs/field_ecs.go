package ecs

// ecsFields are the fields of ECS that documents have. What is not said to be otherwise
// is of the event, in the documents of detections too.
var ecsFields = []Field{
	{Name: "@timestamp", Type: date, Doc: "When it happened: the event's stageTimestamp, in milliseconds; when it was received where that is out of bounds (see kubewitness.flags)."},
	{Name: "message", Type: text, Doc: "The sentence of kubewitness.sentence, for full-text search."},
	{Name: "labels", Type: flattened, Doc: "Labels of the cluster, as configured: labels.environment, labels.region."},
	{Name: "tags", Type: keyword, Dataset: Detections, Doc: "Tags of the rule."},

	{Name: "data_stream.type", Type: keyword, Doc: "logs."},
	{Name: "data_stream.dataset", Type: keyword, Doc: "kubernetes.audit_logs or kubewitness.detections."},
	{Name: "data_stream.namespace", Type: keyword, Doc: "Namespace of the data stream, as configured."},
	{Name: "ecs.version", Type: keyword, Doc: "Version of ECS."},
	{Name: "error.message", Type: text, Doc: "Why a document is in reduced shape (see kubewitness.reduced)."},

	{Name: "event.kind", Type: keyword, Doc: "event, or alert of a detection."},
	{Name: "event.dataset", Type: keyword, Doc: "As data_stream.dataset."},
	{Name: "event.action", Type: keyword, Doc: "Verb of the request, as kubernetes.audit.verb."},
	{Name: "event.category", Type: keyword, Doc: "api; iam too of RBAC, service accounts, certificate requests and reviews; process of exec, attach and debug; authentication of a refused credential; configuration of other changes."},
	{Name: "event.type", Type: keyword, Doc: "access, creation, change or deletion; allowed or denied as the authorizer decided; start and end of streams and watches."},
	{Name: "event.outcome", Type: keyword, Doc: "failure: code 400 and above, decision forbid, a panic; success: any other code; unknown: no code, or stage RequestReceived."},
	{Name: "event.id", Type: keyword, Doc: "Identity of the event, as kubewitness.id; the _id of its document."},
	{Name: "event.created", Type: date, Doc: "When the event was received, as kubewitness.received."},
	{Name: "event.ingested", Type: date, Doc: "When it was sent to Elasticsearch, which can be long after: Elastic's rules look for what came since they last ran by it."},
	{Name: "event.url", Type: keyword, Doc: "Page of the event in kubewitness."},
	{Name: "event.severity", Type: long, Dataset: Detections, Doc: "From the rule's priority, more is worse: emergency 99, alert 95, critical 90, error 73, warning 47, notice 21, informational 10, debug 1."},
	{Name: "event.original", Type: keyword, Stored: true, Dataset: AuditLogs, Doc: "The whole event as JSON, byte by byte as it was stored, that is, redacted."},

	{Name: "user.name", Type: keyword, Doc: "Name of the user who sent the request; of the real one under impersonation."},
	{Name: "user.id", Type: keyword, Doc: "UID of that user."},
	{Name: "user.effective.name", Type: keyword, Doc: "Name of the user that the sender acts as, under impersonation."},
	{Name: "user.effective.id", Type: keyword, Doc: "UID of that user."},
	{Name: "user_agent.original", Type: keyword, Doc: "User agent as sent: a claim."},
	{Name: "source.ip", Type: ip, Doc: "One address: the last that is no trusted proxy's. All are in kubernetes.audit.sourceIPs and related.ip."},
	{Name: "client.ip", Type: ip, Doc: "As source.ip."},

	{Name: "orchestrator.type", Type: keyword, Doc: "kubernetes."},
	{Name: "orchestrator.api_version", Type: keyword, Doc: "As kubernetes.audit.apiVersion."},
	{Name: "orchestrator.cluster.name", Type: keyword, Doc: "Name of the cluster, as configured."},
	{Name: "orchestrator.namespace", Type: keyword, Doc: "As kubernetes.audit.objectRef.namespace."},
	{Name: "orchestrator.resource.name", Type: keyword, Doc: "As kubernetes.audit.objectRef.name."},
	{Name: "orchestrator.resource.type", Type: keyword, Doc: "As kubernetes.audit.objectRef.resource."},
	{Name: "container.image.name", Type: keyword, Doc: "Images of all containers of the pod or pod template that the request writes."},
	{Name: "related.ip", Type: ip, Doc: "All addresses of sourceIPs."},
	{Name: "related.user", Type: keyword, Doc: "Names and UIDs of the sender and of the user acted as."},

	{Name: "rule.name", Type: keyword, Dataset: Detections, Doc: "Name of the rule."},
	{Name: "rule.ruleset", Type: keyword, Dataset: Detections, Doc: "Digest of the rules in force, as kubewitness.ruleset."},
	{Name: "threat.framework", Type: keyword, Dataset: Detections, Doc: "MITRE ATT&CK, where the rule has such tags."},
	{Name: "threat.tactic.id", Type: keyword, Dataset: Detections, Doc: "Of tags like mitre_credential_access: TA0006."},
	{Name: "threat.tactic.name", Type: keyword, Dataset: Detections, Doc: "Credential Access."},
	{Name: "threat.tactic.reference", Type: keyword, Dataset: Detections, Doc: "Page of the tactic."},
	{Name: "threat.technique.id", Type: keyword, Dataset: Detections, Doc: "Of tags like T1552 and T1552.007: T1552."},
	{Name: "threat.technique.reference", Type: keyword, Dataset: Detections, Doc: "Page of the technique."},
	{Name: "threat.technique.subtechnique.id", Type: keyword, Dataset: Detections, Doc: "Of tags like T1552.007: T1552.007."},
	{Name: "threat.technique.subtechnique.reference", Type: keyword, Dataset: Detections, Doc: "Page of the sub-technique."},
}
