package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// made answers an event made by hand: jane asks for something at ResponseComplete, unless event says otherwise.
func made(t testing.TB, event string) Answer {
	t.Helper()
	return answered(t, fmt.Appendf(nil, `{"level":"RequestResponse","stage":"ResponseComplete","user":{"username":"jane"},"annotations":{"authorization.k8s.io/decision":"allow"},%s}`, event))
}

// Pieces of events made by hand.
const (
	podWeb   = `"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","apiVersion":"v1"}`
	secretDB = `"objectRef":{"resource":"secrets","namespace":"shop","name":"db","apiVersion":"v1"}`
	execWeb  = `"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-0","apiVersion":"v1"}`
	ok200    = `"responseStatus":{"code":200}`
	ok201    = `"responseStatus":{"code":201}`
)

// TestMadeTraps has what the recordings lack.
func TestMadeTraps(t *testing.T) {
	for _, tt := range []struct {
		name, event, sentence string
		outcome               Outcome
	}{
		{"the client vanished", `"verb":"update",` + secretDB + `,"responseStatus":{"code":200,"message":"Connection closed early"}`,
			`jane (person) asked to update secret shop/db, but the connection closed before an answer: the result is not known`, OutcomeClosedEarly},
		{"panic", `"stage":"Panic","verb":"list","objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":500,"reason":"InternalError","message":"APIServer panic'd: boom"}`,
			`jane (person) asked to list pods in shop: the API server panicked: "APIServer panic'd: boom"`, OutcomePanicked},
		{"refused by Pod Security", `"verb":"create",` + podWeb + `,"responseStatus":{"code":403,"reason":"Forbidden","message":"pods \"web-0\" is forbidden: violates PodSecurity \"restricted:latest\": privileged"}`,
			`jane (person) was refused creating pod shop/web-0 by admission: 'violates PodSecurity "restricted:latest": privileged'`, OutcomeRefused},
		{"a stream opened with get needs create too", `"verb":"get","requestURI":"/x?command=id",` + execWeb + `,"responseStatus":{"code":403,"reason":"Forbidden","message":"pods \"web-0\" is forbidden: User \"jane\" cannot create resource \"pods/exec\""}`,
			`jane (person) was refused running "id" in pod shop/web-0 by a further check of permissions: 'User "jane" cannot create resource "pods/exec"'`, OutcomeRefused},
		{"and who refused is not always clear", `"verb":"get","requestURI":"/x?command=id",` + execWeb + `,"responseStatus":{"code":403,"message":"no"}`,
			`jane (person) was refused running "id" in pod shop/web-0 by admission or a further check of permissions: "no"`, OutcomeRefused},
		{"a webhook says its name", `"verb":"get","requestURI":"/x?command=id",` + execWeb + `,"responseStatus":{"code":403,"message":"admission webhook \"w.example\" denied the request: no"}`,
			`jane (person) was refused running "id" in pod shop/web-0 by admission: 'admission webhook "w.example" denied the request: no'`, OutcomeRefused},
		{"403 without a decision", `"annotations":{},"verb":"get",` + secretDB + `,"responseStatus":{"code":403,"message":"no"}`,
			`jane (person) was forbidden from reading secret shop/db: "no"`, OutcomeForbidden},
		{"a name made up to look like a refused impersonation", `"annotations":{"authorization.k8s.io/decision":"forbid"},"verb":"get","objectRef":{"resource":"secrets","namespace":"shop","name":"a\" cannot impersonate"},"responseStatus":{"code":403,"message":"secrets \"a\\\" cannot impersonate\" is forbidden"}`,
			`jane (person) was denied reading secret 'shop/a" cannot impersonate' by RBAC`, OutcomeDenied},
		{"the target of a proxy forbids, not the API server", `"verb":"get","requestURI":"/api/v1/namespaces/shop/services/web/proxy/admin","objectRef":{"resource":"services","subresource":"proxy","namespace":"shop","name":"web"},"responseStatus":{"code":403}`,
			`jane (person) proxied get /admin to service shop/web: the target answered 403`, OutcomeTargetFailed},
		{"the target of a proxy wants a login, jane has one", `"verb":"create","requestURI":"/api/v1/nodes/n1/proxy/run/kube-system/etcd/etcd?cmd=id","objectRef":{"resource":"nodes","subresource":"proxy","name":"n1"},"responseStatus":{"code":401}`,
			`jane (person) proxied create /run/kube-system/etcd/etcd (command "id") to the kubelet of node "n1": the target answered 401`, OutcomeTargetFailed},
		{"exec at the kubelet past pods/exec", `"verb":"get","requestURI":"/api/v1/nodes/n1/proxy/exec/kube-system/etcd/etcd?command=cat&command=%2Fetc%2Fshadow&output=1","objectRef":{"resource":"nodes","subresource":"proxy","name":"n1"},"responseStatus":{"code":101}`,
			`jane (person) proxied get /exec/kube-system/etcd/etcd (command "cat /etc/shadow") to the kubelet of node "n1": allowed`, OutcomeConnected},
		{"throttled by a disruption budget", `"verb":"create","objectRef":{"resource":"pods","subresource":"eviction","namespace":"shop","name":"web-0"},"responseStatus":{"code":429,"reason":"TooManyRequests","message":"Cannot evict pod as it would violate the pod's disruption budget."}`,
			`jane (person) tried to evict pod shop/web-0: told to try again later ("Cannot evict pod as it would violate the pod's disruption budget.")`, OutcomeThrottled},
		{"no status, only the decision", `"verb":"get",` + secretDB, `jane (person) was allowed to read secret shop/db: the result is not recorded`, OutcomeAllowed},
		{"denied by ourselves, at admission", `"annotations":{"authorization.k8s.io/decision":"allow","admission.kubewitness.io/verdict":"deny"},"verb":"create",` + secretDB,
			`jane (person) was refused creating secret shop/db by admission`, OutcomeRefused},
		{"proxied, nobody tells by which verb", `"requestURI":"/api/v1/nodes/n1/proxy/pods","objectRef":{"resource":"nodes","subresource":"proxy","name":"n1"}`,
			`jane (person) was allowed to proxy /pods to the kubelet of node "n1": the result is not recorded`, OutcomeAllowed},
		{"neither", `"annotations":{},"verb":"get",` + secretDB, `jane (person) asked to read secret shop/db: the result is not recorded`, OutcomeUnknown},
		{"a verb of a later day", `"verb":"teleport",` + podWeb + `,` + ok200, `jane (person) did "teleport" on pod shop/web-0`, OutcomeSucceeded},
		{"created by update", `"verb":"update",` + secretDB + `,` + ok201, `jane (person) created secret shop/db by update`, OutcomeSucceeded},
		{"deletion accepted", `"verb":"delete",` + secretDB + `,"responseStatus":{"code":202}`, `jane (person) deleted secret shop/db (still terminating)`, OutcomeSucceeded},
		{"subresource nobody knows", `"verb":"get","objectRef":{"resource":"virtualmachines","subresource":"vnc","apiGroup":"kubevirt.io","namespace":"shop","name":"vm"},` + ok200,
			`jane (person) read the vnc of virtualmachine.kubevirt.io shop/vm`, OutcomeSucceeded},
		{"a called path", `"verb":"post","requestURI":"/debug/flags/v?x=1",` + ok200, `jane (person) called POST /debug/flags/v`, OutcomeSucceeded},
		{"a path spelled oddly stays as it is", `"verb":"get","requestURI":"//healthz/..%2fmetrics?x",` + ok200, `jane (person) read "//healthz/..%2fmetrics"`, OutcomeSucceeded},
		{"certificate approved", `"verb":"update","objectRef":{"resource":"certificatesigningrequests","subresource":"approval","apiGroup":"certificates.k8s.io","name":"csr-1"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","username":"mallory"},"status":{"conditions":[{"type":"Approved"}]}},` + ok200,
			`jane (person) approved certificatesigningrequest "csr-1" (signer kubernetes.io/kube-apiserver-client, requested by mallory)`, OutcomeSucceeded},
		{"certificate denied, by patch", `"verb":"patch","objectRef":{"resource":"certificatesigningrequests","subresource":"approval","apiGroup":"certificates.k8s.io","name":"csr-1"},"requestObject":{"status":{"conditions":[{"type":"Denied"}]}},` + ok200,
			`jane (person) denied certificatesigningrequest "csr-1"`, OutcomeSucceeded},
		{"debug container by JSON patch", `"verb":"patch","objectRef":{"resource":"pods","subresource":"ephemeralcontainers","namespace":"shop","name":"web-0"},"requestObject":[{"op":"add","path":"/spec/ephemeralContainers/-","value":{"name":"d","image":"busybox"}}],` + ok200,
			`jane (person) added a debug container d to pod shop/web-0 (image busybox)`, OutcomeSucceeded},
		{"debug containers by update", `"verb":"update","objectRef":{"resource":"pods","subresource":"ephemeralcontainers","namespace":"shop","name":"web-0"},"requestObject":{"spec":{"containers":[{"image":"web"}],"ephemeralContainers":[{"name":"d","image":"busybox"}]}},` + ok200,
			`jane (person) set the debug containers of pod shop/web-0 (image busybox)`, OutcomeSucceeded},
		{"binding, the old way", `"verb":"create","objectRef":{"resource":"bindings","namespace":"shop","name":"web-0"},"requestObject":{"target":{"kind":"Node","name":"n1"}},` + ok201,
			`jane (person) bound pod shop/web-0 to node "n1"`, OutcomeSucceeded},
		{"scale by JSON patch, refused", `"verb":"patch","objectRef":{"resource":"deployments","subresource":"scale","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":[{"op":"replace","path":"/spec/replicas","value":1}],"responseStatus":{"code":403,"message":"quota"}`,
			`jane (person) was refused scaling deployment shop/web to 1 replica by admission: "quota"`, OutcomeRefused},
		{"following a log", `"stage":"ResponseStarted","verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web-0/log?container=app&follow=true&previous=1","objectRef":{"resource":"pods","subresource":"log","namespace":"shop","name":"web-0"},` + ok200,
			`jane (person) is following the log of pod shop/web-0 (container app, previous run)`, OutcomeSucceeded},
		{"ports of a WebSocket port-forward", `"verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web-0/portforward?ports=8080&ports=9090","objectRef":{"resource":"pods","subresource":"portforward","namespace":"shop","name":"web-0"},"responseStatus":{"code":101}`,
			`jane (person) port-forwarded to pod shop/web-0 (ports 8080 and 9090): allowed`, OutcomeConnected},
		{"deletecollection of some", `"verb":"deletecollection","requestURI":"/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb","objectRef":{"resource":"pods","namespace":"shop"},` + ok200,
			`jane (person) deleted the collection of pods in shop with label selector "app=web"`, OutcomeSucceeded},
		{"token reviewed", `"verb":"create","objectRef":{"resource":"tokenreviews","apiGroup":"authentication.k8s.io"},"responseObject":{"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"bob"}}},` + ok201,
			`jane (person) checked a token (valid, of bob)`, OutcomeSucceeded},
		{"own rules", `"verb":"create","objectRef":{"resource":"selfsubjectrulesreviews","apiGroup":"authorization.k8s.io"},"requestObject":{"kind":"SelfSubjectRulesReview","spec":{"namespace":"shop"}},` + ok201,
			`jane (person) checked own permissions in shop`, OutcomeSucceeded},
		{"who am I", `"verb":"create","objectRef":{"resource":"selfsubjectreviews","apiGroup":"authentication.k8s.io"},` + ok201,
			`jane (person) checked own identity`, OutcomeSucceeded},
		{"nothing to list", `"verb":"list","objectRef":{"resource":"ingresses","apiGroup":"networking.k8s.io"},"responseObject":{"kind":"IngressList","items":[]},` + ok200,
			`jane (person) listed ingresses in all namespaces (none returned)`, OutcomeSucceeded},
		{"an article", `"stage":"RequestReceived","verb":"create","objectRef":{"resource":"ingresses","apiGroup":"networking.k8s.io","namespace":"shop"}`,
			`jane (person) is asking to create an ingress in shop`, OutcomeRequested},
		{"no article", `"stage":"RequestReceived","verb":"create","objectRef":{"resource":"endpoints","namespace":"shop"}`,
			`jane (person) is asking to create endpoints in shop`, OutcomeRequested},
		{"a merge patch sets and removes", `"verb":"patch",` + secretDB + `,"requestObject":{"metadata":{"labels":{"app":null,"tier":"x"}},"$patch":"merge"},` + ok200,
			`jane (person) patched secret shop/db (remove metadata.labels.app and set metadata.labels.tier)`, OutcomeSucceeded},
		{"a merge patch of many", `"verb":"patch",` + secretDB + `,"requestObject":{"data":{"a":"1","b":"2","c":"3","d":"4"},"metadata":{}},` + ok200,
			`jane (person) patched secret shop/db (set data.a, data.b, data.c and 2 more)`, OutcomeSucceeded},
		{"debug containers replaced by JSON patch", `"verb":"patch","objectRef":{"resource":"pods","subresource":"ephemeralcontainers","namespace":"shop","name":"web-0"},"requestObject":[{"op":"add","path":"/spec/ephemeralContainers","value":[{"name":"d","image":"busybox"},{"name":"e","image":"alpine"}]}],` + ok200,
			`jane (person) added a debug container to pod shop/web-0 (images busybox and alpine)`, OutcomeSucceeded},
		{"the rules of a role replaced by JSON patch", `"verb":"patch","objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"r"},"requestObject":[{"op":"replace","path":"/rules","value":[{"verbs":["get"],"nonResourceURLs":["/metrics"]},{"verbs":["get"],"resources":["secrets"],"resourceNames":["db"]},{"verbs":["*"]}]},{"op":"remove","path":"/x","value":{"verbs":["no"]}}],` + ok200,
			`jane (person) patched clusterrole "r" (replace /rules and remove /x, allowing get on /metrics; get on secrets named db; and 1 more)`, OutcomeSucceeded},
		{"a rule about nothing", `"verb":"create","objectRef":{"resource":"roles","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"r"},"requestObject":{"rules":[{"verbs":["get"]}]},` + ok201,
			`jane (person) created role shop/r (allowing get on nothing)`, OutcomeSucceeded},
		{"a binding of nobody", `"verb":"create","objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"name":"admin"}},` + ok201,
			`jane (person) created clusterrolebinding "b" (giving admin to nobody)`, OutcomeSucceeded},
		{"access to one subresource of one object", `"verb":"create","objectRef":{"resource":"subjectaccessreviews","apiGroup":"authorization.k8s.io"},"requestObject":{"kind":"SubjectAccessReview","spec":{"user":"bob","resourceAttributes":{"verb":"create","resource":"pods","subresource":"exec","namespace":"shop","name":"web-0"}}},` + ok201,
			`jane (person) checked the access of bob: create pods/exec "web-0" in shop`, OutcomeSucceeded},
		{"a refused impersonation without details", `"annotations":{},"verb":"get",` + secretDB + `,"responseStatus":{"code":403,"message":"users \"x\" is forbidden: User \"jane\" cannot impersonate resource \"users\""}`,
			`jane (person) was denied impersonating another user when asking to read secret shop/db`, OutcomeImpersonationDenied},
		{"a conflict of another kind", `"verb":"delete",` + secretDB + `,"responseStatus":{"code":409,"reason":"Conflict","message":"uid mismatch"}`,
			`jane (person) tried to delete secret shop/db: conflict ("uid mismatch")`, OutcomeConflict},
		{"something else was not found", `"verb":"create",` + secretDB + `,"responseStatus":{"code":404,"reason":"NotFound","message":"namespaces \"shop\" not found"}`,
			`jane (person) tried to create secret shop/db: not found ('namespaces "shop" not found')`, OutcomeNotFound},
		{"a code that is no number", `"verb":"get",` + secretDB + `,"responseStatus":{"code":"200"}`, `jane (person) was allowed to read secret shop/db: the result is not recorded`, OutcomeAllowed},
		{"a code beyond all codes", `"verb":"get",` + secretDB + `,"responseStatus":{"code":99999999999999999999}`, `jane (person) was allowed to read secret shop/db: the result is not recorded`, OutcomeAllowed},
		{"redirected", `"verb":"get","requestURI":"/ui","responseStatus":{"code":301}`, `jane (person) read /ui`, OutcomeSucceeded},
		{"a token that lasts for ever", `"verb":"create","objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"shop","name":"a"},"requestObject":{"spec":{"expirationSeconds":9223372036854775807}},` + ok201,
			`jane (person) created a token for serviceaccount shop/a (valid for 9223372036854775807 seconds)`, OutcomeSucceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := made(t, tt.event)
			assert.Equal(t, tt.sentence, a.Sentence())
			assert.Equal(t, tt.outcome, a.What.Outcome)
		})
	}
}

func TestDryRun(t *testing.T) {
	const uri = `"requestURI":"/x?dryRun=All"`
	const no, dry = OutcomeSucceeded, OutcomeDryRun
	for _, tt := range []struct {
		name, event string
		outcome     Outcome
		claimed     bool
	}{
		{"create", `"verb":"create",` + uri + `,` + podWeb + `,` + ok201, dry, false},
		{"apply", `"verb":"patch","requestURI":"/x?force=true&dryRun=All",` + podWeb + `,` + ok201, dry, false},
		{"escaped", `"verb":"create","requestURI":"/x?dry%52un=%41ll",` + podWeb + `,` + ok201, dry, false},
		{"the first of two", `"verb":"create","requestURI":"/x?dryRun=All&dryRun=All",` + podWeb + `,` + ok201, dry, false},
		{"no value that counts", `"verb":"create","requestURI":"/x?dryRun=all&dryRun=",` + podWeb + `,` + ok201, no, false},
		{"in the path", `"verb":"create","requestURI":"/dryRun=All",` + podWeb + `,` + ok201, no, false},
		{"reads have no dry run", `"verb":"get",` + uri + `,` + podWeb + `,` + ok200, no, false},
		{"exec heeds no dry run", `"verb":"create","requestURI":"/x?dryRun=All&command=id",` + execWeb + `,"responseStatus":{"code":101}`, OutcomeConnected, false},
		{"a token is issued all the same", `"verb":"create",` + uri + `,"objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"a","name":"b"},` + ok201, no, false},
		{"delete without a body", `"verb":"delete",` + uri + `,` + secretDB + `,` + ok200, dry, false},
		{"the body of a delete replaces the URI", `"verb":"delete",` + uri + `,` + secretDB + `,"requestObject":{"kind":"DeleteOptions"},` + ok200, no, false},
		{"and may ask for it alone", `"verb":"delete","requestURI":"/x",` + secretDB + `,"requestObject":{"kind":"DeleteOptions","dryRun":["All"]},` + ok200, dry, false},
		{"level Metadata does not show the body", `"level":"Metadata","verb":"delete",` + uri + `,` + secretDB + `,` + ok200, no, true},
		{"a truncated event neither", `"annotations":{"audit.k8s.io/truncated":"true"},"verb":"deletecollection",` + uri + `,` + secretDB + `,` + ok200, no, true},
		{"nor the first stage", `"stage":"RequestReceived","verb":"delete",` + uri + `,` + secretDB, OutcomeRequested, true},
		{"eviction by body", `"verb":"create","objectRef":{"resource":"pods","subresource":"eviction","namespace":"a","name":"b"},"requestObject":{"deleteOptions":{"dryRun":["All"]}},` + ok201, dry, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := made(t, tt.event)
			assert.Equal(t, tt.outcome, a.What.Outcome)
			assert.Equal(t, tt.outcome == dry, a.What.DryRun)
			assert.Equal(t, tt.claimed, a.What.DryRunClaimed)
			assert.Equal(t, tt.outcome == dry, containsDryRun(a), a.Sentence())
		})
	}
	a := made(t, `"level":"Metadata","verb":"delete",`+uri+`,`+secretDB+`,`+ok200)
	assert.Equal(t, "jane (person) deleted secret shop/db (the URI asks for a dry run; whether it is one is not recorded)", a.Sentence())
	a = made(t, `"verb":"create",`+uri+`,`+podWeb+`,"annotations":{"authorization.k8s.io/decision":"forbid"},"responseStatus":{"code":403}`)
	assert.Equal(t, "jane (person) was denied creating pod shop/web-0 in a dry run by RBAC", a.Sentence())
}

func containsDryRun(a Answer) bool { return strings.Contains(a.Sentence(), "did a dry run of ") }
