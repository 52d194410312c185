package rig

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Client is somebody who sends requests to the API server. It may be used by
// several goroutines.
type Client struct {
	server  string
	token   string
	h2      *http.Client
	streams *http.Client // HTTP/1.1, which alone can be upgraded
}

// Request is one request. Body may be nil, a string or bytes that are sent as they
// are, or anything that has a JSON form.
type Request struct {
	Method string
	Path   string // with the query
	Type   string // content type; "": application/json
	Body   any
	Header map[string]string
}

// Response is the answer to a request.
type Response struct {
	Code    int    // HTTP status
	AuditID string // of its audit events
	Body    []byte
}

// streamWithin bounds how long a stream is read from, should the other side not
// end it.
const streamWithin = 5 * time.Second

// Client gives a new user, who logs in with a certificate.
func (c *Cluster) Client(user string, groups ...string) *Client {
	c.users++
	return c.connect(c.ca.Issue("user-"+strconv.Itoa(c.users), user, groups...))
}

// Admin gives the administrator.
func (c *Cluster) Admin() *Client { return c.admin }

// Anonymous gives somebody who shows no credential.
func (c *Cluster) Anonymous() *Client { return c.connect(Identity{}) }

// Bearer gives somebody with a token.
func (c *Cluster) Bearer(token string) *Client {
	cl := c.connect(Identity{})
	cl.token = token
	return cl
}

func (c *Cluster) connect(id Identity) *Client {
	config := &tls.Config{RootCAs: c.ca.pool()}
	if id.PrivateKey != nil {
		config.Certificates = []tls.Certificate{id.Certificate}
	}
	h2 := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	h1 := &http.Transport{TLSClientConfig: config.Clone()}
	c.tb.Cleanup(h2.CloseIdleConnections)
	return &Client{server: c.Server, h2: &http.Client{Transport: h2}, streams: &http.Client{Transport: h1}}
}

// HTTP returns the client's connection, for requests that Do does not cover. It
// carries the certificate, not the token.
func (cl *Client) HTTP() *http.Client { return cl.h2 }

// Do sends a request and reads the whole answer. A stream, asked for by the header
// Upgrade, is read until the other side ends it. The error is one of the
// connection; an answer of 4xx or 5xx is none.
func (cl *Client) Do(ctx context.Context, r Request) (Response, error) {
	req, err := cl.request(ctx, r)
	if err != nil {
		return Response{}, err
	}
	send := cl.h2.Do
	if r.Header["Upgrade"] != "" {
		send = cl.streams.Do
		req.Header.Set("Audit-ID", newAuditID()) // the answer is the kubelet's own and names none
	}
	resp, err := send(req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	answer := Response{Code: resp.StatusCode, AuditID: resp.Header.Get("Audit-Id")}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		answer.AuditID = req.Header.Get("Audit-ID")
		answer.Body = drain(resp, r.Header["Upgrade"])
		return answer, nil
	}
	answer.Body, err = io.ReadAll(resp.Body)
	return answer, err
}

func (cl *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	var body io.Reader
	switch b := r.Body.(type) {
	case nil:
	case string:
		body = bytes.NewReader([]byte(b))
	case []byte:
		body = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("rig: %w", err)
		}
		body = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, cl.server+r.Path, body)
	if err != nil {
		return nil, fmt.Errorf("rig: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "kubectl/v1.35.4 (linux/amd64) rig")
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.Type != "" {
		req.Header.Set("Content-Type", r.Type)
	}
	if cl.token != "" {
		req.Header.Set("Authorization", "Bearer "+cl.token)
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	return req, nil
}

// newAuditID is an id as the API server makes them.
func newAuditID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// drain reads a stream to its end. On SPDY nothing comes before streams are opened,
// so it is closed at once.
func drain(resp *http.Response, protocol string) []byte {
	if protocol != "websocket" {
		return nil
	}
	guard := time.AfterFunc(streamWithin, func() { resp.Body.Close() })
	defer guard.Stop()
	b, _ := io.ReadAll(resp.Body) // that the connection breaks off is how some streams end
	return b
}
