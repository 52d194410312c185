package field_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/field"
)

// Append adds to what is there and overwrites nothing of it; what it adds does
// not depend on what was in the memory before.
func TestAppendAdds(t *testing.T) {
	before := field.Item{Text: "before", Num: 1, Prefix: netip.MustParsePrefix("10.0.0.1/32")}
	for _, c := range allCases() {
		f, arg := lookup(t, c.field)
		for _, strict := range []bool{false, true} {
			for _, room := range []int{0, 1, 50} {
				context := contextOf(t, c.event, strict)
				want := f.Extract(context, arg)
				dst := append(make([]field.Item, 0, 1+room), before)
				rest := dst[1:cap(dst)]
				for i := range rest {
					rest[i] = before
				}
				got := f.Append(dst, context, arg)
				require.NotEmpty(t, got, c.field)
				assert.Equal(t, before, got[0], c.field)
				assert.Equal(t, want, append([]field.Item(nil), got[1:]...), "%s of %s", c.field, c.event)
			}
		}
	}
}

// composed are the fields whose texts do not stand in events as they are, and
// why. They take memory, but only where the value is there. A list of texts of
// which each has a place in the event is no reason.
var composed = map[string]string{
	"json.obj": "indented anew", "jevt.obj": "indented anew",
	"json.rawtime": "printed from the time", "jevt.rawtime": "printed from the time",
	"evt.num":  "printed; up to 999 without memory",
	"evt.time": "printed from the time", "evt.time.s": "printed from the time", "evt.time.iso8601": "printed from the time",
	"evt.datetime": "printed from the time", "evt.datetime.s": "printed from the time",
	"evt.rawtime": "printed from the time", "evt.rawtime.s": "printed from the time", "evt.rawtime.ns": "printed from the time",
	"evt.reltime": "printed from the time", "evt.reltime.s": "printed; up to 999 without memory", "evt.reltime.ns": "printed from the time",
	"kw.latency": "printed from two times", "kw.latency.ms": "printed; up to 999 without memory",
	"ka.req.binding.subjects.serviceaccount_ns_names": "joined: namespace:name",
	"kw.rolebinding.subjects":                         "joined: kind:name",
	"kw.webhook.services":                             "joined: namespace/name",
	"kw.command.line":                                 "joined words, where there are two or more",
	"kw.pod.containers.command":                       "joined words, where there are two or more",
	"kw.pod.containers.args":                          "joined words, where there are two or more",
	"kw.pod.containers.capabilities.add":              "put in capitals, where they are not",
	"kw.pod.hostpaths":                                "put in the shortest form, where they are not",
}

func init() {
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		composed["ka.req.pod."+list+".command"] = "joined words, where there are two or more"
		composed["ka.req.pod."+list+".args"] = "joined words, where there are two or more"
	}
}

// decoded are the fields whose texts take memory where an escape is in them, of
// JSON (a quote, or the & that API servers write as \u0026) or of a URI.
var decoded = map[string]string{
	"ka.uri":              `\u0026 in the URI`,
	"ka.uri.param":        `\u0026 in the URI, or a value with escapes`,
	"kw.uri.path":         `\u0026 in the URI, or a path with escapes`,
	"kw.uri.params":       `\u0026 in the URI, or a value with escapes`,
	"kw.command":          `\u0026 in the URI, or words with escapes`,
	"kw.exec.container":   `\u0026 in the URI`,
	"kw.dryrun":           `\u0026 in the URI`,
	"ka.auth.reason":      "quotes around the names of bindings",
	"kw.response.message": "quotes around names",
}

// TestAppendTakesNoMemory asks every field of every event of the sample, and of
// the real events of this package's tests.
func TestAppendTakesNoMemory(t *testing.T) {
	for mode, strict := range map[string]bool{"default": false, "strict": true} {
		events := append(sample(t, strict), realEvents(t, strict)...)
		for _, f := range field.Default().All() {
			t.Run(mode+"/"+f.Name, func(t *testing.T) {
				arg := sampleArg(t, f)
				checked := exempt(f, arg, events)
				items := make([]field.Item, 0, 100)
				ask := func(events []*field.Context) float64 {
					return testing.AllocsPerRun(2, func() {
						for _, c := range events {
							f.Append(items, c, arg)
						}
					})
				}
				if ask(checked) == 0 {
					return
				}
				for _, c := range checked {
					if n := ask([]*field.Context{c}); n > 0 {
						t.Fatalf("%v pieces of memory for %s, of %s", n, show(f.Extract(c, arg)), c.Event.Raw)
					}
				}
			})
		}
	}
}

// exempt takes out the events of which the field may take memory.
func exempt(f *field.Field, arg field.Arg, events []*field.Context) []*field.Context {
	var left []*field.Context
	for _, c := range events {
		if _, ok := composed[f.Name]; ok && f.Extract(c, arg) != nil {
			continue
		}
		escaped := bytes.IndexByte(c.Event.Raw, '\\') >= 0 || bytes.IndexByte(c.Event.Root().Get("requestURI").Raw(), '%') >= 0
		if _, ok := decoded[f.Name]; ok && escaped {
			continue
		}
		left = append(left, c)
	}
	return left
}

// realEvents has the events of TestRealEvents.
func realEvents(t *testing.T, strict bool) []*field.Context {
	t.Helper()
	files, err := filepath.Glob("testdata/events/*.json")
	require.NoError(t, err)
	var all []*field.Context
	for _, file := range files {
		event, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, contextOf(t, string(event), strict))
	}
	return all
}

// Exceptions are of fields that there are.
func TestExceptionsExist(t *testing.T) {
	for _, exceptions := range []map[string]string{composed, decoded} {
		for name, why := range exceptions {
			_, ok := field.Default().Lookup(name)
			assert.True(t, ok, name)
			assert.NotEmpty(t, why, name)
		}
	}
}

func TestPrintedNumbers(t *testing.T) {
	f, arg := lookup(t, "evt.num")
	for _, n := range []uint64{0, 1, 9, 10, 11, 99, 100, 101, 199, 200, 403, 998, 999, 1000, 1001, 9999, 123456789, 1<<64 - 1} {
		c := contextOf(t, "{}", false)
		c.Num = n
		assert.Equal(t, []field.Item{{Text: fmt.Sprint(n), Num: n}}, f.Extract(c, arg))
	}
}

func TestReadNumbers(t *testing.T) {
	f, arg := lookup(t, "kw.response.code")
	for text, want := range map[string]uint64{
		"0": 0, "7": 7, "201": 201, "9999999999999999999": 9999999999999999999, "18446744073709551615": 1<<64 - 1,
	} {
		c := contextOf(t, `{"responseStatus":{"code":`+text+`}}`, false)
		assert.Equal(t, []field.Item{{Text: text, Num: want}}, f.Extract(c, arg))
	}
	for _, text := range []string{"-0", "-1", "1.0", "1e3", "18446744073709551616", "100000000000000000000", `"201"`, "null", "true"} {
		assert.Nil(t, f.Extract(contextOf(t, `{"responseStatus":{"code":`+text+`}}`, false), arg), text)
	}
}

// An argument made by hand is as good as one that was read.
func TestPointerByHand(t *testing.T) {
	for _, c := range jsonCases {
		f, arg := lookup(t, c.field)
		context := contextOf(t, c.event, false)
		byHand := field.Arg{Present: arg.Present, Key: arg.Key}
		assert.Equal(t, f.Extract(context, arg), f.Extract(context, byHand), c.field)
		assert.Equal(t, f.InBody(arg), f.InBody(byHand), c.field)
	}
}
