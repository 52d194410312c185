package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// Client sends requests. It may be used by several goroutines.
type Client struct {
	http   *http.Client
	server *url.URL
}

// Server is the address of the API server, without credentials.
func (c *Client) Server() string { return c.server.Scheme + "://" + c.server.Host }

// Resource is a kind of objects, as paths have it.
type Resource struct {
	Group   string // "" is the core group
	Version string
	Name    string // plural
}

// String is the resource as RBAC and kubectl write it.
func (r Resource) String() string {
	if r.Group == "" {
		return r.Name
	}
	return r.Name + "." + r.Group
}

// path is where objects of a namespace are, "" for those that are in none.
func (r Resource) path(namespace string, rest ...string) string {
	parts := []string{"/apis", r.Group, r.Version}
	if r.Group == "" {
		parts = []string{"/api", r.Version}
	}
	if namespace != "" {
		parts = append(parts, "namespaces", url.PathEscape(namespace))
	}
	parts = append(parts, r.Name)
	for _, s := range rest {
		parts = append(parts, url.PathEscape(s))
	}
	return path.Join(parts...)
}

// Error is what the API server refused with.
type Error struct {
	Status  int    // HTTP
	Reason  string // as Forbidden, NotFound, AlreadyExists, Conflict
	Message string // for people; of the server
}

// Error implements error.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the API server answered %d", e.Status)
	}
	return e.Message
}

// Is tells whether an error is the API server's refusal with an HTTP status.
func Is(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// Answer is what comes with an object.
type Answer struct {
	Warnings []string  // for the user, of webhooks among them
	Time     time.Time // by the API server's clock, to the second; zero: it did not say
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// Get reads an object.
func (c *Client) Get(ctx context.Context, r Resource, namespace, name string, into any) error {
	_, err := c.do(ctx, http.MethodGet, r.path(namespace, name), nil, nil, into)
	return err
}

// List reads the objects of a namespace, "" for all, that have labels as selector says, "" for
// all.
func (c *Client) List(ctx context.Context, r Resource, namespace, selector string, into any) error {
	query := url.Values{}
	if selector != "" {
		query.Set("labelSelector", selector)
	}
	_, err := c.do(ctx, http.MethodGet, r.path(namespace), query, nil, into)
	return err
}

// Create makes an object; into, which may be nil, is it as it is stored.
func (c *Client) Create(ctx context.Context, r Resource, namespace string, object, into any) (Answer, error) {
	return c.do(ctx, http.MethodPost, r.path(namespace), nil, object, into)
}

// Try is Create without anything being stored: a dry run that passes admission.
func (c *Client) Try(ctx context.Context, r Resource, namespace string, object any) (Answer, error) {
	return c.do(ctx, http.MethodPost, r.path(namespace), url.Values{"dryRun": {"All"}}, object, nil)
}

// Replace writes an object in place of the one that there is. One with a resourceVersion
// is not written over what somebody else wrote since: that is a 409.
func (c *Client) Replace(ctx context.Context, r Resource, namespace, name string, object, into any) error {
	_, err := c.do(ctx, http.MethodPut, r.path(namespace, name), nil, object, into)
	return err
}

// Delete removes an object; one that is not there is a 404.
func (c *Client) Delete(ctx context.Context, r Resource, namespace, name string) error {
	_, err := c.do(ctx, http.MethodDelete, r.path(namespace, name), nil, nil, nil)
	return err
}

// Read reads what is no object: /version, /apis.
func (c *Client) Read(ctx context.Context, path string, into any) (Answer, error) {
	return c.do(ctx, http.MethodGet, path, nil, nil, into)
}

// Notice is one thing that happened to an object that is watched.
type Notice struct {
	Type   string // ADDED, MODIFIED, DELETED, BOOKMARK; ERROR with a Status
	Object json.RawMessage
}

// Watch tells what happens to the objects of a resource in all namespaces, from a resourceVersion of
// a list on, until the context ends, each returns an error, or the server closes the stream, which it
// does after five minutes: that is no error. Access.Timeout has to be longer than that.
func (c *Client) Watch(ctx context.Context, r Resource, version string, each func(Notice) error) error {
	query := url.Values{"watch": {"1"}, "resourceVersion": {version}, "allowWatchBookmarks": {"true"}, "timeoutSeconds": {"300"}}
	req, err := c.request(ctx, http.MethodGet, r.path(""), query, nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return &Unreachable{Server: c.Server(), Err: cause(err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		content, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		return refusal(resp.StatusCode, content)
	}
	for d := json.NewDecoder(resp.Body); ; {
		var n Notice
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return &Unreachable{Server: c.Server(), Err: err}
		}
		if n.Type == "ERROR" {
			var s struct{ Code int }
			_ = json.Unmarshal(n.Object, &s) // what is none has no code
			return refusal(s.Code, n.Object)
		}
		if err := each(n); err != nil {
			return err
		}
	}
}

func (c *Client) do(ctx context.Context, method, path string, query url.Values, body, into any) (Answer, error) {
	req, err := c.request(ctx, method, path, query, body)
	if err != nil {
		return Answer{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, &Unreachable{Server: c.Server(), Err: cause(err)}
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{}, &Unreachable{Server: c.Server(), Err: err}
	}
	var a Answer
	if warnings, errs := utilnet.ParseWarningHeaders(resp.Header.Values("Warning")); len(errs) == 0 {
		for _, w := range warnings {
			a.Warnings = append(a.Warnings, w.Text)
		}
	}
	a.Time, _ = http.ParseTime(resp.Header.Get("Date"))
	if resp.StatusCode >= http.StatusBadRequest {
		return a, refusal(resp.StatusCode, content)
	}
	if into == nil {
		return a, nil
	}
	if err := json.Unmarshal(content, into); err != nil {
		return a, fmt.Errorf("kube: the answer to %s %s: %w", method, path, err)
	}
	return a, nil
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body any) (*http.Request, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("kube: %w", err)
		}
		in = bytes.NewReader(b)
	}
	at := c.server.JoinPath(path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), in)
	if err != nil {
		return nil, fmt.Errorf("kube: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// Unreachable tells that there was no answer; another try may have one.
type Unreachable struct {
	Server string
	Err    error
}

// Error implements error.
func (u *Unreachable) Error() string {
	return fmt.Sprintf("the API server at %s cannot be reached: %v", u.Server, u.Err)
}

// Unwrap gives the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

// cause takes the request's line off an error, which says it once more.
func cause(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// refusal reads a Status of the API server, or whatever else answered in its place.
func refusal(status int, content []byte) error {
	e := &Error{Status: status}
	var s struct{ Kind, Message, Reason string }
	if json.Unmarshal(content, &s) == nil && s.Kind == "Status" {
		e.Message, e.Reason = s.Message, s.Reason
	}
	return e
}
