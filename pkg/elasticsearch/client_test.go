package elasticsearch

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// serve starts a node that answers as the function does.
func serve(t testing.TB, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s
}

// client opens a client of nodes; set changes its configuration.
func client(t testing.TB, set func(*Config), nodes ...string) *Client {
	t.Helper()
	cfg := Config{Nodes: nodes, Now: atNoon, UserAgent: "test"}
	if set != nil {
		set(&cfg)
	}
	c, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// says answers with a status and a body of JSON.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { say(w, status, body) }
}

func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// reset ends a connection without an answer.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// broken sends what is given, and ends the connection.
func broken(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, raw)
		conn.Close()
	}
}

const twoCreated = `{"errors":false,"items":[{"create":{"_index":"x-1","status":201}},{"create":{"_index":"x-1","status":201}}]}`

// packed is twoCreated as gzip has it.
func packed(t *testing.T) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, twoCreated)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// TestEnds goes through the ways in which a request can end. Those that say nothing of
// what was done are *Unavailable, so that the request is sent again.
func TestEnds(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	half := packed(t)[:40]
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   error // type and fields; Err of Unavailable is looked at by its text
		text   string
	}{
		{"done", says(200, twoCreated), nil, ""},
		{"done, another name of JSON", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
			_, _ = io.WriteString(w, twoCreated)
		}, nil, ""},
		{"reset", reset, &Unavailable{}, "node 127.0.0.1:"},
		{"closed", broken(""), &Unavailable{}, "EOF"},
		{"not HTTP", broken("SSH-2.0-OpenSSH_9.2\r\n"), &Unavailable{}, "malformed HTTP"},
		{"cut short by length", broken(head + "Content-Length: 1000\r\n\r\n" + twoCreated), &Unavailable{}, "status 200, ends after 108 bytes: unexpected EOF"},
		{"cut short in a chunk", broken(head + "Transfer-Encoding: chunked\r\n\r\nff\r\n" + twoCreated), &Unavailable{}, "unexpected EOF"},
		{"cut short between chunks", broken(head + "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n"), &Unavailable{}, "unexpected EOF"},
		{"cut short, packed", broken(fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", head, len(half), half)), &Unavailable{}, "unexpected EOF"},
		{"cut short where nothing tells", broken(head + "\r\n" + twoCreated[:50]), &Unavailable{}, "cannot be read"},
		{"an error, cut short", broken("HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\n{"), &Unavailable{}, "status 400, ends after 1 bytes"},
		{"nothing", says(200, ""), &Unavailable{}, "cannot be read"},
		{"garbage", says(200, "{]"), &Unavailable{}, "cannot be read"},
		{"more behind it", says(200, twoCreated+"{}"), &Unavailable{}, "cannot be read"},
		{"another thing", says(200, `{"acknowledged":true}`), &Unavailable{}, "not that of a bulk request"},
		{"too few", says(200, `{"errors":false,"items":[{"create":{"status":201}}]}`), &Unavailable{}, "tells of 1 documents, of 2"},
		{"too many", says(200, `{"errors":false,"items":[{},{},{}]}`), &Unavailable{}, "tells of 3 documents, of 2"},
		{"no status", says(200, `{"errors":false,"items":[{"create":{"status":201}},{"create":{}}]}`), &Unavailable{}, "document 2 of 2"},
		{"no action", says(200, `{"errors":false,"items":[{"created":{"status":201}},{"create":{"status":201}}]}`), &Unavailable{}, "document 1 of 2"},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>please log in") }, &Unavailable{}, "something else than Elasticsearch answers"},
		{"busy", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			say(w, 429, `{"error":{"type":"es_rejected_execution_exception","reason":"queue full"},"status":429}`)
		}, &Unavailable{Status: 429, After: 7 * time.Second}, "status 429, es_rejected_execution_exception: queue full"},
		{"down until a time", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", noon.Add(time.Minute).Format(http.TimeFormat))
			w.WriteHeader(503)
		}, &Unavailable{Status: 503, After: time.Minute}, "status 503: Service Unavailable"},
		{"down until a time that is over", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", noon.Add(-time.Minute).Format(http.TimeFormat))
			w.WriteHeader(503)
		}, &Unavailable{Status: 503}, ""},
		{"a gateway's page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "soon")
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<html>")
		}, &Unavailable{Status: 502}, "where JSON is expected"},
		{"timed out there", says(408, `{}`), &Unavailable{Status: 408}, ""},
		{"too large", says(413, ""), &TooLarge{Bytes: 4}, "a body of 4 bytes"},
		{"bad request", says(400, `{"error":{"type":"a","reason":"b","caused_by":{"type":"c","reason":"d"}},"status":400}`),
			&Refused{Status: 400, Type: "a", Reason: "b: d"}, "status 400, a: b: d"},
		{"a text", says(405, `{"error":"no such method","status":405}`), &Refused{Status: 405, Reason: "no such method"}, "status 405: no such method"},
		{"another's", says(404, `{"found":false}`), &Refused{Status: 404, Reason: "Not Found"}, ""},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://user:secret@elsewhere.example.com/", http.StatusTemporaryRedirect)
		}, &Refused{Status: 307, Type: "redirect", Reason: "the node sends us elsewhere, where credentials do not follow; give the address of Elasticsearch itself"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := client(t, nil, serve(t, c.answer).URL).Bulk(t.Context(), "x", []byte("body"), 2)
			if c.want == nil {
				require.NoError(t, err)
				assert.Equal(t, []BulkItem{{Status: 201, Index: "x-1"}, {Status: 201, Index: "x-1"}}, items)
				return
			}
			require.Error(t, err)
			assert.Nil(t, items)
			assert.ErrorContains(t, err, c.text)
			if u, ok := errors.AsType[*Unavailable](err); ok {
				err = &Unavailable{Status: u.Status, After: u.After}
			}
			assert.Equal(t, c.want, err)
		})
	}
}

// TestSent looks at what is sent.
func TestSent(t *testing.T) {
	var got *http.Request
	var body string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		in := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			var err error
			in, err = gzip.NewReader(in)
			assert.NoError(t, err)
		}
		b, err := io.ReadAll(in)
		assert.NoError(t, err)
		body = string(b)
		say(w, 200, `{"errors":false,"items":[{"create":{"status":201}}]}`)
	})
	for _, zip := range []bool{false, true} {
		c := client(t, func(cfg *Config) {
			cfg.Gzip, cfg.Username, cfg.PasswordFile = zip, "someone", file(t, "secret\n")
			cfg.Nodes = []string{s.URL + "/behind/"}
		})
		_, err := c.Bulk(t.Context(), "logs-a,b/c", []byte("two lines"), 1)
		require.NoError(t, err)
		assert.Equal(t, "two lines", body)
		assert.Equal(t, "/behind/logs-a,b%2Fc/_bulk", got.URL.EscapedPath())
		assert.Equal(t, "application/x-ndjson", got.Header.Get("Content-Type"))
		assert.Equal(t, "test", got.Header.Get("User-Agent"))
		user, password, _ := got.BasicAuth()
		assert.Equal(t, "someone secret", user+" "+password)

		var out json.RawMessage
		require.NoError(t, c.Do(t.Context(), "PUT", "/a%2Fb/_doc/1?refresh=true&x=%26", []byte(`{"a":1}`), &out))
		assert.Equal(t, "PUT /behind/a%2Fb/_doc/1?refresh=true&x=%26", got.Method+" "+got.RequestURI)
		assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
		assert.Equal(t, `{"a":1}`, body)
		assert.JSONEq(t, `{"errors":false,"items":[{"create":{"status":201}}]}`, string(out))

		require.NoError(t, c.Do(t.Context(), "GET", "/", nil, nil))
		assert.Equal(t, "", body+got.Header.Get("Content-Type")+got.Header.Get("Content-Encoding"))
	}
	c := client(t, func(cfg *Config) { cfg.APIKeyFile = file(t, "id:key") }, s.URL)
	require.NoError(t, c.Do(t.Context(), "HEAD", "/", nil, nil), "an answer without a body")
	assert.Equal(t, "ApiKey aWQ6a2V5", got.Header.Get("Authorization"))

	items, err := c.Bulk(t.Context(), "x", nil, 0)
	assert.Empty(t, items, "nothing to send")
	require.NoError(t, err)
	unavailable := new(Unavailable)
	for _, path := range []string{"no/slash", "/%zz", "/\n"} {
		err := c.Do(t.Context(), "GET", path, nil, nil)
		require.Error(t, err)
		assert.False(t, errors.As(err, &unavailable), "it will never be sent: %v", err)
	}
}

func TestInfo(t *testing.T) {
	const body = `{"name":"node","cluster_name":"prod","cluster_uuid":"u","version":{"number":"8.19.13"}}`
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		say(w, 200, body)
	})
	info, err := client(t, nil, s.URL).Info(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Info{Name: "prod", UUID: "u", Version: "8.19.13"}, info)

	_, err = client(t, nil, serve(t, says(200, body)).URL).Info(t.Context())
	var other *NotElasticsearch
	assert.ErrorAs(t, err, &other)
}

// TestSlow holds that a request ends in time, wherever the node stops, and says so.
func TestSlow(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
		"half of one": func(w http.ResponseWriter, r *http.Request) {
			say(w, 200, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, func(cfg *Config) { cfg.Timeout = 50 * time.Millisecond }, serve(t, answer).URL)
			err := c.Do(t.Context(), "GET", "/", nil, nil)
			var unavailable *Unavailable
			require.ErrorAs(t, err, &unavailable)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.ErrorContains(t, err, "no whole answer within 50ms")

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err = client(t, nil, serve(t, answer).URL).Do(ctx, "GET", "/", nil, nil)
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
}

// TestBodyAgain holds that a caller may use its buffer again, even where a node answers
// before it has read all. The race detector looks on.
func TestBodyAgain(t *testing.T) {
	s := serve(t, says(503, `{}`))
	for _, zip := range []bool{false, true} {
		c := client(t, func(cfg *Config) { cfg.Gzip = zip }, s.URL)
		body := make([]byte, 8<<20)
		for i := range 5 {
			for j := range body {
				body[j] = byte(i + j*j>>7)
			}
			_, err := c.Bulk(t.Context(), "x", body, 1)
			require.Error(t, err)
		}
	}
}

// TestNodes holds that a call goes on to another node where that does no harm.
func TestNodes(t *testing.T) {
	var calls atomic.Int32
	alive := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		calls.Add(1)
		say(w, 200, fmt.Sprintf(`{"body":%q}`, b))
	})
	gone := httptest.NewServer(nil)
	gone.Close()
	resets := serve(t, reset)
	var busyCalls atomic.Int32
	busy := serve(t, func(w http.ResponseWriter, _ *http.Request) { busyCalls.Add(1); say(w, 503, `{}`) })

	t.Run("nobody there", func(t *testing.T) {
		c := client(t, nil, gone.URL, alive.URL)
		var out struct{ Body string }
		require.NoError(t, c.Do(t.Context(), "POST", "/x/_rollover", []byte("once"), &out), "it was never sent")
		assert.Equal(t, "once", out.Body)
		err := client(t, nil, gone.URL).Do(t.Context(), "GET", "/", nil, nil)
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
	t.Run("a connection breaks", func(t *testing.T) {
		var out struct{ Body string }
		err := client(t, nil, resets.URL, alive.URL).Do(t.Context(), "POST", "/x/_rollover", []byte("twice?"), &out)
		var unavailable *Unavailable
		require.ErrorAs(t, err, &unavailable, "it may have been done")
		require.NoError(t, client(t, nil, resets.URL, alive.URL).Do(t.Context(), "GET", "/", nil, nil))
		raw, err := client(t, nil, resets.URL, alive.URL).Search(t.Context(), "x", []byte("query"))
		require.NoError(t, err)
		assert.JSONEq(t, `{"body":"query"}`, string(raw))
	})
	t.Run("the call waits for its own next time", func(t *testing.T) {
		before := calls.Load()
		err := client(t, nil, busy.URL, alive.URL).Do(t.Context(), "GET", "/", nil, nil)
		assert.Equal(t, 503, err.(*Unavailable).Status)
		assert.Equal(t, int32(1), busyCalls.Load())
		assert.Equal(t, before, calls.Load())
	})
	t.Run("all are gone", func(t *testing.T) {
		c := client(t, nil, gone.URL, gone.URL, resets.URL)
		for range 3 {
			var unavailable *Unavailable
			assert.ErrorAs(t, c.Do(t.Context(), "GET", "/", nil, nil), &unavailable)
		}
	})
}
