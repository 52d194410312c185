// Package apiserver holds kubewitness against the API server's own audit types.
package apiserver

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestReadsWhatTheAPIServerWrites decodes recorded events into the API
// server's types and compares what kubewitness reads and answers.
func TestReadsWhatTheAPIServerWrites(t *testing.T) {
	f, err := os.Open(filepath.Join(corpora.Root(t), "examples", "sample", "audit.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	n := 0
	for r := audit.NewReader(f, "sample", audit.Limits{}); ; n++ {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		var want auditv1.Event
		require.NoError(t, json.Unmarshal(e.Raw, &want))
		compare(t, &want, e)
	}
	assert.Greater(t, n, 200)
}

func compare(t *testing.T, want *auditv1.Event, e *audit.Event) {
	t.Helper()
	assert.Equal(t, string(want.AuditID), e.AuditID)
	assert.Equal(t, string(want.Stage), e.Stage)
	assert.True(t, want.StageTimestamp.Time.Equal(e.Time), "%s: %s", e.AuditID, e.Time)
	a := e.Answer()
	assert.Equal(t, want.Verb, a.What.Verb)
	assert.Equal(t, want.User.Username, a.Who.Name)
	assert.ElementsMatch(t, want.User.Groups, a.Who.Groups)
	if ref := want.ObjectRef; ref != nil {
		assert.Equal(t, ref.Resource, a.What.Resource)
		assert.Equal(t, ref.Subresource, a.What.Subresource)
		assert.Equal(t, ref.APIGroup, a.What.APIGroup)
		if ref.Name != "" && ref.Subresource != "proxy" { // the answer takes scheme and port apart there
			assert.Equal(t, ref.Name, a.What.Name)
		}
		assert.Equal(t, ref.Namespace, e.Root().Path("objectRef", "namespace").Text())
	}
	if want.ResponseStatus != nil {
		assert.EqualValues(t, want.ResponseStatus.Code, a.What.Code)
	}
}

// TestReadsWhatTheTypesMarshal goes the other way: an EventList as the webhook
// sends it, made of the API server's types.
func TestReadsWhatTheTypesMarshal(t *testing.T) {
	f, err := os.Open(filepath.Join(corpora.Root(t), "examples", "sample", "audit.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	list := auditv1.EventList{}
	list.Kind, list.APIVersion = "EventList", auditv1.SchemeGroupVersion.String()
	for dec := json.NewDecoder(f); dec.More(); {
		var e auditv1.Event
		require.NoError(t, dec.Decode(&e))
		e.Kind, e.APIVersion = "", ""
		list.Items = append(list.Items, e)
	}
	body, err := json.Marshal(&list)
	require.NoError(t, err)
	var b audit.Batch
	b.Decode(body, audit.Position{Input: "body", Line: 1}, audit.Limits{})
	require.Empty(t, b.Rejections)
	require.Len(t, b.Events, len(list.Items))
	for i := range list.Items {
		assert.Equal(t, string(list.Items[i].AuditID), b.Events[i].AuditID)
		assert.True(t, list.Items[i].StageTimestamp.Time.Equal(b.Events[i].Time))
	}
}
