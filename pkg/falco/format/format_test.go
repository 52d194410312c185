package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

type fields map[string]condition.FieldInfo

func (f fields) Field(name string) (condition.FieldInfo, bool) {
	info, ok := f[name]
	info.Name = name
	return info, ok
}

var testFields = fields{
	"ka.verb":      {},
	"ka.user.name": {},
	"ka.groups":    {List: true},
	"ka.uri.param": {ArgRequired: true, ArgAllowed: true},
	"ka.image":     {List: true, ArgAllowed: true, ArgIndex: true},
	"evt.time":     {Type: condition.TypeAbsTime},
	"evt.time.s":   {Type: condition.TypeAbsTime},
	"jevt.value":   {ArgRequired: true, ArgAllowed: true},
}

// show prints segments: text as it is, operands as <width:operand>.
func show(f *Format) string {
	var b strings.Builder
	for _, s := range f.Segments {
		switch {
		case s.Operand == nil:
			b.WriteString(s.Text)
		case s.Width > 0:
			b.WriteString("<" + string(rune('0'+s.Width%10)) + ":" + s.Operand.String() + ">")
		default:
			b.WriteString("<" + s.Operand.String() + ">")
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ src, want, fields string }{
		{"plain", "plain", ""},
		{"", "", ""},
		{"  a %ka.verb b \n", "a <ka.verb> b", "ka.verb"},
		{"%ka.verb%ka.user.name", "<ka.verb><ka.user.name>", "ka.verb ka.user.name"},
		{"(u=%ka.user.name v=%ka.verb.)", "(u=<ka.user.name> v=<ka.verb>.)", "ka.user.name ka.verb"},
		{"%ka.user.namex", "<ka.user.name>x", "ka.user.name"},
		{"%ka.groups[0]", "<ka.groups>[0]", "ka.groups"},
		{"%ka.image[0]", "<ka.image[0]>", "ka.image[0]"},
		{"%ka.image[x]", "<ka.image>[x]", "ka.image"},
		{"%ka.uri.param[limit] %ka.uri.param[\"a b\"]", `<ka.uri.param[limit]> <ka.uri.param["a b"]>`, "ka.uri.param[limit] ka.uri.param[a b]"},
		{"%jevt.value[/user/username]!", "<jevt.value[/user/username]>!", "jevt.value[/user/username]"},
		{"%8ka.verb|", "<8:ka.verb>|", "ka.verb"},
		{"%toupper(ka.verb) %ka.verb", "<toupper(ka.verb)> <ka.verb>", "ka.verb"},
		{"%concat(ka.verb, \"-\", ka.user.name)", `<concat(ka.verb, "-", ka.user.name)>`, "ka.verb ka.user.name"},
		{"%evt.time.s %evt.time.x", "<evt.time.s> <evt.time>.x", "evt.time.s evt.time"},
	} {
		f, err := Parse(tt.src, testFields)
		require.NoError(t, err, tt.src)
		assert.Equal(t, tt.want, show(f), tt.src)
		var keys []string
		for _, fl := range f.Fields {
			keys = append(keys, Key(fl))
		}
		assert.Equal(t, tt.fields, strings.Join(keys, " "), tt.src)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		src, msg string
		offset   int
		unknown  bool
	}{
		{"100%", "invalid formatting syntax: formatting cannot end with a %", 3, false},
		{"a %20", "invalid formatting syntax: formatting cannot end with a number", 2, false},
		{"%%", "unknown filter: empty formatting token", 1, true},
		{"a % b", "unknown filter: empty formatting token", 3, true},
		{"%ka.nosuch x", "unknown filter: ka.nosuch", 1, true},
		{"%ka.uri.param", "unknown filter: ka.uri.param", 1, true},
		{"%toupper(ka.nosuch)", "unknown filter: toupper(ka.nosuch)", 1, true},
		{"%proc.name", "unknown filter: proc.name", 1, true},
		{"%99999999999ka.verb", "invalid formatting syntax: width above 65536", 0, false},
	} {
		_, err := Parse(tt.src, testFields)
		var fe *Error
		require.ErrorAs(t, err, &fe, tt.src)
		assert.Equal(t, tt.msg, fe.Msg, tt.src)
		assert.Equal(t, tt.offset, fe.Offset, tt.src)
		assert.Equal(t, tt.unknown, fe.UnknownField, tt.src)
	}
}

func TestCutNamesAreTold(t *testing.T) {
	f, err := Parse("%ka.verbose %ka.verb. %ka.verb, %ka.groups[0]", testFields)
	require.NoError(t, err)
	var msgs []string
	for _, w := range f.Warnings {
		msgs = append(msgs, w.Msg)
	}
	assert.Equal(t, []string{
		"'%ka.verbose' is no field: it prints the field 'ka.verb' followed by the text 'ose'",
		"'%ka.groups[' is no field: it prints the field 'ka.groups' followed by the text '['",
	}, msgs)
}

// FuzzParse: nothing of an output string is lost: its segments, printed in
// Falco's notation, read back as the same segments.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a %ka.verb", "%20ka.verb%ka.uri.param[x]", "%toupper(ka.verb)x", "%ka.verbose", "100%", "%ka.groups[0]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		got, err := Parse(src, testFields)
		if err != nil {
			var fe *Error
			require.ErrorAs(t, err, &fe)
			require.LessOrEqual(t, fe.Offset, len(src))
			return
		}
		text := 0
		for _, s := range got.Segments {
			text += len(s.Text)
		}
		require.LessOrEqual(t, text, len(src))
		if len(got.Segments) == 1 && got.Segments[0].Operand == nil {
			require.Equal(t, strings.TrimSpace(src), got.Segments[0].Text)
		}
		again, err := Parse(got.Source, testFields)
		require.NoError(t, err)
		require.Equal(t, show(got), show(again))
	})
}
