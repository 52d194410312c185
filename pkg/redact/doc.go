// Package redact takes the secrets out of audit events before anything is
// stored, and out of what detections print of them.
//
// An event goes in, its bytes come out with every secret replaced by [Marker]
// and nothing else touched, together with the places where that happened. What
// counts as a secret is told by the structure (a Secret's data, an environment
// variable of a telling name, a JSON patch on either), whatever resource the
// request names, and by the shape of texts (tokens, private keys, passwords in
// arguments and URIs). docs/redaction.md is the list.
//
// In doubt a text is redacted: a lost detail can be had from the cluster again,
// a stored secret cannot be taken back. The rules see the event as it came, so
// none of this changes a verdict.
//
// Reading and judging events, keeping the paths and wiring a configuration file
// belong elsewhere; nothing here does I/O or keeps state between events.
package redact
