// Package backtest counts what rules would have found in events of the past: by rule, day,
// user and namespace; compares two sets of rules; and proposes exceptions for detections
// that somebody marked as false positives, with what else each would hide.
//
// It is told of detections, by replay or by a hunt, and judges nothing itself: its counts
// are those of the engine that found them. Where events come from belongs elsewhere.
//
// # Marks
//
// A file of marks is JSON lines, each about one rule:
//
//	{"rule": "Exec or Attach to Pod", "event": "0e30aa29-8c01-4e5c-81dc-8831de07248c"}
//	{"rule": "Exec or Attach to Pod", "fields": {"ka.user.name": "ci", "ka.target.namespace": "shop"}}
//
// event is an auditID, or the ID of an event that was kept. fields are fields of the
// catalogue, or those of the rule's output; all must have these values. A line of
// "--output falco-json" is a mark too: it means the detections of its rule that have these
// output_fields, at its time.
package backtest
