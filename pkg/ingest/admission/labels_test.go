package admission

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// someNamespaces are those of the cluster prod.
type someNamespaces map[string]map[string]string

func (someNamespaces) Watches(cluster string) bool { return cluster == "prod" }

func (s someNamespaces) Labels(_ context.Context, _, name string) (map[string]string, bool) {
	labels, known := s[name]
	return labels, known
}

// TestLabelsOfNamespaces: what becomes of them in the event.
func TestLabelsOfNamespaces(t *testing.T) {
	h := &Handler{cfg: Config{Namespaces: someNamespaces{
		"shop": {"env": "prod", "a": "<b>"}, "bare": {}, "odd": {"x": strings.Repeat("y", maxLabels)},
	}}}
	for _, tt := range []struct{ name, cluster, resource, namespace, want string }{
		{"known", "prod", "pods", "shop", `{"a":"<b>","env":"prod"}`},
		{"none", "prod", "pods", "bare", `{}`},
		{"not known", "prod", "pods", "fresh", "unknown"},
		{"too many", "prod", "pods", "odd", "unknown"},
		{"of a cluster that nobody reads", "lab", "pods", "shop", ""},
		{"of a namespace", "prod", "namespaces", "shop", ""},
		{"in no namespace", "prod", "nodes", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rv, err := readReview([]byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","operation":"UPDATE","name":"web","namespace":"` + tt.namespace +
				`","resource":{"version":"v1","resource":"` + tt.resource + `"},"userInfo":{"username":"jane"},"object":{"kind":"X"}}}`))
			require.NoError(t, err)
			h.lookUp(t.Context(), rv, tt.cluster)
			e, err := rv.event(Origin{Cluster: tt.cluster, Received: noon})
			require.NoError(t, err)
			v := e.Root().Path("annotations", "admission.kubewitness.io/namespace-labels")
			assert.Equal(t, tt.want != "", v.Kind() == audit.String)
			assert.Equal(t, tt.want, text(v))
		})
	}
}
