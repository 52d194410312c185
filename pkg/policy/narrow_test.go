package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/policy"
)

// TestOneOfSeveralWays is about rules that a request can meet in more than one way, where the policy does not tell of one.
func TestOneOfSeveralWays(t *testing.T) {
	for _, tt := range []struct {
		name, condition string
		source          *policy.Source
		want            policy.Status
		clause, needs   string
	}{
		{"by its contents or its name", `ka.target.resource = configmaps and ka.verb = create and (ka.req.configmap.obj contains ransom or ka.target.name = note)`,
			sources()["metadata"], policy.Partly, "ka.req.configmap.obj contains ransom", "Request"},
		{"by its contents alone", `ka.target.resource = configmaps and ka.verb = create and ka.req.configmap.obj contains ransom`,
			sources()["metadata"], policy.Blind, "ka.req.configmap.obj contains ransom", "Request"},
		{"by its contents where they are there", `ka.target.resource = configmaps and ka.verb = create and (ka.req.configmap.obj contains ransom or not ka.req.configmap.obj exists)`,
			sources()["metadata"], policy.Sees, "", ""},
		{"in a term of a term", `ka.target.resource = pods and (ka.verb = delete or (ka.verb = create and (ka.target.name = a or jevt.value[/responseObject/spec/nodeName] = b)))`,
			policy.APIServer(mustLoad(t, "rules: [{level: Request}]")), policy.Partly, "jevt.value[/responseObject/spec/nodeName] = b", "RequestResponse"},
		{"where all is recorded", `ka.target.resource = configmaps and ka.verb = create and (ka.req.configmap.obj contains ransom or ka.target.name = note)`,
			sources()["full"], policy.Sees, "", ""},
		{"by what only admission tells", `ka.target.resource = configmaps and ka.verb = update and (jevt.value[/oldObject/data] exists or ka.target.name = note)`,
			sources()["metadata"], policy.Sees, "", ""},
		{"by what GKE does not tell", `ka.target.resource = secrets and ka.verb = get and (ka.user.groups intersects (dev) or ka.user.name = jane)`,
			sources()["gke"], policy.Partly, "ka.user.groups intersects (dev)", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "- {rule: R, desc: d, source: k8s_audit, priority: WARNING, output: o, condition: 'ka.stage = ResponseComplete and " + tt.condition + "'}"
			rs, results := falco.Load([]falco.File{{Name: "r.yaml", Content: []byte(text)}}, falco.Options{Catalogue: field.Default()})
			require.NoError(t, results[0].Err())
			c := policy.Cover(rs.Rules, field.Default(), false, tt.source).Of("R")
			require.Equal(t, tt.want, c.Status, "%+v", c.Lost)
			if tt.clause == "" {
				return
			}
			assert.Contains(t, c.Lost[0].Clauses, tt.clause)
			assert.Equal(t, tt.needs, c.Lost[0].Needs)
		})
	}
}

func mustLoad(t *testing.T, rules string) *policy.Policy {
	t.Helper()
	p, err := policy.Load("policy", []byte(head+rules))
	require.NoError(t, err)
	return p
}
