package kube

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	configMaps = Resource{Version: "v1", Name: "configmaps"}
	roles      = Resource{Group: "rbac.authorization.k8s.io", Version: "v1", Name: "clusterroles"}
)

// apiServer writes down requests and answers all with the same.
type apiServer struct {
	*httptest.Server
	asked  []string
	status int
	answer string
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{status: http.StatusOK, answer: `{"kind":"ConfigMap","metadata":{"name":"a"}}`}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.asked = append(s.asked, fmt.Sprint(r.Method, " ", r.URL.RequestURI(), " ", string(body), " ", r.Header.Get("Authorization"), " ", r.UserAgent()))
		w.Header().Add("Warning", `299 - "one \"quoted\""`)
		w.Header().Add("Warning", `299 - "two"`)
		w.Header().Set("Date", "Mon, 30 Nov 2026 12:00:00 GMT")
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// kubeconfig is a file for the server, with two contexts.
func (s *apiServer) kubeconfig(t *testing.T) string {
	t.Helper()
	type m = map[string]any
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	b, err := json.Marshal(m{
		"apiVersion": "v1", "kind": "Config", "current-context": "one",
		"clusters": []m{{"name": "c", "cluster": m{"server": s.URL + "/behind", "certificate-authority-data": ca}}},
		"users":    []m{{"name": "jane", "user": m{"token": "of-jane"}}, {"name": "joe", "user": m{"token": "of-joe"}}},
		"contexts": []m{{"name": "one", "context": m{"cluster": "c", "user": "jane"}}, {"name": "two", "context": m{"cluster": "c", "user": "joe"}}},
	})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	return file
}

// TestRequests: over TLS, by a kubeconfig, what is asked for what.
func TestRequests(t *testing.T) {
	s := newAPIServer(t)
	c, err := Dial(Access{Kubeconfig: s.kubeconfig(t), Agent: "kubewitness/test"})
	require.NoError(t, err)
	assert.Equal(t, s.URL, c.Server())
	ctx, object := t.Context(), map[string]any{"a": 1}
	var got struct{ Metadata struct{ Name string } }
	require.NoError(t, c.Get(ctx, configMaps, "shop", "a", &got))
	assert.Equal(t, "a", got.Metadata.Name)
	require.NoError(t, c.List(ctx, roles, "", "x=y,z", nil))
	answer, err := c.Try(ctx, configMaps, "shop", object)
	require.NoError(t, err)
	assert.Equal(t, Answer{Warnings: []string{`one "quoted"`, "two"}, Time: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}, answer)
	_, err = c.Create(ctx, roles, "", object, nil)
	require.NoError(t, err)
	require.NoError(t, c.Replace(ctx, configMaps, "shop", "a", object, nil))
	require.NoError(t, c.Delete(ctx, roles, "", "a"))
	_, err = c.Read(ctx, "/version", nil)
	require.NoError(t, err)
	const who = " Bearer of-jane kubewitness/test"
	assert.Equal(t, []string{
		"GET /behind/api/v1/namespaces/shop/configmaps/a " + who,
		"GET /behind/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=x%3Dy%2Cz " + who,
		`POST /behind/api/v1/namespaces/shop/configmaps?dryRun=All {"a":1}` + who,
		`POST /behind/apis/rbac.authorization.k8s.io/v1/clusterroles {"a":1}` + who,
		`PUT /behind/api/v1/namespaces/shop/configmaps/a {"a":1}` + who,
		"DELETE /behind/apis/rbac.authorization.k8s.io/v1/clusterroles/a " + who,
		"GET /behind/version " + who,
	}, s.asked)

	c, err = Dial(Access{Kubeconfig: s.kubeconfig(t), Context: "two"})
	require.NoError(t, err)
	require.NoError(t, c.Get(ctx, configMaps, "shop", "a", nil))
	assert.Contains(t, s.asked[len(s.asked)-1], "Bearer of-joe")
}

// TestRefusals: what the API server says is what is told; another's answer by its code.
func TestRefusals(t *testing.T) {
	s := newAPIServer(t)
	c, err := Dial(Access{Kubeconfig: s.kubeconfig(t)})
	require.NoError(t, err)
	s.status, s.answer = http.StatusForbidden, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"jane may not"}`
	answer, err := c.Try(t.Context(), configMaps, "shop", map[string]any{})
	require.EqualError(t, err, "jane may not")
	assert.True(t, Is(err, http.StatusForbidden))
	assert.False(t, Is(err, http.StatusNotFound))
	assert.Len(t, answer.Warnings, 2, "a refusal can have warnings")
	s.status, s.answer = http.StatusBadGateway, "<html>"
	require.EqualError(t, c.Get(t.Context(), configMaps, "shop", "a", nil), "the API server answered 502")
	s.status = http.StatusOK
	require.ErrorContains(t, c.Get(t.Context(), configMaps, "shop", "a", &struct{}{}), "the answer to GET /api/v1/namespaces/shop/configmaps/a")
	s.Close()
	err = c.Get(t.Context(), configMaps, "shop", "a", nil)
	var u *Unreachable
	require.True(t, errors.As(err, &u))
	assert.ErrorContains(t, err, "the API server at "+s.URL+" cannot be reached: ")
}

func TestDialRefuses(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "nothing"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, err := Dial(Access{})
	assert.ErrorContains(t, err, "name a file with --kubeconfig")
	_, err = Dial(Access{Kubeconfig: filepath.Join(t.TempDir(), "nowhere")})
	assert.ErrorContains(t, err, "no such file")
	_, err = Dial(Access{Kubeconfig: newAPIServer(t).kubeconfig(t), Context: "three"})
	assert.ErrorContains(t, err, `"three" does not exist`)
}

// TestWatch: each notice is told, until the server or the caller has enough.
func TestWatch(t *testing.T) {
	s := newAPIServer(t)
	c, err := Dial(Access{Kubeconfig: s.kubeconfig(t)})
	require.NoError(t, err)
	var seen []string
	note := func(n Notice) error {
		seen = append(seen, n.Type+" "+string(n.Object))
		return nil
	}
	s.answer = `{"type":"ADDED","object":{"a":1}}` + "\n" + `{"type":"DELETED","object":{}}` + "\n"
	require.NoError(t, c.Watch(t.Context(), configMaps, "7", note))
	assert.Equal(t, []string{`ADDED {"a":1}`, "DELETED {}"}, seen)
	assert.Contains(t, s.asked[0], "GET /behind/api/v1/configmaps?allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300&watch=1 ")
	enough := errors.New("enough")
	require.ErrorIs(t, c.Watch(t.Context(), configMaps, "7", func(Notice) error { return enough }), enough)
	s.answer = `{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}`
	err = c.Watch(t.Context(), configMaps, "7", note)
	assert.True(t, Is(err, http.StatusGone), "%v", err)
	s.answer = `{"type":"AD`
	assert.True(t, errors.As(c.Watch(t.Context(), configMaps, "7", note), new(*Unreachable)), "it broke off")
	s.status, s.answer = http.StatusForbidden, `{"kind":"Status","message":"jane may not"}`
	require.EqualError(t, c.Watch(t.Context(), configMaps, "7", note), "jane may not")
}
