package scope

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func TestRequestOf(t *testing.T) {
	for _, tt := range []struct {
		name, event string
		want        Request
	}{
		{"an object in a namespace", `"user":{"username":"jane","groups":["a","b"]},"objectRef":{"resource":"pods","namespace":"shop","name":"web"}`,
			Request{Namespace: "shop", User: "jane", Groups: []string{"a", "b"}, Object: "web"}},
		{"of a create, in an audit log", `"objectRef":{"resource":"pods","namespace":"shop"},"requestObject":{"metadata":{"name":"web"}}`, Request{Namespace: "shop", Object: "web"}},
		{"a namespace", `"objectRef":{"resource":"namespaces","name":"shop"},"requestObject":{"metadata":{"labels":{"env":"prod","odd":1}}}`,
			Request{Namespace: "shop", Object: "shop", Labels: map[string]string{"env": "prod", "odd": ""}}},
		{"a namespace that goes", `"verb":"delete","objectRef":{"resource":"namespaces","name":"shop"},"requestObject":{"kind":"DeleteOptions"},"oldObject":{"metadata":{"labels":{"env":"prod"}}}`,
			Request{Namespace: "shop", Object: "shop", Labels: map[string]string{"env": "prod"}}},
		{"a namespace without its object", `"objectRef":{"resource":"namespaces","name":"shop"}`, Request{Namespace: "shop", Object: "shop"}},
		{"labels are known", `"objectRef":{"resource":"pods","namespace":"shop"},"annotations":{"admission.kubewitness.io/namespace-labels":"{\"env\":\"prod\"}"}`,
			Request{Namespace: "shop", Labels: map[string]string{"env": "prod"}}},
		{"it has none", `"objectRef":{"resource":"pods","namespace":"shop"},"annotations":{"admission.kubewitness.io/namespace-labels":"{}"}`, Request{Namespace: "shop", Labels: map[string]string{}}},
		{"they cannot be known", `"objectRef":{"resource":"pods","namespace":"shop"},"annotations":{"admission.kubewitness.io/namespace-labels":"unknown"}`, Request{Namespace: "shop", Unknown: true}},
		{"nothing in a namespace", `"objectRef":{"resource":"nodes"},"annotations":{"admission.kubewitness.io/namespace-labels":"unknown"}`, Request{}},
		{"namespaces of another group", `"objectRef":{"resource":"namespaces","apiGroup":"x.example","name":"shop"}`, Request{Object: "shop"}},
		{"on behalf of somebody", `"user":{"username":"admin"},"impersonatedUser":{"username":"jane","groups":["dev"]},"objectRef":{"resource":"pods"}`, Request{User: "jane", Groups: []string{"dev"}}},
		{"nothing", `"verb":"get"`, Request{}},
	} {
		e, err := audit.NewReader(strings.NewReader(`{"kind":"Event","apiVersion":"audit.k8s.io/v1",`+tt.event+`,"stageTimestamp":"2026-11-30T12:00:00Z"}`), "test", audit.Limits{}).Next()
		require.NoError(t, err)
		e.Cluster = "prod"
		tt.want.Cluster = "prod"
		assert.Equal(t, tt.want, RequestOf(e), tt.name)
	}
}
