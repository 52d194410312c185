package rig

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// event is what the tests here ask of an audit event.
type event struct {
	*audit.Event
	Verb string
	URI  string `json:"requestURI"`
	User struct {
		Username string
		Groups   []string
	}
	Ref struct {
		Resource, Subresource, Namespace, Name string
	} `json:"objectRef"`
	Status struct{ Code int } `json:"responseStatus"`
	Rules  []string           `json:"-"` // that tell of it
}

// readLog reads the log of an API server that has ended, and has our rules judge
// every event. Nothing in it may be refused.
func readLog(t *testing.T, path string) []event {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	m := ourRules(t)
	var all []event
	for r := audit.NewReader(f, path, audit.Limits{}); ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, all)
			return all
		}
		require.NoError(t, err, "every line of a real log is an event")
		ev := event{Event: e}
		require.NoError(t, json.Unmarshal(e.Raw, &ev))
		res := m.Match(&field.Context{Event: e, Num: uint64(len(all) + 1), First: e.Time})
		require.Empty(t, res.Faults)
		for _, d := range res.Detections {
			ev.Rules = append(ev.Rules, d.Rule.Name)
		}
		all = append(all, ev)
	}
}

func ourRules(t *testing.T) *match.Matcher {
	t.Helper()
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	return m
}

// of gives the events of one request.
func of(events []event, auditID string) (some []event) {
	for _, e := range events {
		if e.AuditID == auditID {
			some = append(some, e)
		}
	}
	return some
}
