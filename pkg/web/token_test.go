package web

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/search"
)

const (
	allToken  = "token-of-one-who-sees-all"
	shopToken = "token-of-one-who-sees-the-shop"
)

// changing is a secret that can change.
type changing struct {
	mu sync.Mutex
	s  string
}

func (c *changing) get() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s
}

func (c *changing) set(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s = s
}

func is(s string) func() string { return func() string { return s } }

func twoTokens(c *Config) {
	c.Tokens = []Token{
		{Name: "all", Secret: is(allToken), Scope: search.Everything, Import: true},
		{Name: "shop", Secret: is(shopToken), Scope: search.Scope{Clusters: []string{"prod"}, Namespaces: []string{"shop"}}, Import: true},
		{Name: "prod", Secret: is("token-of-one-who-sees-prod"), Scope: search.Scope{Clusters: []string{"prod"}}, Import: true},
		{Name: "reader", Secret: is("token-of-one-who-reads"), Scope: search.Everything},
		{Name: "short", Secret: is("short"), Scope: search.Everything},
		{Name: "none", Secret: is(""), Scope: search.Everything},
	}
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

func basic(name, password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}
}

func TestWhoIsLetIn(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, shop, func(c *Config) {
		twoTokens(c)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	for name, headers := range map[string][]string{
		"all":  bearer(allToken),
		"shop": basic("anybody", shopToken),
		"prod": {"Authorization", "bearer  token-of-one-who-sees-prod "},
	} {
		var s api.Status
		w.get("/status", &s, headers...)
		assert.Equal(t, name, s.Principal.Name)
	}
	for _, headers := range [][]string{
		nil, bearer("token-of-nobody"), bearer(""), bearer("short"), bearer(allToken + "x"), bearer(allToken[:len(allToken)-1]),
		basic(allToken, ""), basic("", ""), basic("all", "short"), {"Authorization", "Basic !!!"}, {"Authorization", allToken},
		{"Authorization", "Digest " + allToken}, append(bearer(allToken), bearer(allToken)...), bearer(shopToken + "," + allToken),
	} {
		for _, path := range []string{"/events", "/openapi.json", "/rules", "/nothing"} {
			a := w.ask("GET", path, "", headers...)
			assert.Equal(t, http.StatusUnauthorized, a.StatusCode, "%v %s", headers, path)
			assert.Equal(t, []string{`Bearer realm="kubewitness"`, `Basic realm="kubewitness", charset="UTF-8"`}, a.Header.Values("WWW-Authenticate"))
			assert.Equal(t, api.ProblemUnauthorized, w.problem(a).Type)
			w.handler.gate.failures.peers = map[string]*bucket{} // they would be too many for one peer
		}
	}
	assert.Equal(t, uint64(14*4), w.handler.Counters().Denied)
	for _, secret := range []string{allToken, shopToken, "token-of-nobody"} {
		assert.NotContains(t, log.String(), secret)
	}
}

func TestTokenNotInQueryOrBody(t *testing.T) {
	w := newWorld(t, nil, twoTokens)
	assert.Equal(t, http.StatusUnauthorized, w.ask("GET", "/events?token="+allToken, "").StatusCode)
}

// TestFailuresOfOnePeer: are answered slower and slower, and lock nobody out.
func TestFailuresOfOnePeer(t *testing.T) {
	now := noon
	w := newWorld(t, nil, func(c *Config) {
		twoTokens(c)
		c.Now = func() time.Time { return now }
	})
	try := func(peer string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", Prefix+"/rules", nil)
		r.RemoteAddr = peer
		if len(headers) > 0 {
			r.Header.Set(headers[0], headers[1])
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec
	}
	wrong := bearer("token-of-nobody")
	for range failuresAtOnce {
		assert.Equal(t, http.StatusUnauthorized, try("192.0.2.1:1", wrong...).Code)
	}
	rec := try("192.0.2.1:2", wrong...)
	assert.Equal(t, http.StatusTooManyRequests, rec.Code)
	assert.Equal(t, "3", rec.Header().Get("Retry-After"))
	assert.Equal(t, uint64(1), w.handler.Counters().Throttled)
	assert.Equal(t, http.StatusUnauthorized, try("192.0.2.2:1", wrong...).Code, "another peer")
	assert.Equal(t, http.StatusOK, try("192.0.2.1:3", bearer(allToken)...).Code, "who has a token is let in")
	now = now.Add(failureEvery)
	assert.Equal(t, http.StatusUnauthorized, try("192.0.2.1:4", wrong...).Code)
	for i := range 3 * peersKnown {
		try("peer-"+strconv.Itoa(i), wrong...)
	}
	assert.LessOrEqual(t, len(w.handler.gate.failures.peers), peersKnown)
}

func TestTokenThatChanges(t *testing.T) {
	secret := &changing{s: allToken}
	w := newWorld(t, nil, func(c *Config) {
		c.Tokens = []Token{{Name: "all", Secret: secret.get, Scope: search.Everything}}
	})
	assert.Equal(t, http.StatusOK, w.ask("GET", "/rules", "", bearer(allToken)...).StatusCode)
	secret.set("another-token-of-the-same")
	assert.Equal(t, http.StatusUnauthorized, w.ask("GET", "/rules", "", bearer(allToken)...).StatusCode)
	assert.Equal(t, http.StatusOK, w.ask("GET", "/rules", "", bearer("another-token-of-the-same")...).StatusCode)
	secret.set("")
	assert.Equal(t, http.StatusUnauthorized, w.ask("GET", "/rules", "", bearer("")...).StatusCode, "a token that is gone opens nothing")
}

func TestTokensThatCannotBe(t *testing.T) {
	good := func(c *Config) { c.Search, c.Now, c.Version = search.New(search.Config{}), time.Now, "v" }
	for _, tokens := range [][]Token{{{Name: "", Secret: is("")}}, {{Name: "a"}}, {{Name: "a", Secret: is("")}, {Name: "a", Secret: is("")}}} {
		cfg := Config{Tokens: tokens}
		good(&cfg)
		_, err := New(cfg)
		require.Error(t, err)
	}
	_, err := New(Config{})
	require.Error(t, err)
}

func TestWhoMayImport(t *testing.T) {
	w := newWorld(t, nil, twoTokens)
	e := made{cluster: "c", namespace: "new", user: "new", verb: "get", resource: "pods", name: "p"}.raw()
	for _, tt := range []struct {
		token, cluster string
		status         int
	}{
		{allToken, "anything", http.StatusOK},
		{"token-of-one-who-sees-prod", "prod", http.StatusOK},
		{"token-of-one-who-sees-prod", "stage", http.StatusForbidden},
		{"token-of-one-who-sees-prod", "", http.StatusForbidden},
		{shopToken, "prod", http.StatusForbidden},
		{"token-of-one-who-reads", "prod", http.StatusForbidden},
	} {
		a := w.ask("POST", "/import?cluster="+tt.cluster, e, append(bearer(tt.token), "Content-Type", "application/json")...)
		assert.Equal(t, tt.status, a.StatusCode, "%v %s", tt, a.body)
	}
}

func TestGuard(t *testing.T) {
	w := newWorld(t, nil, twoTokens)
	page := w.handler.Guard(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = rw.Write([]byte(PrincipalOf(r).Name))
	}))
	rec := httptest.NewRecorder()
	page.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, http.StatusUnauthorized, rec.Code)
	assert.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth("me", shopToken)
	rec = httptest.NewRecorder()
	page.ServeHTTP(rec, r)
	assert.Equal(t, "shop", rec.Body.String())
	assert.Equal(t, search.Principal{}, PrincipalOf(httptest.NewRequest("GET", "/", nil)), "nobody sees nothing")
	assert.True(t, strings.HasPrefix(Prefix, "/api/"))
}
