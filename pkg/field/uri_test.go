package field_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func quote(t testing.TB, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	return string(b)
}

// oddURIs are what clients do not send, and some that they do.
var oddURIs = []string{
	"", "*", "/", "//", "///", "////a?x=1", "?", "/?", "/??", "/a?x=1?x=2", "/a?x=1&", "/a?&&x=1", "?x=1", "a?x=1", "a:b?x=1", "a/b:c?x=1", ":?x=1",
	"//host/a?x=1", "//host?x=1", "//?x=1", "//[::1]:80/a?x=1", "//[::1/a?x=1", "//a b/?x=1", "//u:p@host?x=1", "//%zz/?x=1", "///%41?x=1", "///%4?x=1",
	"http://host/a?x=1", "HTTP:opaque?x=1", "http:?x=1", "http:/a?x=1", "http://h:x/?x=1", "1http://h?x=1", "://h?x=1", "http://[fe80::1%25en0]/?x=1",
	"/a%2Fb?x=1", "/a%2?x=1", "/a%?x=1", "/%?x=1", "/%zz?x=1", "/a+b?x=1", "/a\x00?x=1", "/a\x7f?x=1", "/a?x=\x01", "/a?x=1\n", "/ä?x=ö", "/a b?x=1 2",
	"/a?x=%41", "/a?%78=1", "/a?x=%4", "/a?x=%", "/a?x%=1", "/a?%=1", "/a?y=%zz&x=1", "/a?x=1&y=%zz", "/a?x=%ff", "/a?x=%00", "/a?x=+%2B+", "/a?+x=1", "/a?x+y=1",
	"/a?x=1;y=2", "/a?x=1&y;z", "/a?;x=1", "/a?;", "/a?x=%3B", "/a?x", "/a?x=", "/a?=x", "/a?=", "/a?x==1", "/a?x=1&x=2&X=3", "/a?x=1#x=2", "/a#?x=1", "/a?x=1#%zz",
	"/a?x=1#%41", "/a?x=1#\x00", "#?x=1", "/a?x=1#", "/a?dryRun=All", "/a?dryRun=None&dryRun=All", "/a?dryRun=%41ll", "/a?dry%52un=All&x=1;", "/a?dryRun=all",
	"/exec?command=sh&command=-c&command=cat+%2Fetc%2Fshadow&container=app", "/exec?container=&container=b", "/exec?command=", "/exec?command=%zz&command=id",
}

func TestURIsAsNetURL(t *testing.T) {
	for _, uri := range oddURIs {
		for _, key := range []string{"x", "y", "X", " x", "x y", "", "dryRun", "command"} {
			compareWithNetURL(t, uri, key)
		}
	}
}

// FuzzURI compares everything that is read from URIs with net/url.
func FuzzURI(f *testing.F) {
	for _, uri := range oddURIs {
		f.Add(uri, "x")
	}
	f.Fuzz(func(t *testing.T, uri, key string) {
		if utf8.ValidString(uri) && strings.Count(uri, "&") < 1000 { // net/url has a limit
			compareWithNetURL(t, uri, key)
		}
	})
}

func compareWithNetURL(t *testing.T, uri, key string) {
	t.Helper()
	event := `{"auditID":"a","objectRef":{"resource":"pods","subresource":"exec"},"requestURI":` + quote(t, uri) + `}`
	got := func(written string, strict bool) []string { return extract(t, written, event, strict) }
	beforeFragment, _, _ := strings.Cut(uri, "#")
	_, query, _ := strings.Cut(beforeFragment, "?")
	params, _ := url.ParseQuery(query)

	assert.Equal(t, first(params[key]), got("ka.uri.param["+key+"]", false), "%q of %q", key, uri)
	assert.Equal(t, first(strictParams(uri)[key]), got("ka.uri.param["+key+"]", true), "strict, %q of %q", key, uri)
	assert.Equal(t, params[key], got("kw.uri.params["+key+"]", false), "%q of %q", key, uri)
	assert.Equal(t, params["command"], got("kw.command", false), "%q", uri)
	var line []string
	if words := params["command"]; words != nil {
		line = texts(strings.Join(words, " "))
	}
	assert.Equal(t, line, got("kw.command.line", false), "%q", uri)
	container := first(params["container"])
	if slices.Equal(container, texts("")) {
		container = nil
	}
	assert.Equal(t, container, got("kw.exec.container", false), "%q", uri)
	dry := "false"
	if slices.Contains(params["dryRun"], "All") {
		dry = "true"
	}
	assert.Equal(t, texts(dry), got("kw.dryrun", false), "%q", uri)
	decoded, _, _ := strings.Cut(uri, "?")
	if path, err := url.PathUnescape(decoded); err == nil {
		decoded = path
	}
	assert.Equal(t, texts(decoded), got("kw.uri.path", false), "%q", uri)
}

// strictParams has nothing where any part of the URI can not be read, as in
// Falco.
func strictParams(uri string) url.Values {
	u, err := url.Parse(uri)
	if err != nil {
		return nil
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil
	}
	return params
}

func first(values []string) []string {
	if len(values) == 0 {
		return nil
	}
	return values[:1]
}
