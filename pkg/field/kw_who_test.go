package field_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

func named(user string) string { return `{"user":{"username":"` + user + `"}}` }

func from(ips string) string { return `{"sourceIPs":` + ips + `}` }

const acting = `{"user":{"username":"admin","uid":"u-1","extra":{"authentication.kubernetes.io/pod-name":["web-1"],"odd":"text","many":["a","b"]}},
	"impersonatedUser":{"username":"system:admin","uid":"u-2","groups":["system:masters","dev"],"extra":{"scopes":["view"]}}}`

var whoCases = []extractCase{
	{"kw.user.uid", acting, texts("u-1")},
	{"kw.user.uid", `{"user":{"uid":7}}`, nil},
	{"kw.user.extra[authentication.kubernetes.io/pod-name]", acting, texts("web-1")},
	{"kw.user.extra[many]", acting, texts("a", "b")},
	{"kw.user.extra[odd]", acting, nil},
	{"kw.user.kind", named("alice"), texts("person")},
	{"kw.user.kind", named("kubernetes-admin"), texts("person")},
	{"kw.user.kind", named("system:anonymous"), texts("anonymous")},
	{"kw.user.kind", named("system:serviceaccount:shop:default"), texts("serviceaccount")},
	{"kw.user.kind", named("system:node:node-1"), texts("node")},
	{"kw.user.kind", named("system:kube-scheduler"), texts("system")},
	{"kw.user.kind", named(""), nil},
	{"kw.user.kind", `{"user":{}}`, nil},
	{"kw.impersonated.user", acting, texts("system:admin")},
	{"kw.impersonated.groups", acting, texts("system:masters", "dev")},
	{"kw.impersonated.uid", acting, texts("u-2")},
	{"kw.impersonated.extra[scopes]", acting, texts("view")},
	{"kw.source.ip", from(`["192.0.2.1","10.0.0.2"]`), texts("10.0.0.2")},
	{"kw.source.ip", from(`["10.0.0.2","nonsense"]`), nil},
	{"kw.source.ip", from(`[]`), nil},
	{"kw.source.ips", from(`["192.0.2.1","nonsense",7,"10.0.0.2"]`), texts("192.0.2.1", "10.0.0.2")},
	{"kw.source.claimed", from(`["192.0.2.1","::1","10.0.0.2"]`), texts("192.0.2.1", "::1")},
	{"kw.source.claimed", from(`["10.0.0.2"]`), nil},
	{"kw.client", `{"userAgent":"kubectl/v1.35.4 (linux/amd64) kubernetes/6d1e1c6"}`, texts("kubectl")},
	{"kw.client", `{"userAgent":" Go http"}`, texts("Go")},
	{"kw.client", `{"userAgent":"plain"}`, texts("plain")},
	{"kw.client", `{"userAgent":""}`, nil},
}

func TestWhoFields(t *testing.T) { checkBoth(t, whoCases) }

func TestSourceAddressIsComparable(t *testing.T) {
	f, arg := lookup(t, "kw.source.ip")
	assert.Equal(t, condition.TypeIPNet, f.Type)
	for ip, want := range map[string]string{
		"10.0.0.2":        "10.0.0.2/32",
		"::ffff:10.0.0.2": "10.0.0.2/32",
		"fe80::1%eth0":    "fe80::1/128",
	} {
		items := f.Extract(contextOf(t, from(`["`+ip+`"]`), false), arg)
		if assert.Len(t, items, 1) {
			assert.Equal(t, netip.MustParsePrefix(want), items[0].Prefix)
			assert.Equal(t, ip, items[0].Text)
		}
	}
}

// The kw.* fields follow the API server even in strict mode.
func TestOursIgnoreStrict(t *testing.T) {
	const event = `{"level":"None","level":"Metadata"}`
	assert.Equal(t, texts("Metadata"), extract(t, "kw.level", event, true))
}
