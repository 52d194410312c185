package field_test

import "testing"

const (
	roleBody    = `{"rules":[{"apiGroups":["","apps"],"resources":["pods"],"resourceNames":["web"],"verbs":["get","*"]},{"nonResourceURLs":["/metrics"],"verbs":["get",null]}]}`
	bindingBody = `{"roleRef":{"kind":"ClusterRole","name":"admin"},"subjects":[{"kind":"User","name":"alice"},{"kind":"Group","name":"system:masters"},{"kind":"ServiceAccount","name":"default","namespace":"shop"}]}`
	tokenBody   = `{"spec":{"audiences":["vault"],"expirationSeconds":3607,"boundObjectRef":{"kind":"Pod","name":"web-1","uid":"u-1"}}}`
	csrBody     = `{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth","digital signature"],"username":"claimed"}}`
	webhookBody = `{"webhooks":[{"clientConfig":{"url":"https://evil.example/x"},"failurePolicy":"Ignore"},{"clientConfig":{"service":{"namespace":"default","name":"gk"}},"failurePolicy":"Fail"}]}`
)

var (
	aRole    = writes("create", "clusterroles", "", roleBody)
	aBinding = writes("update", "rolebindings", "", bindingBody)
	aToken   = writes("create", "serviceaccounts", "token", tokenBody)
	aCSR     = writes("create", "certificatesigningrequests", "", csrBody)
	aWebhook = writes("create", "validatingwebhookconfigurations", "", webhookBody)
)

var grantCases = []extractCase{
	{"kw.role.verbs", aRole, texts("get", "*", "get")},
	{"kw.role.verbs[1]", aRole, texts("get")},
	{"kw.role.verbs[2]", aRole, nil},
	{"kw.role.verbs", writes("create", "pods", "", roleBody), nil},
	{"kw.role.verbs", writes("delete", "roles", "", roleBody), nil},
	{"kw.role.verbs", `{"verb":"patch","objectRef":{"resource":"roles"},"requestObject":[{"op":"add"}],"responseObject":` + roleBody + `}`, texts("get", "*", "get")},
	{"kw.role.resources", aRole, texts("pods")},
	{"kw.role.apigroups", aRole, texts("", "apps")},
	{"kw.role.resource_names", aRole, texts("web")},
	{"kw.role.nonresource_urls", aRole, texts("/metrics")},
	{"kw.rolebinding.role_kind", aBinding, texts("ClusterRole")},
	{"kw.rolebinding.role_name", aBinding, texts("admin")},
	{"kw.rolebinding.subjects", aBinding, texts("User:alice", "Group:system:masters", "ServiceAccount:shop/default")},
	{"kw.token.audiences", aToken, texts("vault")},
	{"kw.token.audiences", writes("create", "serviceaccounts", "token", `{"spec":{"audiences":null}}`), nil},
	{"kw.token.audiences", writes("create", "tokenreviews", "", tokenBody), nil},
	{"kw.token.expiration_seconds", aToken, texts("3607")},
	{"kw.token.bound_object.kind", aToken, texts("Pod")},
	{"kw.token.bound_object.name", aToken, texts("web-1")},
	{"kw.token.bound_object.uid", aToken, texts("u-1")},
	{"kw.csr.signer", aCSR, texts("kubernetes.io/kube-apiserver-client")},
	{"kw.csr.signer", writes("update", "certificatesigningrequests", "approval", csrBody), texts("kubernetes.io/kube-apiserver-client")},
	{"kw.csr.usages", aCSR, texts("client auth", "digital signature")},
	{"kw.csr.username", aCSR, texts("claimed")},
	{"kw.csr.username", `{"verb":"create","objectRef":{"resource":"certificatesigningrequests"},"requestObject":{"spec":{"username":"claimed"}},"responseObject":{"spec":{"username":"real"}}}`, texts("real")},
	{"kw.csr.username", writes("create", "pods", "", csrBody), nil},
	{"kw.webhook.urls", aWebhook, texts("https://evil.example/x")},
	{"kw.webhook.services", aWebhook, texts("default/gk")},
	{"kw.webhook.failure_policies", aWebhook, texts("Ignore", "Fail")},
	{"kw.webhook.urls", writes("patch", "mutatingwebhookconfigurations", "", webhookBody), texts("https://evil.example/x")},
}

func TestGrantFields(t *testing.T) { checkBoth(t, grantCases) }
