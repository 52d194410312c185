package elastic

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKill holds that a killed server comes back on its port with what it had
// acknowledged, which the tests of a server's death rely on.
func TestKill(t *testing.T) {
	s := server(t)
	doc := s.URL + "/test-kill/_doc/1"
	resp, err := http.Post(doc, "application/json", strings.NewReader(`{"a":1}`))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusCreated, resp.StatusCode)

	s.Kill()
	_, err = http.Get(doc)
	assert.ErrorContains(t, err, "refused")
	require.NoError(t, s.Restart())

	resp, err = http.Get(doc)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
}
