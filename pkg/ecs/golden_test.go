package ecs_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with testdata/name, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./pkg/ecs -update makes it")
	assert.Equal(t, string(want), string(got), "%s; look at the difference, then go test ./pkg/ecs -update", path)
}

func indented(t *testing.T, doc []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Indent(&b, doc, "", "  "), string(doc))
	b.WriteByte('\n')
	return b.Bytes()
}

func options() *ecs.Options {
	return &ecs.Options{Namespace: "prod", EventURL: "https://kubewitness.example/events/", KibanaURL: "https://kibana.example/s/security",
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}
}

// TestGolden shows the documents of written events, ordinary and hostile ones.
func TestGolden(t *testing.T) {
	for _, kind := range []string{"events", "hostile"} {
		for _, e := range readFile(t, filepath.Join("testdata", kind+".jsonl")) {
			t.Run(e.AuditID, func(t *testing.T) {
				doc := ecs.AppendEvent(nil, recordOf(e), options())
				golden(t, filepath.Join("testdata", kind, e.AuditID+".json"), indented(t, doc))
			})
		}
	}
}

func TestGoldenDetection(t *testing.T) {
	r := full(readFile(t, filepath.Join("testdata", "events.jsonl"))[7])
	golden(t, filepath.Join("testdata", "detection.json"), indented(t, ecs.AppendDetection(nil, r, 0, options())))
	golden(t, filepath.Join("testdata", "detected.json"), indented(t, ecs.AppendEvent(nil, r, options())))
	golden(t, filepath.Join("testdata", "reduced.json"), indented(t, ecs.AppendReduced(nil, r, options(), "it was refused: \xff")))
}
