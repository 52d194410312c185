package audit

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, c := range []struct {
		text string
		at   int
		want string
	}{
		{"", 0, `""`},
		{"abc", 3, `"abc"`},
		{"a\x00\xff\n\"", 1, `"a\x00\xff\n\""`},
		{long, 0, `"` + strings.Repeat("é", 20) + `"...`},
		{long, 51, `..."` + strings.Repeat("é", 33) + `"...`},
		{strings.Repeat("\x80", 100), 50, `..."` + strings.Repeat(`\x80`, 72) + `"...`},
	} {
		got := excerpt([]byte(c.text), c.at)
		assert.Equal(t, c.want, got, c.text)
		assert.LessOrEqual(t, len(got), 4*(excerptBefore+excerptAfter+8)+8)
	}
}

func TestRejectionUnwraps(t *testing.T) {
	assert.ErrorIs(t, &Rejection{Err: io.ErrUnexpectedEOF}, io.ErrUnexpectedEOF)
}
