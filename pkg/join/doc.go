// Package join finds out which events of audit logs and which admission reviews are of one
// request, as they come, so that the request is told once.
//
// Nothing in either names the other: the uid of a review is not the audit ID. What both
// have is compared:
//
//   - cluster, API group, resource, subresource, namespace and the user acted as are the same;
//   - the verb is one that the review can be of: create for CREATE; update and patch for
//     UPDATE and CREATE; delete and deletecollection for DELETE; any for CONNECT;
//   - the names of the object are the same, or one of the two events does not have it
//     (generateName, deletecollection, a create that was just received);
//   - both are a dry run or none of them is, as far as they tell;
//   - the review lies in the time from the receipt of the request to the stage of the event.
//     Where none does, and the request has ended and did not fail, [Skew] is added at both
//     ends. Of a request that is only known to be received the time ends after [Opened],
//     and after [Longest] at the latest.
//
// What the authorizers forbade was never reviewed, and is joined with nothing.
//
// A review and a request are joined when just one fits the other. Where several do, none is
// joined, which is counted. But where several reviews lie in the time of a request that has
// ended, and all are about the same object and content, they are its attempts: an API server that finds
// the object changed meanwhile asks again, with another uid. The request is joined with the
// last of them, and all have told of it. A request that is only known to be received is joined, besides,
// only when no other review, or request, fits what it would be joined with. Who is joined
// stays so, and is left out when others look: further stages of the request get the same
// review, and a review or an event that comes again gets what it got. Of one body of
// events, those that were just received look last.
//
// A review that nothing proves to be the API server's is joined as others are, and keeps no
// detection from being told: who made it up could have something harmless told in its place.
//
// Nobody waits: an event is joined with what came before it, or not. The half that comes
// second gets the link ([record.Link]), and with it the rules that the first half has
// detections of, if the first half was on disk by then. So a detection may be told twice,
// never not at all.
//
// # Memory
//
// A review or request is forgotten after [DefaultKeep], and earlier where there are too
// many: that is counted as evicted. All is forgotten when the process ends. Who has kept the
// events gives the reviews of the last minutes back after a start ([Table.Remember]); what is
// not given back, and comes from the audit log after, is left apart.
//
// Judging, storing, and what becomes of a link stay outside.
package join
