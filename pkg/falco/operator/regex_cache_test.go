package operator

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExpressionsRemembered: one that is compiled again is the one of before, until there are
// too many; what is wrong stays wrong.
func TestExpressionsRemembered(t *testing.T) {
	first, err := CompileRegex("a[^/]*b")
	require.NoError(t, err)
	again, err := CompileRegex("a[^/]*b")
	require.NoError(t, err)
	assert.Same(t, first, again)
	for range 2 {
		_, err = CompileRegex("a(")
		require.Error(t, err)
	}
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for i := range remembered {
				re, err := CompileRegex(fmt.Sprintf("x%d-%d", w%2, i))
				assert.NoError(t, err)
				assert.True(t, re.MatchString(fmt.Sprintf("x%d-%d", w%2, i)))
			}
		})
	}
	work.Wait()
	assert.LessOrEqual(t, len(compiled.all), remembered)
	long := strings.Repeat("a", longest+1)
	_, err = CompileRegex(long)
	require.NoError(t, err)
	assert.Nil(t, compiled.get(long))
}
