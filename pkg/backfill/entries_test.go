package backfill_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/backfill"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
)

// entry is a log entry of a cluster. pad changes its bytes, and nothing that counts.
func entry(id, cluster, pad string) string {
	return fmt.Sprintf(`{"insertId":%q,"timestamp":%q,%s"resource":{"labels":{"cluster_name":%q,"project_id":"acme"}},"protoPayload":{"serviceName":"k8s.io",`+
		`"methodName":"io.k8s.core.v1.pods.get","resourceName":"core/v1/namespaces/shop/pods/web"}}`, id, now.Add(-time.Hour).UTC().Format(time.RFC3339Nano), pad, cluster) + "\n"
}

// TestImportEntries: an event is of the cluster that its entry tells, unless that is
// known better, and its identity is the entry's.
func TestImportEntries(t *testing.T) {
	text := entry("e1", "shop-eu", "") + entry("e2", "shop-eu", "") + entry("e3", "shop-us", "") + event(1, "get") + "\n" + entry("e4", "shop-eu", "")
	s := open(t, t.TempDir())
	cfg := config(t, s)
	cfg.Cluster, cfg.Entries = "", new(gcp.Stream)
	sum, err := backfill.Run(t.Context(), cfg, stream(text))
	require.NoError(t, err)
	assert.EqualValues(t, 5, sum.Events)
	assert.Zero(t, sum.Known)
	got := stored(t, s)
	for id, cluster := range map[string]string{"e1": "shop-eu", "e2": "shop-eu", "e3": "shop-us", "e4": "shop-eu", "a-1": ""} {
		require.Contains(t, got, id)
		assert.Equal(t, cluster, got[id].Event.Cluster, id)
		labels := map[string]string{"env": "test"}
		if cluster != "" {
			labels["cluster_name"], labels["project_id"] = cluster, "acme"
		}
		assert.Equal(t, labels, got[id].Labels, id)
	}
	want, err := gcp.Converter{}.Convert([]byte(entry("e1", "shop-eu", "")))
	require.NoError(t, err)
	assert.Equal(t, want.Identity, got["e1"].ID)

	// Told otherwise, it is the same entry.
	cfg.Entries = new(gcp.Stream)
	sum, err = backfill.Run(t.Context(), cfg, stream(entry("e1", "shop-eu", `"labels":{"a":"b"},`)))
	require.NoError(t, err)
	assert.EqualValues(t, 1, sum.Known)

	// A cluster that is named counts.
	s = open(t, t.TempDir())
	cfg = config(t, s)
	cfg.Entries = new(gcp.Stream)
	_, err = backfill.Run(t.Context(), cfg, stream(entry("e1", "shop-eu", "")))
	require.NoError(t, err)
	assert.Equal(t, "prod", stored(t, s)["e1"].Event.Cluster)
}
