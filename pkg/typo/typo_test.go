package typo

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNearest(t *testing.T) {
	names := []string{"verb", "resource", "namespace"}
	for name, want := range map[string]int{
		"verb": 0, "verbs": 0, "vreb": -1, "resorce": 1, "resources": 1, "name": -1, "namespaec": 2, "": -1, "Verb": 0, "VERB": -1,
		strings.Repeat("v", 65): -1,
	} {
		assert.Equal(t, want, Nearest(name, names, 64), name)
	}
	assert.Equal(t, -1, Nearest("verb", nil, 64))
	assert.Equal(t, 0, Nearest("ab", []string{"ac", "ad"}, 64), "the first of those that are as near")
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 2}, {"same", "same", 0}} {
		assert.Equal(t, tt.want, Distance(tt.a, tt.b, 64))
		assert.Equal(t, tt.want, Distance(tt.b, tt.a, 64))
	}
	long := strings.Repeat("x", 65)
	assert.Equal(t, 65, Distance(long, long, 64), "is not looked at")
	assert.Equal(t, 0, Distance(long, long, 65))
}

// FuzzDistance holds the distance against what it means, word by word.
func FuzzDistance(f *testing.F) {
	f.Add("kitten", "sitting")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 12 {
			return
		}
		assert.Equal(t, slowly(a, b), Distance(a, b, 64))
	})
}

func slowly(a, b string) int {
	switch {
	case a == "" || b == "":
		return len(a) + len(b)
	case a[0] == b[0]:
		return slowly(a[1:], b[1:])
	}
	return 1 + min(slowly(a[1:], b), slowly(a, b[1:]), slowly(a[1:], b[1:]))
}
