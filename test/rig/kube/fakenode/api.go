package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// object is a Kubernetes object.
type object = map[string]any

const (
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	plainJSON      = "application/json"
)

// api talks to the API server as the node.
type api struct {
	server string
	http   *http.Client
}

func dial(server, ca, cert, key string) (*api, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return &api{server, &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
	}}}, nil
}

// open sends a request; the answer has a status of 2xx, and its body is the
// caller's to close.
func (a *api) open(ctx context.Context, method, path, contentType string, body any) (*http.Response, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.server+path, r)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "kubelet/v1.35.4 (linux/amd64) fakenode")
	req.Header.Set("Accept", plainJSON)
	req.Header.Set("Content-Type", contentType)
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		msg, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return nil, &statusError{resp.StatusCode, fmt.Sprintf("%s %s: %s: %s", method, path, resp.Status, msg)}
	}
	return resp, nil
}

// statusError is an answer other than 2xx.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

// call sends a request and returns the object it is answered with.
func (a *api) call(ctx context.Context, method, path, contentType string, body any) (object, error) {
	resp, err := a.open(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var o object
	err = json.NewDecoder(resp.Body).Decode(&o)
	return o, err
}

// dig follows keys into objects; it gives nil where one is absent.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		o, _ := v.(object)
		v = o[k]
	}
	return v
}

// text is dig for strings.
func text(v any, keys ...string) string {
	s, _ := dig(v, keys...).(string)
	return s
}

// items is dig for lists.
func items(v any, keys ...string) []any {
	l, _ := dig(v, keys...).([]any)
	return l
}
