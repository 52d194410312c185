// Package alert writes detections for people and programs: Falco's JSON alert
// line, Falco's text line, and the answer line of our own.
//
// It formats and nothing else: no I/O, no clock, no rules. Each writer appends
// one line, without the line break, to a buffer.
//
// # Falco's JSON line
//
// One object, keys in byte order, no white space:
//
//	{"hostname":H,"output":TEXT,"output_fields":{...},"priority":P,"rule":R,"source":S,"tags":[...],"time":T}
//
// T is the event's time in UTC with nine digits; TEXT is Falco's text line.
// output_fields holds the fields of the rule's output and the time of the
// event in nanoseconds since the epoch as evt.time (evt.time.iso8601 where
// TEXT has an ISO 8601 time); keys in byte order, null for absent ones.
//
// # Falco's text line
//
//	HH:MM:SS.nnnnnnnnn: Priority message
//	2006-01-02T15:04:05.000000000+0000: Priority message
//
// Times are UTC.
package alert
