package gcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

var update = flag.Bool("update", false, "write what entries are converted to into testdata/entries")

// example is an entry of testdata/entries.
type example struct {
	name  string // file/name
	entry []byte
	event string // expected, indented; or the error
}

// examples reads the archives of testdata/entries: pairs of files "name: entry" and "name: event".
func examples(t testing.TB) (all []example) {
	t.Helper()
	files, err := filepath.Glob("testdata/entries/*.txtar")
	require.NoError(t, err)
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		require.Zero(t, len(a.Files)%2, file)
		base := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for i := 0; i < len(a.Files); i += 2 {
			name, ok := strings.CutSuffix(a.Files[i].Name, ": entry")
			require.True(t, ok, "%s: %s", file, a.Files[i].Name)
			require.Equal(t, name+": event", a.Files[i+1].Name, file)
			all = append(all, example{base + "/" + name, a.Files[i].Data, string(a.Files[i+1].Data)})
		}
	}
	return all
}

func TestConvert(t *testing.T) {
	all := examples(t)
	require.GreaterOrEqual(t, len(all), 60)
	if *update {
		rewrite(t, all)
	}
	identities := map[audit.Identity]string{}
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) {
			r, err := Converter{}.Convert(x.entry)
			assert.Equal(t, x.event, shown(t, r, err), "look at the difference, then go test ./pkg/ingest/gcp -update")
			if err != nil {
				return
			}
			assert.NotContains(t, identities, r.Identity, "as that of %s", identities[r.Identity])
			identities[r.Identity] = x.name
			e := read(t, r.Raw)
			assert.True(t, r.Time.Equal(e.Time), "%s, not %s", r.Time, e.Time)
		})
	}
}

// read reads an event as every source does.
func read(t testing.TB, raw []byte) *audit.Event {
	t.Helper()
	assert.NotContains(t, string(raw), "\n", "one line")
	e, err := audit.NewReader(bytes.NewReader(raw), "converted", audit.Limits{}).Next()
	require.NoError(t, err)
	assert.Equal(t, len(raw), len(e.Raw))
	requireTyped(t, raw)
	return e
}

// requireTyped holds that the API server's own types take an event, and know each of its members.
func requireTyped(t testing.TB, raw []byte) {
	t.Helper()
	var e auditv1.Event
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&e), "%s", raw)
	assert.NotEmpty(t, e.AuditID)
	assert.Contains(t, []auditv1.Stage{auditv1.StageResponseStarted, auditv1.StageResponseComplete, auditv1.StageRequestReceived, auditv1.StagePanic}, e.Stage)
	assert.Contains(t, []auditv1.Level{auditv1.LevelMetadata, auditv1.LevelRequest, auditv1.LevelRequestResponse}, e.Level)
	assert.False(t, e.RequestReceivedTimestamp.After(e.StageTimestamp.Time))
}

// shown is what a conversion came to, as it stands in the archives.
func shown(t testing.TB, r Result, err error) string {
	t.Helper()
	var other *NotKubernetes
	var bad *Malformed
	switch {
	case errors.As(err, &other), errors.As(err, &bad):
		assert.Empty(t, r)
		return err.Error() + "\n"
	case err != nil:
		t.Fatalf("an error of no kind: %v", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "cluster %q, labels %q, truncated %t\n", r.Cluster, r.Labels, r.Truncated)
	require.NoError(t, json.Indent(&b, r.Raw, "", " "), "%s", r.Raw)
	return b.String() + "\n"
}

func rewrite(t *testing.T, all []example) {
	archives := map[string]*txtar.Archive{}
	for i := range all {
		x := &all[i]
		r, err := Converter{}.Convert(x.entry)
		x.event = shown(t, r, err)
		base, name, _ := strings.Cut(x.name, "/")
		a := archives[base]
		if a == nil {
			a = &txtar.Archive{}
			archives[base] = a
		}
		a.Files = append(a.Files, txtar.File{Name: name + ": entry", Data: x.entry}, txtar.File{Name: name + ": event", Data: []byte(x.event)})
	}
	for base, a := range archives {
		require.NoError(t, os.WriteFile(filepath.Join("testdata", "entries", base+".txtar"), txtar.Format(a), 0o666))
	}
}

// TestDefectOfTheConversion: it is one entry's, which is refused and tells nothing of itself.
func TestDefectOfTheConversion(t *testing.T) {
	raw := []byte(`{"protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.create"},"insertId":"a","timestamp":"2026-01-01T00:00:00Z"}`)
	_, err := Converter{}.Convert(raw)
	require.NoError(t, err)
	sound := rebuilt
	defer func() { rebuilt = sound }()
	rebuilt = func(*entry) []byte { panic("hunter2") }
	_, err = Converter{}.Convert(raw)
	var bad *Malformed
	require.ErrorAs(t, err, &bad)
	assert.Contains(t, err.Error(), "a defect of this program")
	assert.NotContains(t, err.Error(), "hunter2")
	var a Assembler
	made, err := a.Add(raw)
	require.ErrorAs(t, err, &bad)
	assert.Empty(t, made)
}
