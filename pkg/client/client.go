package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// Config says where the service is, and who asks.
type Config struct {
	URL       string        // of the service: https://kubewitness.example.com:8443, with a path where it is behind one
	Token     func() string // the bearer token, asked for at each request; nil, or giving "": none
	CAFile    string        // authorities that sign the service's certificate, as PEM; "": the system's
	Timeout   time.Duration // of a whole answer that is not streamed; 0: none
	UserAgent string
	// Transport sends the requests; nil: a connection of its own, with the proxies of the
	// environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). CAFile is of the latter only.
	Transport http.RoundTripper
}

// Client talks to one service. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client

	// Of tails; others in tests.
	wait    func(ctx context.Context, d time.Duration) error
	silence time.Duration
}

// New makes a client. Nothing is sent yet.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		return nil, errors.New("client: the service's address is no URL; write it as in https://host:8443") // the text may hold a password
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		return nil, errors.New("client: the service's address needs http:// or https:// and a host, as in https://host:8443")
	case base.User != nil:
		return nil, errors.New("client: no password in the service's address, please: give a token")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("client: the service's address has a ? or # in it; leave out what follows")
	}
	c := &Client{cfg: cfg, base: base, wait: wait, silence: silence}
	transport := cfg.Transport
	if transport == nil {
		if transport, err = newTransport(cfg.CAFile); err != nil {
			return nil, err
		}
	}
	// The API never redirects. Whatever does is something else, and gets no token.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &http.Client{Transport: transport, CheckRedirect: stay}
	return c, nil
}

// connectTime is how long a connection may take to come about.
const connectTime = 10 * time.Second

func newTransport(caFile string) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTime}).DialContext,
		TLSHandshakeTimeout:   connectTime,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       time.Minute,
		ForceAttemptHTTP2:     true,
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client: %s has no certificate in PEM", caFile)
	}
	return t, nil
}

// wait waits for a time to pass.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// call is a request.
type call struct {
	method string
	path   string // below /api/v1/, its elements escaped
	query  url.Values
	accept string
	kind   string // of the body
	body   io.Reader
	header http.Header
	long   bool // Timeout does not count
}

// send sends a request; the answer is a success, and its body is to be closed.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	u := c.base.JoinPath("api/v1", k.path)
	u.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), k.body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	for name, values := range k.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", k.accept)
	if c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	if k.kind != "" {
		req.Header.Set("Content-Type", k.kind)
	}
	if c.cfg.Token != nil {
		if token := c.cfg.Token(); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode != http.StatusOK || typeOf(res) != k.accept {
		defer res.Body.Close()
		return nil, errorOf(res)
	}
	return res, nil
}

// unreachable says that no answer came, without the query, which says what is looked
// for.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return Unreachable{Host: c.base.Host, Err: err}
}

// maxAnswer bounds an answer that is not streamed, and a line of one that is.
const maxAnswer = 256 << 20

// get asks for one JSON answer.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.ask(ctx, call{method: http.MethodGet, path: path, query: query}, into)
}

// ask asks for one JSON answer.
func (c *Client) ask(ctx context.Context, k call, into any) error {
	k.accept = "application/json"
	body, _, err := c.whole(ctx, k)
	if err != nil {
		return err
	}
	return decode(body, into)
}

// whole asks for an answer that is not streamed.
func (c *Client) whole(ctx context.Context, k call) (body []byte, header http.Header, err error) {
	if c.cfg.Timeout > 0 && !k.long {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.cfg.Timeout, fmt.Errorf("client: no whole answer from %s in %v", c.base.Host, c.cfg.Timeout))
		defer cancel()
	}
	res, err := c.send(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case err != nil:
		return nil, nil, Incomplete{err}
	case len(body) > maxAnswer:
		return nil, nil, fmt.Errorf("client: the answer is longer than %d bytes; ask for less", maxAnswer)
	}
	return body, res.Header, nil
}

// decode reads JSON; numbers keep their digits.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("client: the answer is none of kubewitness' API: %w", err)
	}
	return nil
}
