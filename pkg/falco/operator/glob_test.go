package operator

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		fold, want bool
	}{
		{"", "", false, true},
		{"", "a", false, false},
		{"*", "", false, true},
		{"*", "a/b\nc", false, true},
		{"/api/*", "/api/v1/pods", false, true},
		{"cr?ate", "create", false, true},
		{"cr?ate", "crate", false, false},
		{"[a-d]reate", "create", false, true},
		{"[!a-d]reate", "create", false, false},
		{"[^a-d]reate", "xreate", false, true},
		{"[]a]x", "]x", false, true},
		{"[!]a]x", "]x", false, false},
		{"[a-]x", "-x", false, true},
		{"[[:alpha:]_]x", "_x", false, true},
		{"[[:digit:]]", "7", false, true},
		{"[[:nosuch:]]", "7", false, false},
		{"[a", "[a", false, true},
		{`a\*b`, "a*b", false, true},
		{`a\*b`, "axb", false, false},
		{`a\\b`, `a\b`, false, true},
		{`[\]]`, "]", false, true},
		{`a\`, `a\`, false, false},
		{"CRE*", "create", false, false},
		{"CRE*", "create", true, true},
		{"[A-C]x", "bX", true, true},
		{"[[:upper:]]", "b", true, true},
		{"??", "é", false, true}, // bytes, as in the C locale
		{"?", "é", false, false},
		{"*a*b*c*", "xxaxxbxxcxx", false, true},
		{"{a,b}", "a", false, false},
	} {
		assert.Equal(t, tt.want, Glob(tt.pattern, tt.s, tt.fold), "%q against %q, fold %v", tt.pattern, tt.s, tt.fold)
	}
}

// A pattern of many stars must not take time exponential in their number.
func TestGlobIsBounded(t *testing.T) {
	assert.False(t, Glob(strings.Repeat("a*", 40)+"b", strings.Repeat("a", 4000), false))
}

// FuzzGlob holds Glob against an obviously right recursive reading of the same
// rules, brackets left out.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?", "axxbz")
	f.Add(`\**`, "*x")
	f.Add("[[:alpha:]-z]*", "a-")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		_ = Glob(pattern, s, true) // must end, whatever it says
		if strings.Contains(pattern, "[") || strings.Count(pattern, "*") > 6 || len(s) > 40 {
			return
		}
		require.Equal(t, naiveGlob(pattern, s), Glob(pattern, s, false), "%q against %q", pattern, s)
	})
}

func naiveGlob(p, s string) bool {
	if p == "" {
		return s == ""
	}
	switch {
	case p[0] == '*':
		return naiveGlob(p[1:], s) || s != "" && naiveGlob(p, s[1:])
	case s == "":
		return false
	case p[0] == '?':
		return naiveGlob(p[1:], s[1:])
	case p[0] == '\\':
		return len(p) > 1 && p[1] == s[0] && naiveGlob(p[2:], s[1:])
	}
	return p[0] == s[0] && naiveGlob(p[1:], s[1:])
}

// The C library itself is the reference where Python is at hand to ask it.
func TestGlobAsLibc(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to call fnmatch(3) with")
	}
	const script = `
import ctypes, sys
libc = ctypes.CDLL(None)
for line in sys.stdin.read().split("\n"):
    p, s = line.split("\t")
    print(0 if libc.fnmatch(p.encode(), s.encode(), 0) else 1)
`
	patterns := []string{
		"a*", "*a", "[ab]*", "[!a]?", "[^a]?", "[a-", "[]]", "[]-a]", `\a\b`, `[\]a]`, "[[:alpha:]]", "[[:punct:]]x", "a[b",
		"[a-c-e]", "[!!]", "[a\\", "*?*", "a**b", "[c-a]", "[!]]", "[[:digit:]-]", "a\\", "[\\a-\\c]", "?[", "[[]", "[]",
	}
	texts := []string{"", "a", "ab", "b", "]", "-", "a[b", "[a-", "!", "x", ".x", "d", "aXb", "[a\\", "`", "^x", "c", "e", "[", "a[", "5", "[]", "a\\"}
	var in []string
	for _, p := range patterns {
		for _, s := range texts {
			in = append(in, p+"\t"+s)
		}
	}
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin = strings.NewReader(strings.Join(in, "\n"))
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("fnmatch(3) can not be called: %v", err)
	}
	want := strings.Fields(string(out))
	require.Len(t, want, len(in))
	for i, p := range patterns {
		for j, s := range texts {
			assert.Equal(t, want[i*len(texts)+j] == "1", Glob(p, s, false), "%q against %q", p, s)
		}
	}
}
