package indices_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/indices"
)

var everything = []string{
	"/_component_template/kubewitness-prod@settings",
	"/_component_template/kubewitness-events-prod@mappings", "/_component_template/kubewitness-detections-prod@mappings",
	"/_index_template/kubewitness-events-prod", "/_index_template/kubewitness-detections-prod",
	"/_data_stream/logs-kubernetes.audit_logs-prod", "/_data_stream/logs-kubewitness.detections-prod",
}

func TestRunWithILM(t *testing.T) {
	c := &cluster{t: t, version: "8.13.0", ilm: true}
	s := c.setup("prod")
	steps, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, append([]string{"/_ilm/policy/kubewitness-prod"}, everything...), c.taken())
	assert.Equal(t, indices.Step{What: "ILM policy kubewitness-prod", Deed: indices.Created}, steps[0])
	assert.Contains(t, string(c.have["/_component_template/kubewitness-prod@settings"]), `"name": "kubewitness-prod"`)

	steps, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Empty(t, c.taken(), "again")
	for _, step := range steps {
		assert.Equal(t, indices.Unchanged, step.Deed, step.What)
	}

	s.Options.Retention = 90 * 24 * time.Hour
	steps, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"/_ilm/policy/kubewitness-prod"}, c.taken(), "another retention")
	assert.Equal(t, indices.Step{What: "ILM policy kubewitness-prod", Deed: indices.Updated}, steps[0])
	assert.JSONEq(t, `{"policy":{"_meta":{"managed_by":"kubewitness","kubewitness":{"version":1,"retention":"90d"}},"phases":{
		"hot":{"actions":{"rollover":{"max_primary_shard_size":"50gb","max_age":"9d"}}},
		"delete":{"min_age":"90d","actions":{"delete":{}}}}}}`, string(c.have["/_ilm/policy/kubewitness-prod"]))

	s.Options.Retention = 0
	_, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"/_ilm/policy/kubewitness-prod"}, c.taken(), "nothing is deleted any more")
	assert.NotContains(t, string(c.have["/_ilm/policy/kubewitness-prod"]), `"delete"`)
}

func TestRunWithLifecycle(t *testing.T) {
	c := &cluster{t: t, version: "8.15.0", lifecycle: true}
	s := c.setup("prod")
	s.Options.Retention = 36 * time.Hour
	steps, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, everything, c.taken())
	assert.Equal(t, indices.Step{What: "ILM policy", Deed: indices.Left,
		Why: "the server has no index lifecycle management; the data streams' own lifecycle takes its place"}, steps[0])
	var template struct{ Template json.RawMessage }
	require.NoError(t, json.Unmarshal(c.have["/_index_template/kubewitness-events-prod"], &template))
	assert.JSONEq(t, `{"lifecycle":{"data_retention":"36h"}}`, string(template.Template))
	assert.NotContains(t, string(c.have["/_component_template/kubewitness-prod@settings"]), "lifecycle")
	c.taken()

	s.Options.Retention = 0
	_, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"/_index_template/kubewitness-events-prod", "/_index_template/kubewitness-detections-prod"}, c.taken(), "for ever")
}

func TestRunWithNeither(t *testing.T) {
	steps, err := (&cluster{t: t, version: "8.19.13"}).setup("prod").Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, indices.Left, steps[0].Deed)
	assert.Contains(t, steps[0].Why, "roll over and delete old indices yourself")
}

// TestRunWithGCPAudit puts up the third stream where it is asked for, with a template that
// gives way to the one of Elastic's integration.
func TestRunWithGCPAudit(t *testing.T) {
	c := &cluster{t: t, version: "8.19.13"}
	s := c.setup("prod")
	s.Options.GCPAudit = true
	_, err := s.Run(t.Context())
	require.NoError(t, err)
	entries := []string{"/_component_template/kubewitness-gcp-prod@mappings", "/_index_template/kubewitness-gcp-prod", "/_data_stream/logs-gcp.audit-prod"}
	assert.ElementsMatch(t, append(entries, everything...), c.taken())
	var template struct{ Priority int }
	require.NoError(t, json.Unmarshal(c.have["/_index_template/kubewitness-gcp-prod"], &template))
	assert.Greater(t, template.Priority, 100, "the server's own for all logs")
	assert.Less(t, template.Priority, 200, "those of integrations")
	assert.NoError(t, s.Missing(t.Context(), "logs-gcp.audit-prod"))

	_, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Empty(t, c.taken(), "again")
}

// TestRunBesideElasticsIntegration leaves the stream of entries to the template of
// Elastic's integration for Google Cloud where that is installed, before or since.
func TestRunBesideElasticsIntegration(t *testing.T) {
	c := &cluster{t: t, version: "8.19.13"}
	s := c.setup("prod")
	s.Options.GCPAudit = true
	require.EqualError(t, s.Missing(t.Context(), "logs-gcp.audit-prod"),
		"neither the data stream logs-gcp.audit-prod nor its index template kubewitness-gcp-prod is there; run kubewitness elastic setup")
	c.have["/_index_template/logs-gcp.audit"] = json.RawMessage(`{"priority":200}`)
	assert.NoError(t, s.Missing(t.Context(), "logs-gcp.audit-prod"))
	steps, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, append(slices.Clone(everything), "/_data_stream/logs-gcp.audit-prod"), c.taken(), "no template of ours for it")
	assert.Contains(t, steps, indices.Step{What: "index template logs-gcp.audit", Deed: indices.Left,
		Why: "it is that of Elastic's integration for Google Cloud, and logs-gcp.audit-prod is made of it"})
	steps, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Empty(t, c.taken(), "again, and nothing is rolled over")
	assert.Contains(t, steps, indices.Step{What: "data stream logs-gcp.audit-prod", Deed: indices.Unchanged})
	for _, f := range s.Check(t.Context()) {
		assert.NotContains(t, f.Text, "gcp")
	}
	delete(c.have, "/_index_template/logs-gcp.audit")
	var told []string
	for _, f := range s.Check(t.Context()) {
		told = append(told, f.Text)
	}
	assert.Contains(t, told, "the index template kubewitness-gcp-prod is not there; run kubewitness elastic setup", "somebody took the integration away")
}

func TestRunRefused(t *testing.T) {
	tests := []struct {
		name string
		c    *cluster
		ns   string
		want string
	}{
		{"old", &cluster{version: "8.12.2"}, "prod", "the cluster is Elasticsearch 8.12.2, which is too old; 8.13 or newer is needed"},
		{"older", &cluster{version: "7.17.0"}, "prod", "the cluster is Elasticsearch 7.17.0, which is too old; 8.13 or newer is needed"},
		{"without rights", &cluster{version: "9.0.0", ilm: true, missing: []string{"manage_ilm", "manage"}}, "prod",
			"whoever asks may not set up; missing: manage_ilm on the cluster, manage on logs-kubernetes.audit_logs-prod, manage on logs-kubewitness.detections-prod. The role kubewitness-setup that setup --print writes has these rights"},
		{"namespace", &cluster{version: "8.19.0"}, "a-b", `namespace "a-b": write lower-case letters, digits, _ and ., 100 at most`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.t = t
			_, err := tt.c.setup(tt.ns).Run(t.Context())
			assert.EqualError(t, err, tt.want)
			assert.Empty(t, tt.c.taken(), "nothing was put up")
		})
	}
}

// TestRunLeavesNewer holds that an old program does not undo what a new one put up.
func TestRunLeavesNewer(t *testing.T) {
	c := &cluster{t: t, version: "8.19.13", ilm: true}
	s := c.setup("prod")
	c.have["/_index_template/kubewitness-events-prod"] = json.RawMessage(`{"_meta":{"kubewitness":{"version":7}}}`)
	c.have["/_ilm/policy/kubewitness-prod"] = json.RawMessage(`{"policy":{"_meta":{"kubewitness":{"version":7}},"phases":{}}}`)
	steps, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, c.taken(), "/_index_template/kubewitness-events-prod")
	assert.Equal(t, indices.Step{What: "ILM policy kubewitness-prod", Deed: indices.Left, Why: "it is of version 7, and this program knows 1"}, steps[0])
}

func TestCheckOld(t *testing.T) {
	found := (&cluster{t: t, version: "8.2.3"}).setup("prod").Check(t.Context())
	assert.Equal(t, []indices.Finding{{Problem: true, Text: "the cluster is Elasticsearch 8.2.3, which is too old; 8.13 or newer is needed"}}, found)
}

func TestValidate(t *testing.T) {
	good := indices.Options{Namespace: "prod_1.eu", Replicas: indices.AutoReplicas, Refresh: time.Second, Retention: 24 * time.Hour}
	require.NoError(t, good.Validate())
	tests := []struct {
		name string
		set  func(*indices.Options)
		want string
	}{
		{"no namespace", func(o *indices.Options) { o.Namespace = "" }, "lower-case letters"},
		{"path", func(o *indices.Options) { o.Namespace = "a/../b" }, "lower-case letters"},
		{"upper case", func(o *indices.Options) { o.Namespace = "Prod" }, "lower-case letters"},
		{"hyphen", func(o *indices.Options) { o.Namespace = "prod-eu" }, "lower-case letters"},
		{"replicas", func(o *indices.Options) { o.Replicas = -2 }, "-2 replicas"},
		{"refresh", func(o *indices.Options) { o.Refresh = 1500 * time.Millisecond }, "whole seconds"},
		{"retention", func(o *indices.Options) { o.Retention = 90 * time.Minute }, "whole hours"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.set(&o)
			assert.ErrorContains(t, o.Validate(), tt.want)
			_, err := o.Files()
			assert.Error(t, err)
		})
	}
}
