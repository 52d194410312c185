package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// Error is an answer that is no success, or none of the API.
type Error struct {
	Status     int           // of HTTP
	Problem    *api.Problem  // what the service said; nil where it was not the service that answered
	Excerpt    string        // the begin of the answer, where Problem is nil
	RetryAfter time.Duration // when to ask again; 0: not told
}

// Error says what the service said.
func (e *Error) Error() string {
	if e.Problem != nil {
		return e.Problem.Error()
	}
	text := fmt.Sprintf("client: HTTP %d %s, and no word of kubewitness; is this its address?", e.Status, http.StatusText(e.Status))
	if e.Excerpt != "" {
		text += fmt.Sprintf(" It says %q", e.Excerpt)
	}
	return text
}

// Unwrap gives the problem.
func (e *Error) Unwrap() error {
	if e.Problem == nil {
		return nil
	}
	return e.Problem
}

// Again reports whether the same request may succeed later.
func (e *Error) Again() bool {
	return e.Status >= 500 && e.Status != http.StatusNotImplemented || e.Status == http.StatusTooManyRequests
}

// Incomplete is a stream that ended before the service said that this was all.
type Incomplete struct{ Err error }

// Error implements error.
func (e Incomplete) Error() string {
	return fmt.Sprintf("client: the answer broke off: %v", e.Err)
}

// Unwrap gives the cause.
func (e Incomplete) Unwrap() error { return e.Err }

// Unreachable is a request that no answer came to.
type Unreachable struct {
	Host string // of the service, with its port
	Err  error
}

// Error implements error.
func (e Unreachable) Error() string {
	return fmt.Sprintf("client: no answer from %s: %v", e.Host, e.Err)
}

// Unwrap gives the cause.
func (e Unreachable) Unwrap() error { return e.Err }

// Bounds of what is read of an answer that is no success.
const (
	maxProblem = 1 << 20
	maxExcerpt = 200
)

// errorOf reads an answer that is no success.
func errorOf(res *http.Response) error {
	e := &Error{Status: res.StatusCode}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 && s < 1<<20 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem)) // the status is told however much there is
	var p api.Problem
	if typeOf(res) == "application/problem+json" && json.Unmarshal(body, &p) == nil && p.Title+p.Detail != "" {
		e.Problem = &p
		return e
	}
	e.Excerpt = string(body[:min(len(body), maxExcerpt)])
	return e
}

// typeOf is the type of an answer's body.
func typeOf(res *http.Response) string {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}
