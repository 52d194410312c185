package webhook

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/spool"
)

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, s)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// certificate has a request come with a verified certificate.
func certificate(r *http.Request, common string, dns ...string) {
	r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{Subject: pkix.Name{CommonName: common}, DNSNames: dns}}}}
}

func TestAnswers(t *testing.T) {
	type headers map[string]string
	for _, tt := range []struct {
		name    string
		method  string // "": POST
		path    string
		body    string // "": a list of the event a
		header  headers
		change  func(*http.Request)
		errs    []error // of the log
		status  int
		stored  []string
		answers headers
	}{
		{name: "root", path: "/", status: 200, stored: []string{"prod a"}},
		{name: "prefix", path: "/audit", status: 200, stored: []string{"prod a"}},
		{name: "prefix/", path: "/audit/", status: 200, stored: []string{"prod a"}},
		{name: "query", path: "/audit/prod?timeout=30s", status: 200, stored: []string{"prod a"}},
		{name: "escaped name", path: "/audit/pr%6fd", status: 200, stored: []string{"prod a"}},
		{name: "slash in a name", path: "/audit/a%2Fb", status: 403},
		{name: "another path", path: "/webhook", status: 404},
		{name: "something before the prefix", path: "/proxied/k8s/audit/prod", status: 200, stored: []string{"prod a"}},
		{name: "a slash before the prefix", path: "//audit/prod/", status: 200, stored: []string{"prod a"}},
		{name: "the cluster of another behind the first prefix", path: "/x/audit/other/audit/prod", status: 404},
		{name: "another's cluster, something before the prefix", path: "/x/audit/other", status: 403},
		{name: "no prefix", path: "/auditor", status: 404},
		{name: "long path", path: "/audit/prod/" + pathSecret + "/x", status: 404},
		{name: "no segment", path: "/audit//x", status: 404},
		{name: "no name", path: "/audit/a%20b", status: 400},
		{name: "GET", method: http.MethodGet, path: "/audit", status: 405, answers: headers{"Allow": "POST"}},
		{name: "PUT", method: http.MethodPut, path: "/nowhere", status: 405, answers: headers{"Allow": "POST"}},

		{name: "no credential", path: "/audit/prod", header: headers{"Authorization": ""}, status: 401},
		{name: "no credential, no path", path: "/nowhere", header: headers{"Authorization": ""}, status: 401,
			answers: headers{"WWW-Authenticate": `Bearer realm="kubewitness"`}},
		{name: "wrong token", path: "/audit/prod", header: headers{"Authorization": "Bearer x" + token}, status: 401},
		{name: "empty token", path: "/audit/prod", header: headers{"Authorization": "Bearer "}, status: 401},
		{name: "not a bearer", path: "/audit/prod", header: headers{"Authorization": "Basic " + token}, status: 401},
		{name: "path secret as token", path: "/audit/test", header: headers{"Authorization": "Bearer " + pathSecret}, status: 401},
		{name: "two tokens", path: "/audit/prod", change: func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+token) }, status: 401},
		{name: "lower case scheme", path: "/audit/prod", header: headers{"Authorization": "bearer  " + token}, status: 200, stored: []string{"prod a"}},
		{name: "another cluster", path: "/audit/test", status: 403},
		{name: "another cluster in the header", path: "/audit", header: headers{"X-Kubewitness-Cluster": "test"}, status: 403},
		{name: "path before header", path: "/audit/prod", header: headers{"X-Kubewitness-Cluster": "test"}, status: 200, stored: []string{"prod a"}},
		{name: "header", path: "/audit", header: headers{"Authorization": "Bearer " + bothToken, "X-Kubewitness-Cluster": "test"}, status: 200, stored: []string{"test a"}},
		{name: "default cluster", path: "/audit", header: headers{"Authorization": "Bearer " + bothToken}, status: 200, stored: []string{"test a"}},
		{name: "any cluster", path: "/audit/test", header: headers{"Authorization": "Bearer " + anyToken}, status: 200, stored: []string{"test a"}},
		{name: "any cluster is those listed", path: "/audit/unlisted", header: headers{"Authorization": "Bearer " + anyToken}, status: 403},
		{name: "path secret", path: "/audit/test/" + pathSecret, header: headers{"Authorization": ""}, status: 200, stored: []string{"test a"}},
		{name: "wrong path secret", path: "/audit/test/" + token, header: headers{"Authorization": ""}, status: 401},
		{name: "path secret of another cluster", path: "/audit/prod/" + pathSecret, header: headers{"Authorization": ""}, status: 403},
		{name: "wrong token, good path", path: "/audit/test/" + pathSecret, header: headers{"Authorization": "Bearer nonsense"}, status: 401},
		{name: "common name", path: "/audit", header: headers{"Authorization": ""}, change: func(r *http.Request) { certificate(r, "apiserver.prod") }, status: 200, stored: []string{"prod a"}},
		{name: "DNS name", path: "/audit", header: headers{"Authorization": ""}, change: func(r *http.Request) { certificate(r, "x", "y", "apiserver.prod") }, status: 200, stored: []string{"prod a"}},
		{name: "another certificate", path: "/audit", header: headers{"Authorization": ""}, change: func(r *http.Request) { certificate(r, "", "apiserver.test") }, status: 401},
		{name: "certificate nobody verified", path: "/audit", header: headers{"Authorization": ""}, change: func(r *http.Request) {
			certificate(r, "apiserver.prod")
			r.TLS.PeerCertificates, r.TLS.VerifiedChains = r.TLS.VerifiedChains[0], nil
		}, status: 401},

		{name: "gzip", path: "/", body: gzipped(t, list(item("a"))), header: headers{"Content-Encoding": "gzip"}, status: 200, stored: []string{"prod a"}},
		{name: "gzip not told", path: "/", body: gzipped(t, list(item("a"))), status: 200, stored: []string{"prod a"}},
		{name: "gzip told, not done", path: "/", header: headers{"Content-Encoding": "gzip"}, status: 200, stored: []string{"prod a"}},
		{name: "torn gzip", path: "/", body: gzipped(t, list(item("a")))[:40], status: 200, stored: []string{"prod dead body"}},
		{name: "gzip with something behind", path: "/", body: gzipped(t, list(item("a"))) + "junk", status: 200, stored: []string{"prod a", "prod dead body"}},
		{name: "bomb", path: "/", body: gzipped(t, strings.Repeat(" ", 10<<20)), status: 413},
		{name: "brotli", path: "/", header: headers{"Content-Encoding": "br"}, status: 415},
		{name: "too long", path: "/", body: strings.Repeat(" ", 1<<20+1), status: 413},
		{name: "too long, length not told", path: "/", body: strings.Repeat(" ", 1<<20+1), change: func(r *http.Request) { r.ContentLength = -1 }, status: 413},
		{name: "just not too long", path: "/", body: list(item("a")) + strings.Repeat(" ", 1<<20-len(list(item("a")))), status: 200, stored: []string{"prod a"}},
		{name: "no JSON", path: "/", body: "hello", status: 200, stored: []string{"prod dead syntax"}},
		{name: "bad items", path: "/", body: list("1", item("a"), "{}"), status: 200, stored: []string{"prod a", "prod dead type", "prod dead time"}},
		{name: "nothing", path: "/", body: " ", status: 200},

		{name: "full", path: "/", errs: []error{spool.Full{}}, status: 429, answers: headers{"Retry-After": "3"}},
		{name: "rate", path: "/audit/slow", body: list(item("a"), item("b")), change: func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+anyToken)
		}, status: 200, stored: []string{"slow a", "slow b"}},
		{name: "unknown", path: "/", errs: []error{spool.Unknown{Cause: errOther}}, status: 503, answers: headers{"Retry-After": "3"}},
		{name: "poisoned", path: "/", errs: []error{spool.Poisoned{Cause: errOther}}, status: 503, answers: headers{"Retry-After": "3"}},
		{name: "draining", path: "/", errs: []error{spool.Draining{}}, status: 503, answers: headers{"Retry-After": "3"}},
		{name: "another error", path: "/", errs: []error{errOther}, status: 503, answers: headers{"Retry-After": "3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.MaxBody, c.DefaultCluster = 1<<20, "test" })
			w.log.errs = tt.errs
			if tt.body == "" {
				tt.body = list(item("a"))
			}
			r := post(tt.path, tt.body)
			if tt.method != "" {
				r.Method = tt.method
			}
			for k, v := range tt.header {
				if r.Header.Set(k, v); v == "" {
					r.Header.Del(k)
				}
			}
			if tt.change != nil {
				tt.change(r)
			}
			got := w.do(r)
			assert.Equal(t, tt.status, got.Code, got.Body)
			assert.Equal(t, tt.stored, w.log.content())
			for k, v := range tt.answers {
				assert.Equal(t, v, got.Header().Get(k))
			}
			assert.Equal(t, 1, strings.Count(got.Body.String(), "\n"))
			assert.NotContains(t, got.Body.String(), token)
			assert.NotContains(t, got.Body.String(), pathSecret)
			assert.EqualValues(t, 1, w.Counters().Answers[tt.status])
			assert.Zero(t, w.Counters().InHand, "all memory is given back")
		})
	}
}

func TestRateIsAnswered429(t *testing.T) {
	w := newWorld(t, nil)
	for i, want := range []int{200, 429} {
		r := post("/audit/slow", list(item(fmt.Sprint(i))))
		r.Header.Set("Authorization", "Bearer "+anyToken)
		got := w.do(r)
		assert.Equal(t, want, got.Code)
		if want == 429 {
			assert.Equal(t, "3", got.Header().Get("Retry-After"))
		}
	}
}

func TestInsecureIsForThisHostOnly(t *testing.T) {
	for host, want := range map[string]int{
		"localhost:9443": 200, "LOCALHOST": 200, "127.0.0.1:9443": 200, "127.8.9.1": 200, "[::1]:9443": 200, "::1": 200, "x.localhost": 200,
		"[::ffff:127.0.0.1]": 200, "localhost.": 200,
		"evil.example": 403, "127.0.0.1.evil.example": 403, "10.0.0.1:9443": 403, "": 403, "notlocalhost": 403, "[::2]": 403, "0.0.0.0": 403,
	} {
		w := newWorld(t, func(c *Config) { c.Insecure, c.DefaultCluster, c.Clusters = true, "here", nil })
		r := post("/audit", list(item("a")))
		r.Header.Del("Authorization")
		r.Host = host
		assert.Equal(t, want, w.do(r).Code, host)
		if want == 200 {
			assert.Equal(t, []string{"here a"}, w.log.content())
			r = post("/audit/any", list(item("b")))
			r.Host = host
			r.Header.Set("Origin", "http://"+host)
			assert.Equal(t, 403, w.do(r).Code, "a page in a browser")
		}
	}
}

// TestInsecureWithClusters: without credentials the listed clusters are all there are;
// without a list any name is good.
func TestInsecureWithClusters(t *testing.T) {
	for _, tt := range []struct {
		clusters []string
		path     string
		want     int
	}{
		{[]string{"prod", "dev"}, "/audit/prod", 200},
		{[]string{"prod", "dev"}, "/audit", 200},
		{[]string{"prod", "dev"}, "/audit/stage", 403},
		{nil, "/audit/stage", 200},
	} {
		w := newWorld(t, func(c *Config) { c.Insecure, c.DefaultCluster, c.Clusters = true, "dev", tt.clusters })
		r := post(tt.path, list(item("a")))
		r.Host = "localhost"
		r.Header.Del("Authorization")
		assert.Equal(t, tt.want, w.do(r).Code, "%v %s", tt.clusters, tt.path)
	}
}

func TestCredentialsAreExchanged(t *testing.T) {
	w := newWorld(t, nil)
	assert.Equal(t, 200, w.do(post("/audit", list(item("a")))).Code)
	fresh := []Credential{{Name: "prod", Token: "another-token-0123456789", Clusters: []string{"prod"}}}
	require.NoError(t, w.SetCredentials(fresh))
	assert.Equal(t, 401, w.do(post("/audit", list(item("b")))).Code)
	r := post("/audit", list(item("c")))
	r.Header.Set("Authorization", "Bearer another-token-0123456789")
	assert.Equal(t, 200, w.do(r).Code)

	for _, c := range []Credential{
		{Name: "none", Clusters: []string{"prod"}},
		{Name: "two", Token: token, CertificateName: "x", Clusters: []string{"prod"}},
		{Name: "short", Token: "secret", Clusters: []string{"prod"}},
		{Name: "newline", Token: token + "\n", Clusters: []string{"prod"}},
		{Name: "no cluster", Token: token},
	} {
		err := w.SetCredentials(append(fresh, c))
		require.Error(t, err, c.Name)
		assert.NotContains(t, err.Error(), token)
		assert.NotContains(t, err.Error(), "secret\"")
	}
	r = post("/audit", list(item("d")))
	r.Header.Set("Authorization", "Bearer another-token-0123456789")
	assert.Equal(t, 200, w.do(r).Code, "those before stay")
}

func TestNothingIsTakenBeforeThereAreCredentials(t *testing.T) {
	h, err := New(Config{Intake: newIntake(&memory{}, plain{}), Now: newWorld(t, nil).cfg.Now})
	require.NoError(t, err)
	w := &world{Handler: h}
	assert.Equal(t, 401, w.do(post("/audit", "x")).Code)
	_, err = New(Config{})
	require.Error(t, err)
	_, err = New(Config{Intake: newIntake(&memory{}, plain{}), Now: w.cfg.Now, MaxBody: 10, MaxInHand: 5})
	require.Error(t, err)
}

func TestAnotherPrefix(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Prefix = "kube/audit/" })
	assert.Equal(t, 200, w.do(post("/kube/audit/prod", list(item("a")))).Code)
	assert.Equal(t, 200, w.do(post("/", list(item("b")))).Code)
	assert.Equal(t, 404, w.do(post("/audit/prod", list(item("c")))).Code)
	w = newWorld(t, func(c *Config) { c.Prefix = "/" })
	assert.Equal(t, 200, w.do(post("/prod", list(item("a")))).Code)
}

func FuzzHandler(f *testing.F) {
	f.Add("POST", "/audit/prod?timeout=30s", "Authorization", "Bearer "+token, []byte(list(item("a"))))
	f.Add("POST", "/audit/test/"+pathSecret, "X-Kubewitness-Cluster", "prod", []byte(gzipped(f, list(item("a")))))
	f.Add("POST", "/%zz/%2f", "Content-Encoding", "gzip", []byte("\x1f\x8b\x08"))
	f.Add("GET", "//", "Origin", "http://x", []byte("{"))
	f.Add("POST", "/audit/%00", "Content-Length", "-1", []byte(`[{"kind":"Event","stageTimestamp":7}]`))
	f.Fuzz(func(t *testing.T, method, path, key, value string, body []byte) {
		for _, insecure := range []bool{false, true} {
			w := newWorld(t, func(c *Config) { c.Insecure, c.MaxBody = insecure, 64<<10 })
			r, err := http.NewRequest("POST", "https://localhost/", bytes.NewReader(body))
			require.NoError(t, err)
			u, err := r.URL.Parse(path)
			if err != nil {
				return
			}
			r.URL, r.Method = u, method
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set(key, value)
			got := w.do(r)
			assert.Contains(t, statuses, got.Code)
			assert.Zero(t, w.Counters().InHand)
			if got.Code != 200 {
				assert.Empty(t, w.log.content())
			}
		}
	})
}
