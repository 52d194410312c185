package rules_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	"github.com/kubewitness/kubewitness/test/reviews"
)

// atAdmission are requests and how often rules fire on the reviews of them: on what becomes
// so, and not again on each change of what is so; on programs that say who they are, never.
const atAdmission = `
- defaults: {user: sam@acme.test, namespace: shop, source_ip: 10.4.0.9, agent: kubectl/v1.35}

- test: a service is opened, and changed
  events:
    - {verb: create, resource: services, name: a, request: {spec: {type: NodePort}}}
    - {verb: update, resource: services, name: a, request: {metadata: {labels: {a: b}}, spec: {type: NodePort}}}
    - {verb: update, resource: services, name: a, request: {spec: {type: LoadBalancer}}}
  detect: [{rule: Service Opened by Hand, times: 2}, {rule: Service Open to Outside, times: 2}]

- test: scaled to nothing
  events:
    - {verb: update, resource: deployments/scale, name: a, request: {spec: {replicas: 2}}}
    - {verb: update, resource: deployments/scale, name: a, request: {spec: {}}}
    - {verb: update, resource: deployments, name: b, request: {spec: {replicas: 1}}}
    - {verb: update, resource: deployments, name: b, request: {spec: {replicas: 0}}}
    - {verb: update, resource: deployments, name: b, request: {metadata: {labels: {a: b}}, spec: {replicas: 0}}}
  detect: [{rule: Workload Stopped by Hand, times: 2}]

- test: a node is closed, and labelled
  events:
    - {verb: update, resource: nodes, namespace: "", name: n, request: {spec: {unschedulable: true, taints: [{key: a}]}}}
    - {verb: update, resource: nodes, namespace: "", name: n, request: {metadata: {labels: {a: b}}, spec: {unschedulable: true, taints: [{key: a}]}}}
  detect: [{rule: Workload Stopped by Hand, times: 1}]

- test: another image, and another label
  events:
    - {verb: create, resource: deployments, name: a, request: {metadata: {labels: {app: a}}}, pod: {containers: [{name: a, image: "registry.k8s.io/a:1"}]}}
    - {verb: update, resource: deployments, name: a, request: {metadata: {labels: {app: a, b: c}}}, pod: {containers: [{name: a, image: "registry.k8s.io/a:1"}]}}
    - {verb: update, resource: deployments, name: a, query: {fieldManager: kubectl-edit}, request: {metadata: {labels: {app: a, b: c}}}, pod: {containers: [{name: a, image: "registry.k8s.io/a:2"}]}}
    - {verb: update, resource: deployments, name: a, query: {fieldManager: kubectl-client-side-apply}, request: {metadata: {labels: {app: a, b: c}}}, pod: {containers: [{name: a, image: "registry.k8s.io/a:3"}]}}
  detect: [{rule: Running Workload Changed by Hand, times: 1}]

- test: a namespace loses its standard
  events:
    - {verb: create, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {geo: eu, pod-security.kubernetes.io/enforce: baseline}}}}
    - {verb: update, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {geo: eu}}}}
    - {verb: update, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {geo: eu, a: b}}}}
    - {verb: update, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {geo: eu, pod-security.kubernetes.io/enforce: privileged}}}}
    - {verb: update, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {geo: eu, a: c, pod-security.kubernetes.io/enforce: privileged}}}}
  detect: [{rule: Pod Security Relaxed, times: 2}]

- test: a namespace without its label is mended, annotated, and loses it
  events:
    - {verb: create, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {a: b}}}}
    - {verb: update, resource: namespaces, namespace: "", name: a, request: {metadata: {annotations: {a: b}, labels: {a: b}}}}
    - {verb: update, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {a: b, geo: eu}}}}
    - {verb: update, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {a: b}}}}
  detect: [{rule: Namespace without Required Label, times: 2}, {rule: Namespace Needs Network Policy, times: 1}]

- test: a program with its own client, with curl, with kubectl
  events:
    - {user: "system:serviceaccount:shop:web", agent: web/1.0, verb: create, resource: roles, name: a, request: {rules: []}}
    - {user: "system:serviceaccount:shop:web", agent: curl/8.9.0, verb: create, resource: roles, name: b, request: {rules: []}}
    - {user: "system:serviceaccount:shop:web", agent: web/1.0, query: {fieldManager: kubectl-edit}, verb: update, resource: roles, name: a, request: {rules: []}}
    - {user: "system:serviceaccount:shop:web", agent: "", verb: delete, resource: roles, name: a}
  detect: [{rule: Rights Changed by Hand, times: 2}]

- test: an apply that makes, and one that changes
  events:
    - {verb: patch, apply: true, code: 201, resource: pods, name: a, request: {metadata: {labels: {app: a}}}}
    - {verb: patch, apply: true, code: 200, resource: pods, name: a, request: {metadata: {labels: {app: a, b: c}}}}
  detect: [{rule: Pod Started by Hand, times: 1}]

- test: what is privileged is told each time, but for who clears away
  events:
    - {verb: create, resource: deployments, name: a, request: {metadata: {labels: {app: a}}}, pod: &privileged {containers: [{name: a, image: a, securityContext: {privileged: true}}]}}
    - {verb: update, resource: deployments, name: a, request: {metadata: {labels: {app: a, b: c}}}, pod: *privileged}
    - {user: "system:serviceaccount:kube-system:generic-garbage-collector", agent: kube-controller-manager/v1.35, verb: update, resource: deployments, name: a, pod: *privileged}
  detect: [{rule: Privileged Container, times: 2}]

- test: an account that is what it was
  events:
    - {verb: create, resource: serviceaccounts, name: a, request: {imagePullSecrets: [{name: x}]}}
    - {verb: update, resource: serviceaccounts, name: a, request: {metadata: {labels: {a: b}}, imagePullSecrets: [{name: x}]}}
    - {verb: update, resource: serviceaccounts, name: a, request: {imagePullSecrets: [{name: y}]}}
  detect: [{rule: Service Account Altered by Hand, times: 1}]
`

// TestAtAdmission judges the reviews of requests. Rules that no test names may fire.
func TestAtAdmission(t *testing.T) {
	set, err := ruleset.Compile(ours(), ruleset.Options{MinPriority: falco.Debug})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	f, err := ruletest.Parse(ruletest.Source{Name: "admission_test.yaml", Content: []byte(atAdmission)})
	require.NoError(t, err)
	for _, test := range f.Tests {
		t.Run(test.Name, func(t *testing.T) {
			cluster, fired := reviews.New(), map[string]int{}
			for _, e := range test.Events {
				made, err := cluster.Of(e)
				require.NoError(t, err)
				for i, r := range made {
					for _, d := range m.Match(&field.Context{Event: r, Num: uint64(i + 1), First: r.Time}).Detections {
						fired[d.Rule.Name]++
					}
				}
			}
			for _, w := range test.Want {
				assert.Equal(t, w.Times, fired[w.Rule], "%s; fired: %v", w.Rule, fired)
			}
		})
	}
}
