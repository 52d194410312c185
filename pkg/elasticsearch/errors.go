package elasticsearch

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Refused is an answer which the same request will get again: a redirect, or a 4xx but
// 408, 413 and 429. Status 401 and 403 may end when somebody changes rights.
type Refused struct {
	Status int
	Type   string // of the error, as Elasticsearch names it: "security_exception"
	Reason string
}

// Error implements error.
func (e *Refused) Error() string {
	if e.Type == "" {
		return fmt.Sprintf("elasticsearch: status %d: %s", e.Status, e.Reason)
	}
	return fmt.Sprintf("elasticsearch: status %d, %s: %s", e.Status, e.Type, e.Reason)
}

// missing reports whether what was asked for is not there.
func missing(err error) bool {
	var refused *Refused
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

// Unavailable is a failure which may be over when the same request is sent again: no
// connection, no whole answer, 429, 5xx.
type Unavailable struct {
	Status int           // 0: there was no whole answer
	After  time.Duration // what the server asked to wait; 0: nothing
	Err    error
}

// Error implements error.
func (e *Unavailable) Error() string { return "elasticsearch: " + e.Err.Error() }

// Unwrap returns what was wrong.
func (e *Unavailable) Unwrap() error { return e.Err }

// TooLarge is a body that the server does not take in one piece: 413. Half of it may do.
type TooLarge struct{ Bytes int }

// Error implements error.
func (e *TooLarge) Error() string {
	return fmt.Sprintf("elasticsearch: a body of %d bytes is more than the server takes (http.max_content_length)", e.Bytes)
}

// NotElasticsearch is an answer of something else, such as a fork, or a page that stands
// in front.
type NotElasticsearch struct{}

// Error implements error.
func (*NotElasticsearch) Error() string {
	return "elasticsearch: what answers is not Elasticsearch 7.14 or later: it does not say so in its X-Elastic-Product header; look at the addresses"
}
