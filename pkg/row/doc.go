// Package row is how an event of the log becomes a row of the store, and back.
//
// [Encode] is lossless: [Decode] gives the event with all that the log knows of it.
// Besides, a row has a column for most fields of the catalogue, so that the store
// can search and count by them; [Column] tells which. A column's value is what a
// rule sees of the field, found by the same code, from the event as stored: after
// redaction.
//
// # Values
//
// A field that the event does not have gives no column. A text is cut at its first
// NUL, as in comparisons; an empty one is [Empty], since the store does not tell an
// empty value from none. A list is a JSON array of texts in the form of [AppendList]
// and never empty.
//
// # Own columns
//
//	rules       names of the rules that fired, each once; a list
//	tags        their tags, each once; a list
//	priority    of the most urgent of them, in lower case
//	detections  as [record.EncodeDetections] writes them
//	redacted    JSON pointers of the places where secrets were; a list
//	faults      rules that failed on the event, with the error; a list
//	source      what took the event in
//	received    when, in UTC, by RFC 3339 with nanoseconds
//	ruleset     digest of the rules that judged it
//	labels      of the cluster, as a JSON object
//	flags       record.Expired, record.Ahead, as a number
//	link        record.Link, as a JSON object
//
// What must not come in: what is asked of rows, and how the store finds them.
package row
