package field

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classEvt = "The event itself (evt.*)"

const second = uint64(time.Second)

// nanoseconds is the time of the event, its stageTimestamp, as Falco counts.
func nanoseconds(c *Context) uint64 { return uint64(c.Event.Time.UnixNano()) }

// sinceFirst is the time since the first event; like Falco's it wraps around
// for an event before it.
func sinceFirst(c *Context) uint64 {
	if c.First.IsZero() {
		return 0
	}
	return nanoseconds(c) - uint64(c.First.UnixNano())
}

// evtTable has the fields that Falco has for events of every source. Falco
// prints local time, these UTC.
func evtTable() []*Field {
	t := []*Field{evtNumber("evt.num", "Number of the event in this run, from 1.", condition.TypeUint64, 0, func(c *Context) uint64 { return c.Num })}
	t = append(t, evtTimes()...)
	return append(t,
		evtText("evt.pluginname", "Name of what produced the event; always k8saudit.", func(*Context) string { return "k8saudit" }),
		whole(evtText("evt.plugininfo", "The event as compact JSON text.", eventText)),
		evtText("evt.source", "Source of the event; always k8s_audit.", func(*Context) string { return "k8s_audit" }),
		&Field{Name: "evt.is_async", Class: classEvt, Doc: "Always false: no audit event is made by Falco itself.", Type: condition.TypeBool,
			extract: func(dst []Item, _ *Context, _ Arg) []Item { return appendBoolean(dst, false) }},
		&Field{Name: "evt.asynctype", Class: classEvt, Doc: "Always absent: no audit event is made by Falco itself.",
			extract: func(dst []Item, _ *Context, _ Arg) []Item { return dst }},
		&Field{Name: "evt.hostname", Class: classEvt, Doc: "Name of the host that judges the event: FALCO_HOSTNAME, or the host's own.",
			extract: func(dst []Item, c *Context, _ Arg) []Item {
				if c.Hostname == "" {
					return dst
				}
				return appendText(dst, c.Hostname)
			}},
	)
}

func evtTimes() []*Field {
	const abs, rel = condition.TypeAbsTime, condition.TypeRelTime
	return []*Field{
		evtClock("evt.time", "Time of the event in UTC, with nanoseconds: 15:04:05.000000000.", "15:04:05.000000000"),
		evtClock("evt.time.s", "Time of the event in UTC: 15:04:05.", "15:04:05"),
		evtClock("evt.time.iso8601", "Date and time of the event in UTC by ISO 8601, with nanoseconds.", "2006-01-02T15:04:05.000000000-0700"),
		evtClock("evt.datetime", "Date and time of the event in UTC, with nanoseconds.", "2006-01-02 15:04:05.000000000"),
		evtClock("evt.datetime.s", "Date and time of the event in UTC.", "2006-01-02 15:04:05"),
		evtNumber("evt.rawtime", "Nanoseconds since 1970.", abs, 0, nanoseconds),
		evtNumber("evt.rawtime.s", "Whole seconds since 1970.", abs, 0, func(c *Context) uint64 { return nanoseconds(c) / second }),
		evtNumber("evt.rawtime.ns", "Nanoseconds within the second; printed with nine digits.", abs, 9, func(c *Context) uint64 { return nanoseconds(c) % second }),
		evtNumber("evt.reltime", "Nanoseconds since the first event; printed with nine digits or more.", rel, 9, sinceFirst),
		evtNumber("evt.reltime.s", "Whole seconds since the first event.", rel, 0, func(c *Context) uint64 { return sinceFirst(c) / second }),
		evtNumber("evt.reltime.ns", "Nanoseconds of evt.reltime within the second; printed with nine digits.", rel, 9, func(c *Context) uint64 { return sinceFirst(c) % second }),
	}
}

func evtText(name, doc string, get func(*Context) string) *Field {
	return &Field{Name: name, Class: classEvt, Doc: doc, extract: func(dst []Item, c *Context, _ Arg) []Item {
		return appendText(dst, get(c))
	}}
}

// whole tells that a field reads all of an event.
func whole(f *Field) *Field {
	f.inBody = true
	return f
}

// evtNumber is a number, printed with so many digits at least.
func evtNumber(name, doc string, typ condition.Type, digits int, get func(*Context) uint64) *Field {
	return &Field{Name: name, Class: classEvt, Doc: doc, Type: typ, extract: func(dst []Item, c *Context, _ Arg) []Item {
		n := get(c)
		return append(dst, Item{Text: decimal(n, digits), Num: n})
	}}
}

// evtClock is a time that conditions and texts see as text, and output_fields
// as nanoseconds.
func evtClock(name, doc, layout string) *Field {
	return &Field{Name: name, Class: classEvt, Doc: doc, JSONNum: true, extract: func(dst []Item, c *Context, _ Arg) []Item {
		return append(dst, Item{Text: c.Event.Time.UTC().Format(layout), Num: nanoseconds(c)})
	}}
}
