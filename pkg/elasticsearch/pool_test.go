package elasticsearch

import (
	"net/url"
	"testing"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPool(t *testing.T) {
	now := noon
	conns := []*elastictransport.Connection{{URL: &url.URL{Host: "a"}}, {URL: &url.URL{Host: "b"}}, {URL: &url.URL{Host: "c"}}}
	p := newPool(conns, func() time.Time { return now })
	take := func(n int) (hosts string) {
		for range n {
			c, err := p.Next()
			require.NoError(t, err)
			hosts += c.URL.Host
		}
		return hosts
	}
	assert.Equal(t, "abcabc", take(6), "in turn")

	require.NoError(t, p.OnFailure(conns[1]))
	assert.Equal(t, "acac", take(4), "b is left out")
	now = now.Add(leastOut)
	assert.Equal(t, "abc", take(3), "for a second")

	require.NoError(t, p.OnFailure(conns[1]))
	now = now.Add(leastOut)
	assert.Equal(t, "acac", take(4), "a second failure counts more")
	now = now.Add(leastOut)
	assert.Equal(t, "abc", take(3))

	require.NoError(t, p.OnSuccess(conns[1]))
	require.NoError(t, p.OnFailure(conns[1]))
	now = now.Add(leastOut)
	assert.Equal(t, "abc", take(3), "a success forgets failures")

	for range 100 {
		require.NoError(t, p.OnFailure(conns[0]))
	}
	require.NoError(t, p.OnFailure(conns[1]))
	require.NoError(t, p.OnFailure(conns[2]))
	require.NoError(t, p.OnFailure(conns[2]))
	assert.Equal(t, "b", take(1), "all are out: the one that is back first")
	now = now.Add(mostOut)
	assert.Equal(t, "cab", take(3), "nobody for longer than a minute")
	assert.Len(t, p.URLs(), 3)
}
