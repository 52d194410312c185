package client

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// The servers here are broken ones, or none of kubewitness'; how the client gets on with
// the service itself is tested beside its handler, in package web.

func newClient(t *testing.T, url string, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{URL: url, Token: func() string { return "s3cret" }, Timeout: time.Minute}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// serve serves what claims to be of the type asked for.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAddress(t *testing.T) {
	for url, want := range map[string]string{
		"":                        "needs http:// or https:// and a host",
		"kubewitness:8443":        "needs http:// or https:// and a host",
		"ftp://x":                 "needs http:// or https:// and a host",
		"https://":                "needs http:// or https:// and a host",
		"https://me:s3cret@x":     "no password in",
		"https://x/?token=s3cret": "has a ? or #",
		"https://x y:s3cret@/":    "is no URL",
	} {
		_, err := New(Config{URL: url})
		require.ErrorContains(t, err, want, url)
		assert.NotContains(t, err.Error(), "s3cret")
	}
}

func TestPathBeforeTheAPI(t *testing.T) {
	var asked string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.EscapedPath() + " " + r.Header.Get("Authorization")
		io.WriteString(w, "{}")
	})
	_, err := newClient(t, url+"/audit/").Event(t.Context(), "a/b?c")
	require.NoError(t, err)
	assert.Equal(t, "/audit/api/v1/events/a%2Fb%3Fc Bearer s3cret", asked)
}

// TestNotKubewitness: what answers is something else.
func TestNotKubewitness(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>")
		},
		"a gateway":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "upstream\x1b[2J", http.StatusBadGateway) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"no JSON in a problem": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "{")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, h))
			_, err := c.Events(t.Context(), Query{})
			require.ErrorContains(t, err, "kubewitness")
			assert.NotContains(t, err.Error(), "\x1b")
			_, err = c.EachEvent(t.Context(), Query{}, func(*api.Event) error { return nil })
			require.Error(t, err)
			require.Error(t, c.Tail(t.Context(), Query{}, Follow{}))
		})
	}
}

// TestTokenStays: it is not sent to where a redirect leads.
func TestTokenStays(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	_, err := newClient(t, url).Status(t.Context())
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, http.StatusTemporaryRedirect, e.Status)
}

func TestProblem(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		json.NewEncoder(w).Encode(api.Problem{Type: api.ProblemBusy, Title: "busy", Status: 429, Detail: "too many hunts"})
	})
	_, err := newClient(t, url).Hunt(t.Context(), nil, Query{}, nil)
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 3*time.Second, e.RetryAfter)
	assert.True(t, e.Again())
	assert.EqualError(t, err, "too many hunts")
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	assert.Equal(t, api.ProblemBusy, p.Type)
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = newClient(t, "http://"+l.Addr().String()).Events(t.Context(), Query{Text: "s3cret"})
	var u Unreachable
	require.ErrorAs(t, err, &u)
	assert.Equal(t, l.Addr().String(), u.Host)
	assert.NotContains(t, err.Error(), "s3cret")
}

// TestSilentService: an answer that does not come, or not to its end, is not waited for.
func TestSilentService(t *testing.T) {
	for _, begin := range []string{"", "{"} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if begin != "" {
				io.WriteString(w, begin)
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done()
		})
		c := newClient(t, url, func(c *Config) { c.Timeout = 50 * time.Millisecond })
		_, err := c.Rules(t.Context())
		require.ErrorContains(t, err, "no whole answer from")
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(stop)
		_, err = c.Rules(ctx)
		require.ErrorIs(t, err, stop)
	}
}

const line = `{"id":"%d","sentence":"s","detections":[{"rule":"r","output_fields":{"evt.rawtime":1763752676428497001}}],"event":{"a": 1}}` + "\n"

// TestCutStream: an answer without its last line is not taken for all of it, and what
// came is given.
func TestCutStream(t *testing.T) {
	for name, tt := range map[string]struct {
		rest string
		want string
	}{
		"at a line":      {"", "broke off: unexpected EOF"},
		"within a line":  {`{"id":"x","ev`, "broke off: unexpected EOF"},
		"an error alone": {`{"error":{"title":"t","detail":"the disk broke","status":500}}` + "\n", "the disk broke"},
		"a summary and half a line more": {
			`{"summary":{"hits":2}}` + "\n{", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, line+line+"%s", 1, 2, tt.rest)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}))
			var got []string
			_, err := c.EachEvent(t.Context(), Query{}, func(e *api.Event) error {
				got = append(got, e.ID)
				assert.JSONEq(t, `{"a":1}`, string(e.Event))
				assert.Equal(t, json.Number("1763752676428497001"), e.Detections[0].OutputFields["evt.rawtime"], "numbers keep their digits")
				return nil
			})
			assert.Equal(t, []string{"1", "2"}, got)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestEnough: a stream that is not wanted any more is let go of.
func TestEnough(t *testing.T) {
	gone := make(chan struct{})
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		for r.Context().Err() == nil {
			fmt.Fprintf(w, line, 1)
			w.(http.Flusher).Flush()
		}
	}))
	enough := errors.New("enough")
	_, err := c.EachEvent(t.Context(), Query{}, func(*api.Event) error { return enough })
	require.ErrorIs(t, err, enough)
	<-gone
}

// TestTailConnectsAgain: with the id of the last notice that came whole, after growing
// times, as long as it may help.
func TestTailConnectsAgain(t *testing.T) {
	var asked []string
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Last-Event-ID"))
		switch len(asked) {
		case 1:
			fmt.Fprint(w, ": here\nretry: 2500\n\nid: a\nevent: event\ndata: {\"id\":\"1\"}\n\nid: b\nevent: lagged\ndata: {\"events\":5}\n\nid: c\nevent: event\nda")
		case 2:
			http.Error(w, "", http.StatusBadGateway)
		case 3:
			fmt.Fprint(w, "id: d\nevent: later versions\ndata: x\n\nid: e\nevent: detection\ndata: {\"id\":\"2\"}\n\n")
		case 4:
			fmt.Fprint(w, "event: error\ndata: {\"status\":503,\"title\":\"busy\"}\n\n")
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	var got []string
	var waited []time.Duration
	c.wait = func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}
	lost := 0
	err := c.Tail(t.Context(), Query{}, Follow{
		Event:  func(e *api.Event) error { got = append(got, e.ID); return nil },
		Lagged: func(l api.Lagged) { got = append(got, fmt.Sprint("lagged ", l.Events)) },
		Lost:   func(error, time.Duration) { lost++ },
	})
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, http.StatusUnauthorized, e.Status)
	assert.Equal(t, []string{"", "b", "b", "e", "e"}, asked)
	assert.Equal(t, []string{"1", "lagged 5", "2"}, got)
	assert.Equal(t, []time.Duration{2500 * time.Millisecond, 2500 * time.Millisecond, time.Second, 2 * time.Second}, waited)
	assert.Equal(t, 4, lost)
}

// TestTailOfSilence: a connection on which nothing comes, not even pings, is lost.
func TestTailOfSilence(t *testing.T) {
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "event: ping\ndata: {}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	c.silence = 20 * time.Millisecond
	enough := errors.New("enough")
	c.wait = func(context.Context, time.Duration) error { return enough }
	var cause error
	err := c.Tail(t.Context(), Query{}, Follow{Lost: func(err error, _ time.Duration) { cause = err }})
	require.ErrorIs(t, err, enough)
	require.ErrorIs(t, cause, errSilent)
}

// TestTailEnds: with the reader's error, with the context's, and at once where nobody is
// there.
func TestTailEnds(t *testing.T) {
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "id: a\nevent: event\ndata: {\"id\":\"1\"}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	enough := errors.New("enough")
	require.ErrorIs(t, c.Tail(t.Context(), Query{}, Follow{Event: func(*api.Event) error { return enough }}), enough)
	ctx, cancel := context.WithCancelCause(t.Context())
	err := c.Tail(ctx, Query{}, Follow{Event: func(*api.Event) error { cancel(enough); return nil }})
	require.ErrorIs(t, err, enough)

	nobody := newClient(t, "http://127.0.0.1:1")
	var u Unreachable
	require.ErrorAs(t, nobody.Tail(t.Context(), Query{}, Follow{}), &u)
}

func TestCAFile(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"version":"v"}`)
	}))
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	require.NoError(t, os.WriteFile(ca, block, 0o600))
	status, err := newClient(t, s.URL, func(c *Config) { c.CAFile = ca }).Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "v", status.Version)
	_, err = newClient(t, s.URL).Status(t.Context())
	require.ErrorContains(t, err, "certificate")

	require.NoError(t, os.WriteFile(ca, []byte("nonsense"), 0o600))
	_, err = New(Config{URL: s.URL, CAFile: ca})
	require.ErrorContains(t, err, "has no certificate in PEM")
	_, err = New(Config{URL: s.URL, CAFile: ca + "x"})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestQuery(t *testing.T) {
	at := time.Date(2026, 11, 21, 20, 0, 0, 1, time.FixedZone("", 3600))
	assert.Empty(t, Query{}.values().Encode())
	assert.Equal(t, "after=p&cluster=a&cluster=b&detections=true&from=2026-11-21T19%3A00%3A00.000000001Z&limit=5&priority=error"+
		"&q=ka.verb+%3D+get&rule=r&since=7d&text=%26&to=2026-11-21T19%3A00%3A00.000000001Z", Query{
		Condition: "ka.verb = get", Text: "&", From: at, To: at, Since: "7d", Clusters: []string{"a", "b"}, Rules: []string{"r"},
		Detections: true, Priority: "error", Limit: 5, After: "p",
	}.values().Encode())
	assert.True(t, strings.HasSuffix(timeText(at), "Z"))
}
