package field_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// extractCase is a field, as a rule writes it, the event that it is asked of,
// and the texts of the items it gives; none for absent.
type extractCase struct {
	field string
	event string
	want  []string
}

func texts(s ...string) []string { return s }

// contextOf makes a context of an event given as JSON. Its evt.num is 7, and
// the first event came two seconds and three nanoseconds before it.
func contextOf(t testing.TB, event string, strict bool) *field.Context {
	t.Helper()
	e := &audit.Event{Raw: []byte(event)}
	require.True(t, e.Root().Exists(), "no JSON: %s", event)
	e.AuditID = e.Root().Get("auditID").Text()
	if stamp := e.Root().Get("stageTimestamp"); stamp.Exists() {
		var err error
		e.Time, err = time.Parse(time.RFC3339Nano, stamp.Text())
		require.NoError(t, err)
	}
	first := e.Time.Add(-2*time.Second - 3)
	return &field.Context{Event: e, Num: 7, First: first, Hostname: "host-1", Strict: strict}
}

// lookup finds a field and its argument by the text that a rule has.
func lookup(t testing.TB, written string) (*field.Field, field.Arg) {
	t.Helper()
	name, rest, hasArg := strings.Cut(written, "[")
	f, ok := field.Default().Lookup(name)
	require.True(t, ok, "no field %s", name)
	if !hasArg {
		arg, err := f.NoArg()
		require.NoError(t, err)
		return f, arg
	}
	arg, err := f.ParseArg(strings.TrimSuffix(rest, "]"))
	require.NoError(t, err)
	return f, arg
}

func extract(t testing.TB, written, event string, strict bool) []string {
	t.Helper()
	f, arg := lookup(t, written)
	var got []string
	items := f.Extract(contextOf(t, event, strict), arg)
	for _, it := range items {
		got = append(got, it.Text)
	}
	if !f.List {
		assert.LessOrEqual(t, len(items), 1, "%s is no list", f.Name)
	}
	return got
}

// checkBoth runs cases whose answer is the same in both modes.
func checkBoth(t *testing.T, cases []extractCase) {
	t.Helper()
	for _, c := range cases {
		for mode, strict := range map[string]bool{"default": false, "strict": true} {
			assert.Equal(t, c.want, extract(t, c.field, c.event, strict), "%s, %s, of %s", c.field, mode, c.event)
		}
	}
}

func TestParseArg(t *testing.T) {
	const image = "ka.req.pod.containers.image"
	tests := []struct {
		field, arg string
		want       field.Arg
		err        string
	}{
		{image, "0", field.Arg{Present: true}, ""},
		{image, "12", field.Arg{Present: true, Index: 12}, ""},
		{image, "18446744073709551615", field.Arg{Present: true, Index: math.MaxInt}, ""},
		{image, "00", field.Arg{}, "filter ka.req.pod.containers.image[00] ka.req.pod.containers.image has an invalid index argument starting with 0: 00"},
		{image, "a", field.Arg{}, "filter ka.req.pod.containers.image[a] ka.req.pod.containers.image has an invalid index argument not composed only by digits: a"},
		{image, "-1", field.Arg{}, "filter ka.req.pod.containers.image[-1] ka.req.pod.containers.image has an invalid index argument not composed only by digits: -1"},
		{image, "18446744073709551616", field.Arg{}, "filter ka.req.pod.containers.image[18446744073709551616] ka.req.pod.containers.image has an invalid index argument not representable on 64 bit: 18446744073709551616"},
		{"ka.uri.param", "limit", field.Arg{Present: true, Key: "limit"}, ""},
		{"ka.uri.param", "a b]", field.Arg{Present: true, Key: "a b]"}, ""},
		{"jevt.value", "", field.Arg{Present: true}, ""},
		{"ka.user.name", "0", field.Arg{}, "filter 'ka.user.name[0]': ka.user.name does not allow nor require an argument but one is provided: 0"},
	}
	for _, tt := range tests {
		f, ok := field.Default().Lookup(tt.field)
		require.True(t, ok)
		got, err := f.ParseArg(tt.arg)
		if tt.err != "" {
			assert.EqualError(t, err, tt.err)
			continue
		}
		assert.NoError(t, err)
		assert.Equal(t, tt.want, got, "%s[%s]", tt.field, tt.arg)
	}
}

func TestNoArg(t *testing.T) {
	param, _ := field.Default().Lookup("ka.uri.param")
	_, err := param.NoArg()
	assert.EqualError(t, err, "filter 'ka.uri.param': ka.uri.param requires an argument but none provided")

	image, _ := field.Default().Lookup("ka.req.pod.containers.image")
	arg, err := image.NoArg()
	assert.NoError(t, err)
	assert.Equal(t, field.Arg{}, arg)
}
