package indices_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/indices"
	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write deploy/elasticsearch/*.json")

// TestDeploy holds that deploy/elasticsearch has what `kubewitness elastic setup --print`
// prints, that its README says where each file goes, and that nothing else lies there.
func TestDeploy(t *testing.T) {
	dir := filepath.Join(corpora.Root(t), "deploy", "elasticsearch")
	o := indices.Options{Namespace: "kubewitness", Replicas: indices.AutoReplicas, GCPAudit: true}
	files, err := o.Files()
	require.NoError(t, err)
	if *update {
		for name, content := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
		}
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		committed, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.True(t, string(committed) == string(files[name]), "%s is not what setup prints; run go test ./pkg/indices -update", name)
		assert.True(t, json.Valid(committed), name)
		assert.Contains(t, string(readme), name)
	}
	there, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	assert.Len(t, there, len(files), "a file that nobody prints")
}

// TestRoom holds that the limit of fields has room for all of them and for some more.
func TestRoom(t *testing.T) {
	o := indices.Options{Namespace: "kubewitness", Replicas: indices.AutoReplicas, GCPAudit: true}
	files, err := o.Files()
	require.NoError(t, err)
	for file, dataset := range map[string]string{
		"component-template-events.json": ecs.AuditLogs, "component-template-detections.json": ecs.Detections, "component-template-gcp.json": ecs.GCPAudit,
	} {
		var body struct {
			Template struct {
				Settings struct {
					Index struct {
						Mapping struct {
							TotalFields struct {
								Limit int `json:",string"`
							} `json:"total_fields"`
						}
						Query struct {
							Default []string `json:"default_field"`
						}
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal(files[file], &body))
		fields, types := 0, map[string]string{}
		for _, f := range ecs.FieldsOf(dataset) {
			fields++
			types[f.Name] = f.Type
		}
		require.NotZero(t, fields)
		index := body.Template.Settings.Index
		assert.Greater(t, index.Mapping.TotalFields.Limit, fields+200, file)
		assert.GreaterOrEqual(t, len(index.Query.Default), 8, "fields that words are looked for in")
		for _, name := range index.Query.Default {
			assert.Contains(t, []string{"keyword", "text"}, types[name], "%s in %s", name, file)
		}
	}
}
