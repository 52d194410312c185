// Package correlate judges events by rules that one event cannot tell: how often,
// what after what, what for the first time, what never came, and what kind of pod a
// request is about.
//
// [Rules] are compiled once; a [Stream] is the state of one run of events through
// them, for whoever judges events: replay, the tests of rules, backtests, and the
// service, which keeps it over restarts. Reading rules files, reading events,
// and what becomes of detections stay outside, and so does every clock: time is what
// the events say.
//
// # Grammar
//
// A rule is about several events by one key beside Falco's own. Its condition is what
// an event must meet to be looked at; the key says what is then to be seen. Events of
// different clusters never count together.
//
//	kw_threshold:              many events, or many values, in a short time
//	  count: NUMBER            from 2 to 10000; of distinct values to 1000
//	  within: DURATION         from 1s to 1d
//	  by: FIELDS               events with the same values count together; default: all of a cluster
//	  distinct: FIELDS         count the values of these instead of events
//	  suppress: DURATION       from within to 30d; default: within
//
//	kw_sequence:               steps one after the other
//	  within: DURATION         from the first step to the last; from 1s to 1d
//	  by: FIELDS               the same values in all steps
//	  steps:                   from 2 to 5
//	    - condition: CONDITION with the lists and macros of rules; the event must meet the rule's condition as well
//	      by: FIELDS           where in this step the values stand, one field for each of by above
//	      differs: FIELDS      values of these must be others than in the step before
//	  suppress: DURATION       as above
//
//	kw_new_terms:              a value that was not there before
//	  fields: FIELDS           whose values, together, are looked at
//	  by: FIELDS               new for these; default: for the cluster
//	  within: DURATION         in whole days, up to 90d; default 14d
//	  learning: DURATION       so long after the first event of a cluster nothing is new;
//	                           0s, or at least 10m; default 1d
//
//	kw_absence:                what did not come
//	  completion:              requests that were received, meet the condition and were not completed
//	    VERB: DURATION         how long a request of this verb has, from 1s to 1d
//	  silence: DURATION        no event that meets the condition for so long; from 1m to 1d
//	  by: FIELDS               of silence: each of these by itself
//
//	FIELDS                     a field, or a list of at most 5
//	DURATION                   numbers with d, h, m, s: 90s, 1h30m, 14d
//
// An absence has either completion or silence. An event without one of the "by"
// fields is not looked at, nor one without any of the values that are to be counted
// or new. A list counts as one value; its elements are put into one text.
//
// For Falco all of this is an unknown key, of which it warns and then ignores it, and
// would fire on every event that meets the condition. So such a rule reads a field of
// ours, %kw.correlate.count in its output for instance, and has
// skip-if-unknown-filter: true: Falco then skips it. A rule that does not gets a
// warning when it is loaded.
//
// An example:
//
//	# A user is refused much in a short time.
//	- rule: Many Requests Refused
//	  desc: Somebody tries out what a stolen token can do.
//	  source: k8s_audit
//	  condition: ka.stage = ResponseComplete and ka.response.code = 403
//	  kw_threshold: {count: 20, within: 5m, by: [ka.user.name], suppress: 1h}
//	  output: "%ka.user.name was refused %kw.correlate.count times since %kw.correlate.first"
//	  priority: WARNING
//	  skip-if-unknown-filter: true
//
// A rule that asks for a field of what was seen before (kw.pod.privileged,
// kw.pod.images, kw.pod.node, kw.workload) in its condition or its output needs no
// key. It is judged here as well, event by event.
//
// # Outcome
//
// Time is the events' stageTimestamp, of each cluster by itself. Events may come in
// any order as long as none comes more than [Lateness] behind the newest one of its
// cluster: what fires, for which key and window, is the same whatever the order. An
// event that comes later than that is left out of counts, sequences, terms and
// absences, and counted. An event that comes again, by its identity, counts once.
//
// A rule fires once for a key and window; windows are of the length of suppress,
// cut from 1970 on, and the window is that of the event that completes the count or
// the sequence. An attack across the edge of a window is told twice at most.
//
//   - A threshold fires in a window in which an event ends a time of the length
//     "within" that holds "count" of them. It fires at once, with the event that
//     came last: its count is that of this moment.
//   - A sequence fires in the window of an event of the last step before which, in
//     order and each later than the one before, there are events of the other steps,
//     all "within". It fires at once, with the event of the last step. Of a step, a
//     key and a length of "within" 64 events are kept, the first and the last ones.
//   - A term is new on a day, of UTC, when it was not there in the days of "within"
//     before. It fires with the event that came first, on the minutes after midnight
//     not before Lateness is over. Learning goes to the end of the day.
//   - A request is not completed when no event of the same request with a later stage
//     than RequestReceived is from the time that its verb has. Requests that last as
//     long as the client likes are left alone: watch, exec, attach, port-forward,
//     proxy, and logs that are followed. It fires with the event that received it,
//     when the time and Lateness are over.
//   - It is silent when after an event none follows for so long. It fires with the last
//     event before, when the time and Lateness are over by the clock of the cluster,
//     or by that of the service where no event at all comes.
//
// # Memory
//
// What is kept of a rule takes at most [Options.Memory] bytes. What was touched
// longest ago makes room, and is counted: [Counters.Evicted]. A key that comes again
// is then a new one.
package correlate
