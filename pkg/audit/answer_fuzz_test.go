package audit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzAnswer holds, for any JSON at all: no panic, a sentence that is one printable line within its bound, an answer that
// is the same twice, and data that encodes.
func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add(fmt.Appendf(nil, hostileEvent, "patch", "pods", "ephemeralcontainers", "", "201"))
	f.Add([]byte(`{"verb":"get","requestURI":"/api/v1/nodes/n/proxy/exec/a?command=%ff%0a","objectRef":{"resource":"nodes","subresource":"proxy","name":"::::"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := ParseValue(raw); err != nil {
			t.Skip()
		}
		e := Event{Raw: raw}
		a := e.Answer()
		assertSentence(t, a.Sentence())
		if again := e.Answer().Sentence(); again != a.Sentence() {
			t.Errorf("%q, then %q", a.Sentence(), again)
		}
		if _, err := json.Marshal(a); err != nil {
			t.Error(err)
		}
	})
}
