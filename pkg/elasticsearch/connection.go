package elasticsearch

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
)

// connection is the nodes, with one state of the credentials.
type connection struct {
	transport     *elastictransport.Client
	http          *http.Transport
	files         files
	authorization string   // header; "" for nobody
	secrets       []string // that no error may tell
}

const (
	dialTimeout = 10 * time.Second
	idleTimeout = 90 * time.Second
	mostIdle    = 16 // connections kept to a node
)

func connect(cfg Config, nodes []string, files files) (*connection, error) {
	tlsConfig, err := files.tls(cfg)
	if err != nil {
		return nil, err
	}
	c := &connection{files: files}
	switch {
	case files.apiKey != nil:
		c.authorization = "ApiKey " + string(files.apiKey)
		c.secrets = []string{string(files.apiKey)}
		if b, err := base64.StdEncoding.DecodeString(string(files.apiKey)); err == nil {
			_, key, _ := strings.Cut(string(b), ":")
			c.secrets = append(c.secrets, key)
		}
	case cfg.Username != "":
		pair := base64.StdEncoding.EncodeToString([]byte(cfg.Username + ":" + string(files.password)))
		c.authorization = "Basic " + pair
		c.secrets = []string{pair, string(files.password)}
	}
	c.http = &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: mostIdle,
		IdleConnTimeout:     idleTimeout,
	}
	return c, c.open(cfg, nodes)
}

// open makes the library's transport, which tries each node at most once for a call.
// That it repeats a call by the status of an answer is turned off: whoever calls knows
// how long to wait.
func (c *connection) open(cfg Config, nodes []string) (err error) {
	var urls []*url.URL
	for _, node := range nodes {
		u, err := url.Parse(node)
		if err != nil {
			return err
		}
		urls = append(urls, u)
	}
	retry := elastictransport.WithRetry(len(nodes)-1, 0) // status 0: none; no status at all would stand for some
	if len(nodes) == 1 {
		retry = elastictransport.WithDisableRetry()
	}
	c.transport, err = elastictransport.NewClient(
		elastictransport.WithUserAgent(cfg.UserAgent),
		elastictransport.WithTransport(nodeTripper{c.http}),
		elastictransport.WithURLs(urls...),
		elastictransport.WithConnectionPoolFunc(func(conns []*elastictransport.Connection, _ elastictransport.Selector) elastictransport.ConnectionPool {
			return newPool(conns, cfg.Now)
		}),
		elastictransport.WithRetryOnError(mayGoElsewhere),
		retry)
	return err
}

// Perform sends a request to a node, as the library's types of requests want it.
func (c *connection) Perform(req *http.Request) (*http.Response, error) {
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	return c.transport.Perform(req)
}

// close lets go of what is idle. Calls that are under way go on.
func (c *connection) close() {
	c.http.CloseIdleConnections() // the library's own Close would only have it refuse further calls
}

// againKey marks a call, in its context, that may reach two nodes.
type againKey struct{}

// mayGoElsewhere reports whether another node may get a request that failed: it never
// got out, or doing it twice does no harm.
func mayGoElsewhere(req *http.Request, err error) bool {
	if req.Context().Err() != nil {
		return false
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	again, _ := req.Context().Value(againKey{}).(bool)
	return again
}

// nodeTripper says in errors which node it was.
type nodeTripper struct{ *http.Transport }

func (t nodeTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if raw := req.URL.RawPath; raw != "" && req.URL.EscapedPath() != raw {
		// The library puts the path of a node's URL in front of one form of the path only.
		if plain, err := url.PathUnescape(raw); err == nil {
			u := *req.URL
			u.RawPath = strings.TrimSuffix(u.Path, plain) + raw
			req = req.WithContext(req.Context())
			req.URL = &u
		}
	}
	resp, err := t.Transport.RoundTrip(req)
	if err != nil {
		return nil, explain(req.URL.Host, err)
	}
	return resp, nil
}

// explain tells what usually is behind an error that does not say it.
func explain(node string, err error) error {
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("node %s: its certificate is signed by an authority that is not among those of the CA file, or the system's where there is none: %w", node, err)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("node %s: it does not speak TLS, the URL is to begin with http://: %w", node, err)
	}
	return fmt.Errorf("node %s: %w", node, err)
}

// untrusted reports whether a call failed for what the files are about.
func untrusted(err error) bool {
	var refused *Refused
	var verification *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		return refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden
	case errors.As(err, &verification):
		return true
	}
	return errors.As(err, &op) && op.Op == "remote error" // an alert of TLS: our certificate is not taken
}

// tls is for connections of https:// nodes.
func (f files) tls(cfg Config) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Time: cfg.Now}
	if f.ca != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(f.ca) {
			return nil, fmt.Errorf("the authorities: file %s has no certificate in PEM", cfg.CAFile)
		}
	}
	if f.cert != nil {
		pair, err := tls.X509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("the certificate: files %s and %s: %w", cfg.CertFile, cfg.KeyFile, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// compressors are kept, since each has hundreds of kilobytes of tables.
var compressors = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // there is such a level
	}
	return w
}}

// compress packs a body. The library could too, but would use the memory of one body
// again for the next while the first is still being sent.
func compress(body []byte) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, len(body)/6+512))
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	w.Reset(out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}
