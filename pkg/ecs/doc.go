// Package ecs makes documents for Elasticsearch of events and detections: in ECS, in the
// field names of the kubernetes.audit_logs data set that Elastic's own rules read, and
// in fields of our own below kubewitness. What came from GKE can have a second document,
// in those of Elastic's gcp.audit data set ([AppendGCPAudit]).
//
// One table has every field with its type and meaning; the mappings of the index
// templates, the reference in docs/elasticsearch-fields.md and the map of the
// catalogue's fields are made of it, and what is below kubernetes.audit is copied from
// the event by it. How documents get to a server, and what is asked of them there, stays
// outside.
//
// # What no event can do
//
// A document has the keys of the table and no others, whatever keys a client chose: maps
// with such keys (labels, annotations, user.extra) are of type flattened. A value that
// does not fit its field's type, say an object where the API has a text, is left out of
// the field, stays in event.original, and its field is named in kubewitness.odd. So
// there is no event that a server refuses for what is in it; should one refuse it all
// the same, [AppendReduced] makes a document of hardly any fields.
//
// No keyword is indexed beyond 8191 characters, since Lucene refuses a document with a
// term of more than 32766 bytes; the longer text is in the document and is not found.
//
// # Times
//
// @timestamp is of type date, which keeps milliseconds: date_nanos, which keeps them
// all, would refuse events of before 1970, and does not sort together with the date of
// other streams. Nanoseconds are in kubewitness.filed, as a number.
package ecs
