package elastic

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/rig/elastic"
)

// fault is what becomes of a request at a proxy.
type fault int

const (
	none       fault = iota
	busy             // 429, and the server has not seen it
	down             // 503, likewise
	reset            // the connection breaks, likewise
	resetAfter       // the connection breaks when the server has done it
	half             // half of the answer, of the length of a whole one
	truncated        // half of the answer, as if it were whole
	fewer            // an answer with one document less
	someBusy         // a third of the documents answered for with 429, though the server took them
	faults
)

// proxy stands between a client and a server, and spoils bulk requests.
type proxy struct {
	URL    string
	server *url.URL
	client *http.Client

	mu     sync.Mutex
	next   func(n int) fault // for the n-th bulk request, from 1
	before func(n int)       // called before it is handed on; may be nil
	n      int
	met    [faults]int
}

func newProxy(t *testing.T, s *elastic.Server, next func(n int) fault) *proxy {
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	p := &proxy{server: u, next: next, client: &http.Client{Transport: &http.Transport{DisableCompression: true}}}
	front := httptest.NewServer(p)
	t.Cleanup(func() {
		front.Close()
		p.client.CloseIdleConnections()
	})
	p.URL = front.URL
	return p
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f := none
	if strings.HasSuffix(r.URL.Path, "/_bulk") {
		f = p.draw()
	}
	switch f {
	case busy:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case down:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case reset:
		hangUp(w)
		return
	}
	answer, status, header, err := p.pass(r, body)
	switch {
	case err != nil || f == resetAfter:
		hangUp(w)
		return
	case f == truncated:
		answer = answer[:len(answer)/2]
	case f == fewer || f == someBusy:
		answer = spoil(answer, f)
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	if f == half {
		_, _ = w.Write(answer[:len(answer)/2])
		hangUp(w)
		return
	}
	_, _ = w.Write(answer)
}

func (p *proxy) draw() fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	if p.before != nil {
		p.before(p.n)
	}
	f := p.next(p.n)
	p.met[f]++
	return f
}

// pass hands a request on and reads the answer.
func (p *proxy) pass(r *http.Request, body []byte) (answer []byte, status int, header http.Header, err error) {
	out := httputil.ProxyRequest{In: r, Out: r.Clone(r.Context())}
	out.SetURL(p.server)
	out.Out.RequestURI, out.Out.Body, out.Out.ContentLength = "", io.NopCloser(bytes.NewReader(body)), int64(len(body))
	out.Out.Header.Del("Accept-Encoding")
	resp, err := p.client.Do(out.Out)
	if err != nil {
		return nil, 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return answer, resp.StatusCode, resp.Header, err
}

// spoil changes what a bulk answer says of documents.
func spoil(answer []byte, f fault) []byte {
	var says map[string]any
	if json.Unmarshal(answer, &says) != nil {
		return answer
	}
	items, _ := says["items"].([]any)
	if f == fewer && len(items) > 0 {
		says["items"] = items[1:]
	} else {
		says["errors"] = true
		for i := 0; i < len(items); i += 3 {
			for _, item := range items[i].(map[string]any) {
				item.(map[string]any)["status"] = http.StatusTooManyRequests
				item.(map[string]any)["error"] = map[string]any{"type": "es_rejected_execution_exception", "reason": "rejected execution"}
			}
		}
	}
	answer, _ = json.Marshal(says)
	return answer
}

// hangUp breaks the connection.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an end
	}
	_ = conn.Close()
}
