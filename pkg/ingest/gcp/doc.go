// Package gcp makes audit.k8s.io/v1 events of the entries (LogEntry) in which Google Cloud keeps the audit log of GKE.
//
// An entry does not hold the event, it retells it: the verb is the end of a method name, the object a path, the HTTP status
// became a gRPC code, the groups of the user and the query of the URI are gone. So an event made here says of itself what is
// not as the API server wrote it, in two annotations, each a sorted list with commas:
//
//	gcp.kubewitness.io/reconstructed  members that were worked out of others: "level,objectRef,requestURI,verb"
//	gcp.kubewitness.io/unknown        members of which the entry tells nothing: "user.groups"
//
// What is in neither list stands in the entry. Nothing is made up: what is not known is absent.
//
// The other annotations are the labels of the entry as they are (authorization.k8s.io/decision and .../reason, those of
// admission webhooks, command.gke.io/...), cluster_name, location and project_id as Falco's rules for GKE name them, and
//
//	gcp.kubewitness.io/insert-id          of the entry, if it has one
//	gcp.kubewitness.io/log                "activity" (what changes something) or "data_access" (what reads)
//	gcp.kubewitness.io/receive-timestamp  when Cloud Logging got the entry
//	gcp.kubewitness.io/caller-ip          what stands for an address and is none: "private", "gce-internal-ip"
//	gcp.kubewitness.io/principal-subject  authenticationInfo.principalSubject, where it says more than the user's name
//	gcp.kubewitness.io/delegation         the principals of a delegation chain, a JSON array
//	gcp.kubewitness.io/key                serviceAccountKeyName: the key that was used
//	gcp.kubewitness.io/method-name        method and resource as they stand in the entry, where they
//	gcp.kubewitness.io/resource-name      contradict each other or are not understood
//	gcp.kubewitness.io/split              "2 of 3": the entry was stored in parts, and some of them were not found
//
// An event is told apart by log, time and insertId of its entry (see [Result.Identity]), so that a better conversion makes
// no second event of what is stored already.
//
// Entries are read as Cloud Logging spells them in JSON, and as rows of BigQuery have them.
//
// What must not come in: where entries come from (files, Cloud Logging, Pub/Sub), rules, and where events go.
package gcp
