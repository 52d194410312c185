// Package audit holds one Kubernetes audit event (audit.k8s.io): its bytes as received, the strict reading of files and
// bodies that carry events ([Reader]), the JSON tree over an event's bytes ([Value]), an event's [Identity], and the
// answer to what, who, when and where.
//
// What is strict here: JSON is judged by jsontext (RFC 8259, UTF-8, at most 10,000 levels). Two equal keys in one object
// are legal JSON and do happen in real events, because the API server records the raw bytes of a patch: the last one
// counts, as in the API server, and the event is flagged ([Event.DuplicateKeys]).
//
// What must not come in: rules, fields and anything of Falco's language; where events come from (HTTP, clouds, queues);
// where they go; the types of k8s.io/apiserver, which know one version only and weigh more than this program.
// The package imports nothing else of this module, and it is the only one that knows jsontext.
package audit
