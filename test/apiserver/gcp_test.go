package apiserver

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// logEntries are the examples of GKE's log entries.
func logEntries(t testing.TB) (entries [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpora.Root(t), "pkg", "ingest", "gcp", "testdata", "entries", "*.txtar"))
	require.NoError(t, err)
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ": entry") {
				entries = append(entries, f.Data)
			}
		}
	}
	return entries
}

// accept holds that an event converted from an entry is one by the API server's own types, and says there what it says here.
func accept(t *testing.T, raw []byte) *auditv1.Event {
	t.Helper()
	var want auditv1.Event
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&want), "%s", raw)
	e, err := audit.NewReader(bytes.NewReader(raw), "converted", audit.Limits{}).Next()
	require.NoError(t, err)
	assert.Equal(t, "Event", want.Kind)
	assert.Equal(t, auditv1.SchemeGroupVersion.String(), want.APIVersion)
	assert.True(t, want.StageTimestamp.Time.Equal(e.Time), "%s: %s", e.AuditID, e.Time)
	assert.Contains(t, []auditv1.Level{auditv1.LevelMetadata, auditv1.LevelRequest, auditv1.LevelRequestResponse}, want.Level)
	assert.Contains(t, []auditv1.Stage{auditv1.StageResponseStarted, auditv1.StageResponseComplete}, want.Stage)
	assert.False(t, want.RequestReceivedTimestamp.After(want.StageTimestamp.Time))
	assert.Empty(t, want.User.Groups)
	return &want
}

// native tells whether an entry holds an event as an API server wrote it, which is passed on as it is.
func native(entry []byte) bool {
	v, err := audit.ParseValue(entry)
	return err == nil && !v.Get("protoPayload").Exists() && v.Path("jsonPayload", "kind").Exists()
}

// TestAcceptsWhatIsMadeOfLogEntries decodes converted events into the API server's types.
func TestAcceptsWhatIsMadeOfLogEntries(t *testing.T) {
	n := 0
	for _, entry := range logEntries(t) {
		r, err := gcp.Converter{}.Convert(entry)
		if err != nil || native(entry) {
			continue
		}
		n++
		e, err := audit.NewReader(bytes.NewReader(r.Raw), "converted", audit.Limits{}).Next()
		require.NoError(t, err)
		compare(t, accept(t, r.Raw), e)
	}
	assert.Greater(t, n, 60)
}

// FuzzLogEntries holds the same of any bytes.
func FuzzLogEntries(f *testing.F) {
	for _, entry := range logEntries(f) {
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		if r, err := (gcp.Converter{}).Convert(entry); err == nil && !native(entry) {
			accept(t, r.Raw)
		}
	})
}
