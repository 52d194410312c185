package kibana_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/kibana"
)

var at9 = time.Date(2026, 11, 21, 9, 0, 0, 123456789, time.UTC)

func TestDiscover(t *testing.T) {
	got := kibana.Discover("https://kibana.example/base/s/sec/", kibana.Events, `user.name: "o'neil!"`, at9, at9.Add(time.Hour))
	assert.Equal(t, "https://kibana.example/base/s/sec/app/discover#/?_g=%28time%3A%28from%3A%272026-11-21T09%3A00%3A00.123Z%27%2Cto%3A%272026-11-21T10%3A00%3A00.123Z%27%29%29"+
		"&_a=%28index%3A%27kubewitness-events%27%2Cquery%3A%28language%3A%27kuery%27%2Cquery%3A%27user.name%3A%20%22o%21%27neil%21%21%22%27%29%29", got)
}

func TestEvent(t *testing.T) {
	state := appState(t, kibana.Event("http://k", "0a\" or *", at9))
	assert.Equal(t, map[string]any{"index": "kubewitness-events", "query": map[string]any{"language": "kuery", "query": `kubewitness.id: "0a\" or *"`}}, state)
}

func TestPage(t *testing.T) {
	assert.Equal(t, "https://k/app/dashboards#/view/kubewitness-overview", kibana.Dashboards()[0].Page("https://k/"))
}

func TestQuote(t *testing.T) {
	assert.Equal(t, `"a\"b\\c*"`, kibana.Quote(`a"b\c*`))
}

// FuzzDiscover holds that whatever a query holds is one value of the link: Kibana reads
// back the same, and nothing of it gets out.
func FuzzDiscover(f *testing.F) {
	for _, s := range []string{"", "a: b", `'),filters:!(),x:('`, "!'", "!!", "a&_a=(index:x)", "#/?_g=()", "%27", "a+b c", "\x00\n", "日本", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		link := kibana.Discover("https://kibana.example", kibana.Detections, query, at9, at9)
		for i := range len(link) {
			require.True(t, link[i] > ' ' && link[i] < 0x7f && !strings.ContainsRune(`"<>'`, rune(link[i])), "%q at %d", link[i], i)
		}
		assert.Equal(t, map[string]any{
			"index": "kubewitness-detections", "query": map[string]any{"language": "kuery", "query": strings.ToValidUTF8(query, "\uFFFD")},
		}, appState(t, link))
	})
}

// appState reads a link as Kibana does.
func appState(t *testing.T, link string) map[string]any {
	t.Helper()
	u, err := url.Parse(link)
	require.NoError(t, err)
	hash := strings.SplitN(link, "#/?", 2)
	require.Len(t, hash, 2)
	values, err := url.ParseQuery(hash[1])
	require.NoError(t, err)
	require.Len(t, values, 2)
	require.Len(t, values["_a"], 1)
	require.Len(t, values["_g"], 1)
	assert.True(t, strings.HasSuffix(u.Path, "/app/discover"), u.Path)
	r := reader{rest: values.Get("_a")}
	state := r.object(t)
	require.Empty(t, r.rest)
	return state
}

// reader reads Rison with objects and strings in quotes.
type reader struct{ rest string }

func (r *reader) take(t *testing.T, s string) {
	t.Helper()
	rest, ok := strings.CutPrefix(r.rest, s)
	require.True(t, ok, "%q does not begin with %q", r.rest, s)
	r.rest = rest
}

func (r *reader) object(t *testing.T) map[string]any {
	t.Helper()
	members := map[string]any{}
	r.take(t, "(")
	for {
		key, rest, ok := strings.Cut(r.rest, ":")
		require.True(t, ok)
		r.rest = rest
		if strings.HasPrefix(r.rest, "(") {
			members[key] = r.object(t)
		} else {
			members[key] = r.text(t)
		}
		if strings.HasPrefix(r.rest, ")") {
			r.take(t, ")")
			return members
		}
		r.take(t, ",")
	}
}

func (r *reader) text(t *testing.T) string {
	t.Helper()
	r.take(t, "'")
	var b strings.Builder
	for {
		require.NotEmpty(t, r.rest, "a string that does not end")
		c, size := utf8.DecodeRuneInString(r.rest)
		r.rest = r.rest[size:]
		switch c {
		case '\'':
			return b.String()
		case '!':
			c, size = utf8.DecodeRuneInString(r.rest)
			require.Contains(t, "!'", fmt.Sprintf("%c", c), "what a string may escape")
			r.rest = r.rest[size:]
		}
		b.WriteRune(c)
	}
}
