package audit

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestPlain(t *testing.T) {
	for s, want := range map[string]string{
		"web-0":                        "web-0",
		"system:serviceaccount:ci:bot": "system:serviceaccount:ci:bot",
		"jane@example.com":             "jane@example.com",
		"/metrics/":                    "/metrics/",
		"/rules/-":                     "/rules/-",
		"*":                            "*",
		"":                             `""`,
		"jane doe":                     `"jane doe"`,
		"jane:":                        `"jane:"`, // would read as the sentence's own colon
		"-rf":                          `"-rf"`,
		"a,b":                          `"a,b"`,
		"a(person)":                    `"a(person)"`,
		"josé":                         `"josé"`,
		"аdmin":                        `"аdmin"`, // a Cyrillic letter: the quotes tell it from admin
		`a"b`:                          `'a"b'`,
		`a"b'c`:                        `"a\"b'c"`,
		"a\nb":                         `"a\nb"`,
		"a\r\tb":                       `"a\r\tb"`,
		"a\x1b[2Jb":                    `"a\u001b[2Jb"`,
		"a\u202eb":                     `"a\u202eb"`,
		"a\u200bb":                     `"a\u200bb"`,
		"a\u00a0b":                     `"a\u00a0b"`,
		"a\u2028b":                     `"a\u2028b"`,
		"a\u3164b":                     `"a\u3164b"`,
		"a\u2800b":                     `"a\u2800b"`,
		"a\ufe0fb":                     `"a\ufe0fb"`,
		"a\U000e0041b":                 `"a\U000e0041b"`,
		"\u0301a":                      `"\u0301a"`,
		"a\xffb":                       `"a\xffb"`,
		"a\x00b":                       `"a\u0000b"`,
		"a\ufffdb":                     "\"a\ufffdb\"",
		`a\b`:                          `"a\\b"`,
	} {
		assert.Equal(t, want, plain(s), "%q", s)
	}
}

func TestQuoteCuts(t *testing.T) {
	assert.Equal(t, `"abc"`, quote("abc", 3))
	assert.Equal(t, `"abc"…`, quote("abcd", 3))
	assert.Equal(t, `"ab"…`, quote("ab\n", 3), "never in the middle of an escape")
	assert.Equal(t, `"ééé"…`, quote("éééé", 3), "counted in characters")
	assert.Equal(t, `"`+strings.Repeat("a", longName)+`"…`, plain(strings.Repeat("a", longName+1)))
	assert.Equal(t, strings.Repeat("a", longName), plain(strings.Repeat("a", longName)))
}

func TestShell(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"ls", "-la", "/"}, "ls -la /"},
		{[]string{"sh", "-c", "id; ls"}, "sh -c 'id; ls'"},
		{[]string{"echo", ""}, "echo ''"},
		{[]string{"echo", "it's"}, `echo 'it'\''s'`},
		{[]string{"echo", "$HOME"}, "echo '$HOME'"},
	} {
		assert.Equal(t, tt.want, shell(tt.args))
	}
	assert.Less(t, len(shell(make([]string, 1_000_000))), 8*longCommand)
}

func TestClip(t *testing.T) {
	assert.Equal(t, "abcdef", clip("abcdef", 6))
	assert.Equal(t, "ab…", clip("abcdef", 5))
	assert.Equal(t, "é…", clip("ééééé", 6), "never inside a character")
}

// assertSentence holds what every sentence must be.
func assertSentence(t testing.TB, s string) {
	t.Helper()
	if s == "" || len(s) > maxSentence || !utf8.ValidString(s) {
		t.Errorf("a sentence of %d bytes: %q", len(s), s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) || isInvisible(r) {
			t.Errorf("%U does not print in %q", r, s)
		}
	}
}
