package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUserKind(t *testing.T) {
	for _, tt := range []struct {
		name   string
		groups []string
		want   UserKind
	}{
		{"", nil, UserUnknown},
		{"jane", nil, UserPerson},
		{"kubernetes-admin", []string{"system:masters"}, UserPerson},
		{"system:anonymous", []string{"system:unauthenticated"}, UserAnonymous},
		{"somebody", []string{"system:unauthenticated"}, UserAnonymous},
		{"system:serviceaccount:ci:deployer", nil, UserServiceAccount},
		{"system:serviceaccount:ci", nil, UserSystem},
		{"system:serviceaccount::deployer", nil, UserSystem},
		{"system:serviceaccount:ci:", nil, UserSystem},
		{"system:serviceaccount:ci:a:b", nil, UserSystem},
		{"System:serviceaccount:ci:deployer", nil, UserPerson},
		{"system:node:n1", []string{"system:nodes", "system:authenticated"}, UserNode},
		{"system:node:n1", []string{"system:authenticated"}, UserSystem}, // no node to the node authorizer either
		{"system:node:n1", nil, UserNode},
		{"system:kube-scheduler", nil, UserSystem},
		{"system:apiserver", []string{"system:masters"}, UserSystem},
	} {
		assert.Equal(t, tt.want, userKind(tt.name, tt.groups), "%s %v", tt.name, tt.groups)
	}
}

func TestWho(t *testing.T) {
	const list = `"verb":"list","objectRef":{"resource":"nodes"},"responseStatus":{"code":200}`
	const bound = `"extra":{"authentication.kubernetes.io/credential-id":["JTI=1"],"authentication.kubernetes.io/pod-name":["runner-1"],"authentication.kubernetes.io/node-name":["worker-2"]}`
	for _, tt := range []struct {
		name, event, sentence string
		check                 func(t *testing.T, w Who)
	}{
		{"a token bound to a pod", `"user":{"username":"system:serviceaccount:ci:deployer","uid":"u1",` + bound + `}`,
			`system:serviceaccount:ci:deployer (service account, from pod ci/runner-1 on node worker-2) listed nodes`,
			func(t *testing.T, w Who) {
				assert.Equal(t, "ci/runner-1", w.Pod)
				assert.Equal(t, "worker-2", w.Node)
				assert.Equal(t, "JTI=1", w.CredentialID)
				assert.Equal(t, "u1", w.UID)
			}},
		{"a token bound to a node alone", `"user":{"username":"system:serviceaccount:ci:deployer","extra":{"authentication.kubernetes.io/node-name":["worker-2"]}}`,
			`system:serviceaccount:ci:deployer (service account, from node worker-2) listed nodes`, nil},
		{"a service account by certificate, which nobody issues", `"user":{"username":"system:serviceaccount:ci:deployer","extra":{"authentication.kubernetes.io/credential-id":["X509SHA256=00"]}}`,
			`system:serviceaccount:ci:deployer (service account, by client certificate) listed nodes`, nil},
		{"the peer is the last address, the others are claims", `"user":{"username":"jane"},"sourceIPs":["127.0.0.1","10.0.0.9","203.0.113.7"]`,
			`jane (person) listed nodes`,
			func(t *testing.T, w Who) {
				assert.Equal(t, "203.0.113.7", w.SourceIP)
				assert.Equal(t, []string{"127.0.0.1", "10.0.0.9"}, w.ClaimedIPs)
			}},
		{"no claims", `"user":{"username":"jane"},"sourceIPs":["203.0.113.7"]`, `jane (person) listed nodes`,
			func(t *testing.T, w Who) { assert.Empty(t, w.ClaimedIPs) }},
		{"a node is its own node", `"user":{"username":"system:node:n1","groups":["system:nodes"]}`,
			`system:node:n1 (node) listed nodes`, func(t *testing.T, w Who) { assert.Equal(t, "n1", w.Node) }},
		{"RBAC does not apply to system:masters", `"user":{"username":"jane","groups":["system:masters","system:authenticated"]}`,
			`jane (person, in system:masters) listed nodes`, nil},
		{"an authenticated user of group system:unauthenticated", `"user":{"username":"ghost","groups":["system:unauthenticated"]},"sourceIPs":["10.0.0.9"]`,
			`ghost (anonymous, at 10.0.0.9) listed nodes`, nil},
		{"what the impersonated user brings is the client's claim", `"user":{"username":"jane"},"impersonatedUser":{"username":"system:serviceaccount:ci:deployer","groups":["system:masters"],` + bound + `}`,
			`jane (person), impersonating system:serviceaccount:ci:deployer (service account, in system:masters), listed nodes`,
			func(t *testing.T, w Who) {
				assert.Empty(t, w.Pod+w.Node+w.CredentialID)
				assert.Equal(t, "deployer", w.Impersonated.ServiceAccount.Name)
			}},
		{"impersonating nobody", `"user":{"username":"jane"},"impersonatedUser":{}`,
			`jane (person), impersonating an unnamed user, listed nodes`, nil},
		{"no user", `"user":{},"sourceIPs":["10.0.0.9"]`, `a client at 10.0.0.9 listed nodes`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := answered(t, []byte(`{"stage":"ResponseComplete",`+tt.event+`,`+list+`}`))
			assert.Equal(t, tt.sentence, a.Sentence())
			if tt.check != nil {
				tt.check(t, a.Who)
			}
		})
	}
}

func TestClient(t *testing.T) {
	for agent, want := range map[string]string{
		"kubectl/v1.35.4 (linux/amd64) kubernetes/6d1e1c6":                                                                             "kubectl v1.35",
		"kube-controller-manager/v1.35.4 (linux/amd64) kubernetes/6d1e1c6/leader-election":                                             "kube-controller-manager v1.35 leader-election",
		"kube-controller-manager/v1.35.4 (linux/amd64) kubernetes/6d1e1c6/system:serviceaccount:kube-system:horizontal-pod-autoscaler": "kube-controller-manager v1.35 horizontal-pod-autoscaler",
		"argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/$Format":                                                        "argocd-application-controller",
		"OpenAPI-Generator/33.1.0/python":                                                                                              "OpenAPI-Generator 33.1 python",
		"gitlab-runner 18.2.0 linux/amd64":                                                                                             "gitlab-runner",
		"Mozilla/5.0 zgrab/0.x":                                                                                                        "Mozilla 5.0",
		"kube-probe/1.35":                                                                                                              "kube-probe 1.35",
		"Lens":                                                                                                                         "Lens",
		"":                                                                                                                             "",
		"   ":                                                                                                                          "",
		"<script>alert(1)</script> kubectl":                                                                                            "",
		"kubectl\x1b[31m/v1":                                                                                                           "",
		"kubectl/v1\x1b[31m.2":                                                                                                         "",
		"kubectl/v1.35.4 (linux/amd64) kubernetes/x/y\u202e":                                                                           "kubectl v1.35",
	} {
		assert.Equal(t, want, clientOf(agent), agent)
	}
}
