package operator

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPathPrefix(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          bool
	}{
		{"/api", "/api/v1", true},
		{"/ap", "/api/v1", false},
		{"api", "/api/v1", true},
		{"//api//v1/", "/api/v1/pods", true},
		{"/api/*/namespaces", "/api/v1/namespaces/x", true},
		{"/a/?/c", "/a/b/c", true},
		{"/", "/anything", true},
		{"", "", true},
		{"/a", "", false},
		{"/a/b/c", "/a/b", false},
		{"/*", "/a", true},
		{"create", "create", true},
	} {
		assert.Equal(t, tt.want, PathPrefix(tt.pattern, tt.path), "%q of %q", tt.pattern, tt.path)
	}
}

func TestContainsFold(t *testing.T) {
	assert.True(t, ContainsFold("Alice", "LIC"))
	assert.True(t, ContainsFold("x", ""))
	assert.False(t, ContainsFold("x", "xx"))
	assert.False(t, ContainsFold("éé", "É"), "only ASCII letters fold")
}

func TestFoldsASCIIOnly(t *testing.T) {
	assert.Equal(t, "aé[z", ToLower("Aé[Z"))
	assert.Equal(t, "Aé{Z", ToUpper("aé{z"))
	assert.Equal(t, "a", CutNUL("a\x00b"))
}

func TestRegex(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"al.*", "alice", true},
		{"lic", "alice", false},
		{"^alice$", "alice", true},
		{"l1.l2", "l1\nl2", false},
		{"l1\nl2", "l1\nl2", true},
		{"l1[^x]l2", "l1\nl2", true},
		{"[[:alpha:]]+", "create", true},
		{"a|ab", "ab", true},
		{"é.", "éx", true},
	} {
		re, err := CompileRegex(tt.pattern)
		require.NoError(t, err, tt.pattern)
		assert.Equal(t, tt.want, re.MatchString(tt.s), "%q on %q", tt.pattern, tt.s)
	}
}

func TestRegexErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`\w+`:  `invalid escape sequence: \w`,
		`\d`:   `invalid escape sequence: \d`,
		`cre(`: `missing ): cre(`,
		`a**`:  ``,
		`[a`:   `missing ]: [a`,
		`*`:    `no argument for repetition operator: *`,
		`(?i)`: `no argument for repetition operator: ?`,
	} {
		_, err := CompileRegex(pattern)
		if want == "" {
			require.NoError(t, err, pattern)
			continue
		}
		require.EqualError(t, err, want, pattern)
	}
}
