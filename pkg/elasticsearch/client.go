package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Client is a connection to a cluster. It is safe for concurrent use.
type Client struct {
	cfg      Config
	nodes    []string // URLs, checked
	conn     atomic.Pointer[connection]
	renewing sync.Mutex
}

// Open makes a client. It reads the files and connects to nobody.
func Open(cfg Config) (*Client, error) {
	nodes, err := cfg.check()
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	c := &Client{cfg: cfg, nodes: nodes}
	files, err := cfg.read()
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	conn, err := connect(cfg, nodes, files)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	c.conn.Store(conn)
	return c, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.conn.Load().close() }

// Info is what the cluster says of itself.
type Info struct {
	Name    string // of the cluster
	UUID    string
	Version string // "8.19.13"
}

// Info asks which cluster it is. That it is Elasticsearch is checked: the error is
// *NotElasticsearch where it is something else.
func (c *Client) Info(ctx context.Context) (Info, error) {
	a, err := c.send(ctx, call{method: http.MethodGet, again: true, do: func(ctx context.Context, t esapi.Transport) (*esapi.Response, error) {
		return esapi.InfoRequest{}.Do(ctx, t)
	}})
	if err != nil {
		return Info{}, err
	}
	var says struct {
		Name    string `json:"cluster_name"`
		UUID    string `json:"cluster_uuid"`
		Version struct{ Number string }
	}
	if a.header.Get("X-Elastic-Product") != "Elasticsearch" {
		return Info{}, &NotElasticsearch{}
	}
	if err := a.decode(&says); err != nil {
		return Info{}, err
	}
	if says.Version.Number == "" {
		return Info{}, a.unusable(errors.New("the answer tells no version"))
	}
	return Info{Name: says.Name, UUID: says.UUID, Version: says.Version.Number}, nil
}

// Do sends a request with a JSON body, if there is one, and reads the JSON of the
// answer into out, if that is not nil; a *json.RawMessage takes it as it is. path begins
// with a slash and is escaped, with its query. Errors are *Refused, *Unavailable and
// *TooLarge.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, out any) error {
	read := method == http.MethodGet || method == http.MethodHead
	a, err := c.send(ctx, call{method: method, size: len(body), again: read, do: func(ctx context.Context, t esapi.Transport) (*esapi.Response, error) {
		return c.perform(ctx, t, method, path, body)
	}})
	if err != nil || method == http.MethodHead {
		return err
	}
	if out == nil {
		out = &json.RawMessage{} // it has to be whole all the same
	}
	return a.decode(out)
}

// Search sends a search to a target, as the path names it: indices and data streams,
// separated by commas, or "" where the body has a point in time. It gives the answer as
// it came, which is one JSON object. Errors are as those of [Client.Do].
func (c *Client) Search(ctx context.Context, target string, body []byte) ([]byte, error) {
	path := "/_search"
	if target != "" {
		path = "/" + escape(target) + path
	}
	a, err := c.send(ctx, call{method: http.MethodPost, size: len(body), again: true, do: func(ctx context.Context, t esapi.Transport) (*esapi.Response, error) {
		return c.perform(ctx, t, http.MethodPost, path, body)
	}})
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	return raw, a.decode(&raw)
}

// perform sends a request that the library has no type of.
func (c *Client) perform(ctx context.Context, t esapi.Transport, method, path string, body []byte) (*esapi.Response, error) {
	reader, header, err := c.encode(body, "application/json")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(path, "/") {
		return nil, &malformed{fmt.Errorf("path %q does not begin with a slash", path)}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://node"+path, reader)
	if err != nil {
		return nil, &malformed{err}
	}
	req.Header = header
	resp, err := t.Perform(req)
	if err != nil {
		return nil, err
	}
	return &esapi.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: resp.Body}, nil
}

// encode gives a body as it is sent, with the headers that tell of it. It is a copy:
// a server may answer before it has read all, and what sends the rest then still does so
// when the caller has the answer and its buffer back.
func (c *Client) encode(body []byte, contentType string) (io.Reader, http.Header, error) {
	header := http.Header{}
	if len(body) == 0 {
		return nil, header, nil
	}
	header.Set("Content-Type", contentType)
	if !c.cfg.Gzip {
		return bytes.NewReader(bytes.Clone(body)), header, nil
	}
	header.Set("Content-Encoding", "gzip")
	packed, err := compress(body)
	return bytes.NewReader(packed), header, err
}

// call is what is sent, and sent again after credentials were replaced.
type call struct {
	method string
	size   int  // of the body, before it is compressed
	again  bool // another node may get it too, when nobody knows what the first one did with it
	do     func(context.Context, esapi.Transport) (*esapi.Response, error)
}

// send sends a call, and once more when it failed for want of rights, or of trust, and
// the files with the credentials are not what they were. Neither failure left anything
// done.
func (c *Client) send(ctx context.Context, call call) (*answer, error) {
	conn := c.conn.Load()
	a, err := c.try(ctx, conn, call)
	if err == nil || !untrusted(err) {
		return a, err
	}
	next, renewErr := c.renew(conn)
	switch {
	case renewErr != nil:
		return nil, fmt.Errorf("%w (and the files with the credentials cannot be read again: %w)", err, renewErr)
	case next == conn:
		return nil, err
	}
	return c.try(ctx, next, call)
}

func (c *Client) try(ctx context.Context, conn *connection, call call) (*answer, error) {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if call.again {
		limited = context.WithValue(limited, againKey{}, true)
	}
	resp, err := call.do(limited, conn)
	var bad *malformed
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("elasticsearch: %w", bad.error)
	case err != nil:
		return nil, c.failed(ctx, limited, err)
	}
	a, err := readAnswer(resp, call.method)
	if err != nil {
		return nil, c.failed(ctx, limited, err)
	}
	return a, a.refusal(call.size, conn.secrets, c.cfg.Now)
}

// failed is a call without a whole answer.
func (c *Client) failed(ctx, limited context.Context, err error) error {
	if ctx.Err() == nil && limited.Err() != nil {
		err = fmt.Errorf("no whole answer within %s: %w", c.cfg.Timeout, err)
	}
	return &Unavailable{Err: err}
}

// renew reads the files again, and connects anew when they changed. It gives the
// connection that counts from now on.
func (c *Client) renew(used *connection) (*connection, error) {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	if conn := c.conn.Load(); conn != used {
		return conn, nil // somebody else did
	}
	files, err := c.cfg.read()
	if err != nil {
		return nil, err
	}
	if files.equal(used.files) {
		return used, nil
	}
	conn, err := connect(c.cfg, c.nodes, files)
	if err != nil {
		return nil, err
	}
	c.conn.Store(conn)
	used.close()
	return conn, nil
}

// malformed is a request that cannot be sent, whoever takes it.
type malformed struct{ error }
