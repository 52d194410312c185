package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSentenceOfHostileStrings puts strings made to deceive a reader or a terminal wherever an event has strings.
func TestSentenceOfHostileStrings(t *testing.T) {
	hostile := []string{
		"\x1b]0;owned\x07\x1b[2J", "a\nroot (person) deleted namespace \"prod\"", "\u202etxt.exe", "\u200b", "\xff", "\"", "'", "\\",
		strings.Repeat("A", 3000), strings.Repeat("\u0301", 500), " ", "..", "%0a", "jane (person)", ": allowed",
	}
	var events []string
	for _, verb := range []string{"get", "create", "update", "patch", "delete", "list", "watch", "deletecollection", "X"} {
		for _, of := range [][3]string{
			{"pods", "", ""}, {"pods", "exec", ""}, {"pods", "ephemeralcontainers", ""}, {"nodes", "proxy", ""}, {"serviceaccounts", "token", ""},
			{"deployments", "", "apps"}, {"deployments", "scale", "apps"}, {"X", "X", "X"}, {"", "", ""}, {"clusterrolebindings", "", groupRBAC},
			{"roles", "", groupRBAC}, {"subjectaccessreviews", "", "authorization.k8s.io"}, {"certificatesigningrequests", "approval", "certificates.k8s.io"},
		} {
			for _, code := range []string{"0", "101", "200", "201", "401", "403", "404", "409", "429", "500"} {
				events = append(events, fmt.Sprintf(hostileEvent, verb, of[0], of[1], of[2], code))
			}
		}
	}
	for _, h := range hostile {
		text, err := json.Marshal(h)
		require.NoError(t, err)
		for i, event := range events {
			if underRace && i%17 != 0 {
				continue // it takes a minute
			}
			event = strings.ReplaceAll(event, `"X"`, string(text))
			assertSentence(t, answered(t, []byte(event)).Sentence())
		}
	}
}

// hostileEvent has "X" in all places that a sentence may show.
const hostileEvent = `{"stage":"ResponseComplete","verb":%q,"requestURI":"X","user":{"username":"X","groups":["X"],"extra":{"authentication.kubernetes.io/pod-name":["X"],"authentication.kubernetes.io/node-name":["X"]}},
"impersonatedUser":{"username":"X"},"sourceIPs":["X","X"],"userAgent":"X","objectRef":{"resource":%q,"subresource":%q,"apiGroup":%q,"namespace":"X","name":"X"},
"responseStatus":{"code":%s,"reason":"X","message":"X","details":{"kind":"X","name":"X"}},"annotations":{"authorization.k8s.io/reason":"X"},
"requestObject":{"metadata":{"generateName":"X"},"X":"X","target":{"name":"X"},"roleRef":{"kind":"X","name":"X"},"subjects":[{"kind":"X","name":"X","namespace":"X"},{"name":"X"},{"name":"X"},{"name":"X"}],
"rules":[{"verbs":["X","X"],"resources":["X"],"resourceNames":["X"],"nonResourceURLs":["X"]},{"verbs":["X"]},{"verbs":["X"]}],
"spec":{"nodeName":"X","containers":[{"image":"X","securityContext":{"capabilities":{"add":["X"]}}}],"ephemeralContainers":[{"name":"X","image":"X"}],"volumes":[{"hostPath":{"path":"X"}}],
"template":{"spec":{"containers":[{"image":"X"}],"volumes":[{"hostPath":{"path":"X"}}]}},"user":"X","resourceAttributes":{"verb":"X","resource":"X","group":"X","namespace":"X","name":"X"},
"audiences":["X","X"],"boundObjectRef":{"kind":"X","name":"X"},"signerName":"X","username":"X"},"status":{"conditions":[{"type":"Approved"}]}}}`

func TestSentenceIsNotSpoofed(t *testing.T) {
	a := made(t, `"verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=id%22+in+pod+shop%2Fother%3A+allowed%0Aroot+(person)+ran",`+execWeb+`,"responseStatus":{"code":101}`)
	assert.Equal(t, `jane (person) ran "'id\" in pod shop/other: allowed\nroot (person) ran'" in pod shop/web-0: allowed`, a.Sentence())
	a = made(t, `"user":{"username":"jane (person) read secret shop/db"},"verb":"delete",`+secretDB+`,`+ok200)
	assert.Equal(t, `"jane (person) read secret shop/db" (person) deleted secret shop/db`, a.Sentence())
}

func TestExec(t *testing.T) {
	for _, tt := range []struct{ query, want string }{
		{"command=sh&command=-c&command=echo+%22a+b%22", `"sh -c 'echo \"a b\"'"`},
		{"command=a%2Bb", `"a+b"`},
		{"command=%zz&command=id", `"id"`}, // the API server drops what it cannot decode
		{"command=a;b&command=id", `"id"`}, // and what has a semicolon
		{"comm%61nd=id", `"id"`},
		{"", `a command`},
		{strings.Repeat("x&", 20_000) + "command=id", `"id"`},
		{"container=app&stdin=true&tty=true&command=sh", `"sh"|container app, interactive terminal`},
		{"stdin&command=sh", `"sh"|with input`},
		{"stdin=0&tty=FALSE&command=sh", `"sh"`},
		{"tty=1&command=sh", `"sh"|with terminal`},
		{"command=" + strings.Repeat("a", 1000), `"` + strings.Repeat("a", longCommand) + `"…`},
	} {
		t.Run(tt.query[:min(len(tt.query), 60)], func(t *testing.T) {
			a := made(t, `"verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?`+tt.query+`",`+execWeb+`,"responseStatus":{"code":101}`)
			command, notes, ok := strings.Cut(tt.want, "|")
			if ok {
				notes = " (" + notes + ")"
			}
			assert.Equal(t, "jane (person) ran "+command+" in pod shop/web-0"+notes+": allowed", a.Sentence())
		})
	}
}

func TestProxy(t *testing.T) {
	for _, tt := range []struct {
		resource, name, uri string
		wantName            string
		want                Proxy
	}{
		{"nodes", "n1", "/api/v1/nodes/n1/proxy", "n1", Proxy{Path: "/"}},
		{"nodes", "n1", "/api/v1/nodes/n1/proxy/", "n1", Proxy{Path: "/"}},
		{"nodes", "n1", "/api/v1/nodes/n1/proxyx/pods", "n1", Proxy{}},
		{"nodes", "n1:10250", "/api/v1/nodes/n1:10250/proxy/pods", "n1", Proxy{Port: "10250", Path: "/pods"}},
		{"nodes", "https:n1:10250", "/api/v1/nodes/https:n1:10250/proxy/pods?x=1", "n1", Proxy{Scheme: "https", Port: "10250", Path: "/pods"}},
		{"nodes", "https:n1:10250", "/api/v1/nodes/https%3An1%3A10250/prox%79/po%64s", "n1", Proxy{Scheme: "https", Port: "10250", Path: "/pods"}},
		{"nodes", "https:n1:", "/api/v1/nodes/https:n1:/proxy/pods", "n1", Proxy{Scheme: "https", Path: "/pods"}},
		{"nodes", ":n1:10250", "/api/v1/nodes/:n1:10250/proxy/pods", "n1", Proxy{Port: "10250", Path: "/pods"}},
		{"nodes", "ftp:n1:21", "/api/v1/nodes/ftp:n1:21/proxy/pods", "ftp:n1:21", Proxy{Path: "/pods"}},
		{"services", "web:http", "/api/v1/namespaces/shop/services/web:http/proxy/a/../b", "web", Proxy{Port: "http", Path: "/a/../b"}},
		{"pods", "proxy", "/api/v1/namespaces/pods/pods/proxy/proxy/proxy/x", "proxy", Proxy{Path: "/proxy/x"}},
	} {
		t.Run(tt.uri, func(t *testing.T) {
			a := made(t, fmt.Sprintf(`"verb":"get","requestURI":%q,"objectRef":{"resource":%q,"subresource":"proxy","name":%q}`, tt.uri, tt.resource, tt.name))
			assert.Equal(t, ActionProxy, a.What.Action)
			assert.Equal(t, tt.wantName, a.What.Name)
			assert.Equal(t, &tt.want, a.What.Proxy)
		})
	}
}

func TestSingular(t *testing.T) {
	for plural, want := range map[string]string{
		"pods": "pod", "ingresses": "ingress", "networkpolicies": "networkpolicy", "endpoints": "endpoints", "leases": "lease",
		"storageclasses": "storageclass", "ipaddresses": "ipaddress", "endpointslices": "endpointslice", "componentstatuses": "componentstatus",
		"indexes": "index", "branches": "branch", "meshes": "mesh", "dns": "dns", "status": "status", "": "", "s": "s",
	} {
		assert.Equal(t, want, singular(plural))
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1340 * time.Millisecond: "1.3s", 12_340 * time.Millisecond: "12s", 6*time.Minute + 8*time.Second: "6m8s",
		time.Hour: "1h", 90 * time.Minute: "1h30m", 48 * time.Hour: "2 days", 365 * 24 * time.Hour: "365 days", time.Minute: "1m", 10 * time.Minute: "10m",
	} {
		assert.Equal(t, want, duration(d))
	}
}

// TestActionsHaveWords holds that no action leaves a hole in a sentence.
func TestActionsHaveWords(t *testing.T) {
	for action, p := range verbs {
		assert.NotEmpty(t, p.base, action)
		assert.NotEmpty(t, p.past, action)
		assert.NotEmpty(t, p.ing, action)
	}
	for _, a := range verbActions {
		assert.Contains(t, verbs, a)
	}
	for _, a := range podActions {
		assert.Contains(t, verbs, a)
	}
}
