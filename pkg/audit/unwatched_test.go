package audit

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUnwatched: a time without the service is told as what it is, and no request can pass for one.
func TestUnwatched(t *testing.T) {
	const event = `{"kind":"Event","auditID":"a","stage":"ResponseComplete","user":{"username":"kubewitness"}%s,"requestReceivedTimestamp":"2026-11-30T10:00:00Z",` +
		`"stageTimestamp":"2026-11-30T10:03:10Z","annotations":{"kubewitness.io/unwatched-from":"2026-11-30T10:00:00Z","kubewitness.io/unwatched-why":%q}}`
	told := func(more, why string) Answer {
		e, err := Converted{Raw: fmt.Appendf(nil, event, more, why), Cluster: "prod"}.Event()
		require.NoError(t, err)
		return e.Answer()
	}
	const begin = "kubewitness was not watching cluster prod from 2026-11-30T10:00:00Z to 2026-11-30T10:03:10Z (3m10s)"
	for why, middle := range map[string]string{UnwatchedStopped: ", since it was stopped", UnwatchedDied: ", since it, or its machine, had died", "else": ""} {
		a := told("", why)
		assert.Equal(t, begin+middle+": what admission let pass meanwhile was not seen", a.Sentence())
		assert.Equal(t, ActionUnwatched, a.What.Action)
	}
	for _, request := range []string{`,"verb":"delete"`, `,"requestURI":"/api"`} {
		assert.NotContains(t, told(request, UnwatchedDied).Sentence(), "not watching", request)
	}
}
