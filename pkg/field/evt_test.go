package field_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

const timed = `{"kind":"Event", "stageTimestamp":"2024-01-02T04:04:05.000456+01:00"}`

// contextOf has seen the first event 2 s and 3 ns before.
var evtCases = []extractCase{
	{"evt.num", timed, texts("7")},
	{"evt.time", timed, texts("03:04:05.000456000")},
	{"evt.time.s", timed, texts("03:04:05")},
	{"evt.time.iso8601", timed, texts("2024-01-02T03:04:05.000456000+0000")},
	{"evt.datetime", timed, texts("2024-01-02 03:04:05.000456000")},
	{"evt.datetime.s", timed, texts("2024-01-02 03:04:05")},
	{"evt.rawtime", timed, texts("1704164645000456000")},
	{"evt.rawtime.s", timed, texts("1704164645")},
	{"evt.rawtime.ns", timed, texts("000456000")},
	{"evt.reltime", timed, texts("2000000003")},
	{"evt.reltime.s", timed, texts("2")},
	{"evt.reltime.ns", timed, texts("000000003")},
	{"evt.pluginname", timed, texts("k8saudit")},
	{"evt.plugininfo", timed, texts(`{"kind":"Event","stageTimestamp":"2024-01-02T04:04:05.000456+01:00"}`)},
	{"evt.source", timed, texts("k8s_audit")},
	{"evt.is_async", timed, texts("false")},
	{"evt.asynctype", timed, nil},
	{"evt.hostname", timed, texts("host-1")},
}

func TestEvtFields(t *testing.T) { checkBoth(t, evtCases) }

func TestEvtNumbers(t *testing.T) {
	const ns = 1704164645000456000
	tests := []struct {
		field   string
		typ     condition.Type
		num     uint64
		jsonNum bool
	}{
		{"evt.num", condition.TypeUint64, 7, false},
		{"evt.time", condition.TypeString, ns, true},
		{"evt.time.s", condition.TypeString, ns, true},
		{"evt.time.iso8601", condition.TypeString, ns, true},
		{"evt.datetime", condition.TypeString, ns, true},
		{"evt.datetime.s", condition.TypeString, ns, true},
		{"evt.rawtime", condition.TypeAbsTime, ns, false},
		{"evt.rawtime.s", condition.TypeAbsTime, ns / 1_000_000_000, false},
		{"evt.rawtime.ns", condition.TypeAbsTime, ns % 1_000_000_000, false},
		{"evt.reltime", condition.TypeRelTime, 2000000003, false},
		{"evt.reltime.s", condition.TypeRelTime, 2, false},
		{"evt.reltime.ns", condition.TypeRelTime, 3, false},
		{"evt.is_async", condition.TypeBool, 0, false},
	}
	for _, tt := range tests {
		f, arg := lookup(t, tt.field)
		items := f.Extract(contextOf(t, timed, false), arg)
		if assert.Len(t, items, 1, tt.field) {
			assert.Equal(t, tt.num, items[0].Num, tt.field)
		}
		assert.Equal(t, tt.typ, f.Type, tt.field)
		assert.Equal(t, tt.jsonNum, f.JSONNum, tt.field)
	}
}

func TestReltimeOfFirstEvents(t *testing.T) {
	f, arg := lookup(t, "evt.reltime")
	c := contextOf(t, timed, false)
	c.First = time.Time{}
	assert.Equal(t, []field.Item{{Text: "000000000"}}, f.Extract(c, arg), "no first event known")
	c.First = c.Event.Time.Add(1)
	assert.Equal(t, "18446744073709551615", f.Extract(c, arg)[0].Text, "before the first event, as in Falco")
}

func TestHostnameUnknown(t *testing.T) {
	f, arg := lookup(t, "evt.hostname")
	c := contextOf(t, timed, false)
	c.Hostname = ""
	assert.Nil(t, f.Extract(c, arg))
}
