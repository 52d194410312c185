// Package admission takes in what API servers ask a validating webhook (AdmissionReview,
// admission.k8s.io/v1), makes an audit event of each review, has it judged, and answers.
//
// # The event
//
// A review tells of a request that passed authentication, authorization and the mutating
// webhooks, and that is not done yet. The event is one of audit.k8s.io/v1 that says of
// itself, in two annotations as package gcp does, what is not as the API server's own
// audit log would have it:
//
//	admission.kubewitness.io/reconstructed  members that were worked out of others
//	admission.kubewitness.io/unknown        members of which a review tells nothing
//
// What is in neither list stands in the review. Nothing is made up: there is no response
// code, no source address, no user agent and no response object, and there are no events of
// reads. The user is the one that the request acts as: impersonation is not told.
//
// The stage is that of a request that went through, since nothing comes after a review
// but other webhooks, validation and the store, and rules ask for it: ResponseStarted for
// streams (CONNECT), ResponseComplete for the rest. It is reconstructed, and the sentence of
// such an event is "was allowed to ...: the result is not recorded".
//
//	operation            verb                 it may have been, too
//	CREATE               create               patch (server-side apply)
//	UPDATE               update               patch
//	DELETE               delete               deletecollection
//	CONNECT to a stream  create               get
//	CONNECT to a proxy   none, unknown
//
// requestObject is the object as it would be stored, defaults and what mutating webhooks did
// included; of DELETE the options. Of CONNECT it is absent, as in audit logs: command and
// container stand in requestURI, which is rebuilt. A member of our own, oldObject, is the
// object before UPDATE and DELETE; readers of audit events pass over it.
//
// The other annotations:
//
//	authorization.k8s.io/decision          "allow": reconstructed, reviews come after it
//	admission.kubewitness.io/uid           of the review; it is the auditID, too: the real one is not told
//	admission.kubewitness.io/operation     CREATE, UPDATE, DELETE, CONNECT
//	admission.kubewitness.io/verb-may-be   the other verb of the table above
//	admission.kubewitness.io/converted-to  "apps/v1 Deployment": the object is not in the version of the request
//	admission.kubewitness.io/namespace-labels  of the namespace that the object is in: a JSON object, or "unknown"; absent where nobody reads them
//	admission.kubewitness.io/sender        what proved who sent it: "certificate", "token", "path-secret"; "unauthenticated"
//	admission.kubewitness.io/verdict       what was answered: "warn" or "deny"; absent: allowed
//
// An event is told apart by the cluster and the uid of its review: a review that comes
// twice is one event. An API server that tries a patch again, after a conflict, asks again
// with another uid.
//
// # Mutations
//
// Reviews that are sent to [MutatePath] ask a [Mutator] what is to be changed. Where it changes
// something, and the request is no dry run, that is an event of its own, with the source
// [MutationSource] and what the API server calls the uid of that review, which no other review
// of the request has: the object as it came, the user, and
//
//	admission.kubewitness.io/mutated-by           the names of what changed it, with commas between them
//	admission.kubewitness.io/would-be-mutated-by  the same, where nothing is changed but told
//	admission.kubewitness.io/patch                the JSON patch
//
// Its stage is RequestReceived, which is true of it, and which keeps rules from finding twice
// what they find in the review, or the audit event, of the request as it is then. The API
// server puts names and uid into its own audit event, as annotations with the webhook's name.
//
// # Requests and answers
//
// POST with one AdmissionReview, plain JSON, to the paths of package gate, with the prefix
// /admission or /mutate.
//
//	200  an AdmissionReview with a response. Whatever goes wrong here, it allows, and changes
//	     nothing; it denies only where the Judge says so
//	400  no AdmissionReview of v1; kept as a dead letter
//	401, 403, 404, 405  as the audit webhook
//	408, 413  the body took too long, or is too long
//	415  not application/json, or compressed
//	429  too much at once
//
// API servers take all but 200 for a failure of the webhook, and do as failurePolicy says.
//
// A dry run of an object with the label [ProbeLabel] is answered with a warning that says who
// asked and when, by which the way from an API server to here is tried.
//
// # What is kept
//
// The answer waits until the event is on disk, [Config.Deadline] at most. What takes longer
// is answered all the same, counted as late, and goes on being stored behind the answer,
// and tried again for a while: nobody sends it again. How much of that there may be is bounded; what is
// beyond is counted as lost.
//
// Rules, what is to be denied or changed, listeners and certificates stay outside, and so does who a
// review's events are the same as in other sources.
package admission
