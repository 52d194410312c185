package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestResourcePath(t *testing.T) {
	for want, p := range map[string]ResourcePath{
		"/api/v1/pods":                                             {Version: "v1", Resource: "pods"},
		"/api/v1/namespaces/shop/pods/web/exec":                    {Version: "v1", Namespace: "shop", Resource: "pods", Name: "web", Subresource: "exec"},
		"/api/v1/namespaces/shop/finalize":                         {Version: "v1", Namespace: "shop", Resource: "namespaces", Name: "shop", Subresource: "finalize"},
		"/apis/apps/v1/namespaces/shop/deployments":                {Group: "apps", Version: "v1", Namespace: "shop", Resource: "deployments"},
		"/apis/x.io/v1/namespaces/shop/namespaces/a":               {Group: "x.io", Version: "v1", Namespace: "shop", Resource: "namespaces", Name: "a"},
		"/api/v1/nodes/n1/proxy/metrics/a%20b":                     {Version: "v1", Resource: "nodes", Name: "n1", Subresource: "proxy", Tail: "metrics/a b"},
		"/apis/rbac.authorization.k8s.io/v1/roles/a%2Fb":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles", Name: "a/b"},
		"/api/v1/namespaces/shop/services/https:web:443":           {Version: "v1", Namespace: "shop", Resource: "services", Name: "https:web:443"},
		"/apis/rbac.authorization.k8s.io/v1/clusterroles/system:x": {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles", Name: "system:x"},
	} {
		assert.Equal(t, want, p.String())
	}
}
