// Package policy knows what a Kubernetes audit policy lets through: what of a request reaches the rules, which rules can
// therefore never fire, and what the smallest policy is that serves them all.
//
// A request is judged by the API server's own evaluator (k8s.io/apiserver/pkg/audit/policy), never by one of ours:
//
//	[Policy]   a policy file, and what it records of a [Request]
//	[Source]   where events come from: an API server with its policy, or a log service that leaves out more ([GKE])
//	Reduce     an event recorded in full, as a source would have recorded it
//	[Cover]    for each rule, whether any event of a source can make it fire, and what would help
//	[Generate] the smallest policy under which rules fire as under a policy that records everything
//	[Measure]  what policies would have recorded of a recording
//
// [Cover] and [Generate] interpret conditions over classes of requests instead of events. A class is a verb, a target (a
// resource of the API, or a path outside it) and, where a policy tells them apart, a user, a namespace and a name; each of
// these is a text of which little may be known, see text. A clause then holds, does not hold, or may do either, and so
// does the condition, for each stage at which the source records the class. What is unknown counts as possible: a rule that
// is called blind is blind, as long as API servers authenticate as they do (names that begin with system:node: and
// system:serviceaccount: go with their groups).
//
// What must not come in: where rules and policies are read from, how reports are printed on a terminal, and the events of a
// running service. The libraries of the API server stay in here.
package policy
