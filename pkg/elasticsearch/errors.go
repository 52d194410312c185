package elasticsearch

import (
	"fmt"
	"time"
)

// Refused is an answer which the same request will get again: a 4xx but 408, 413 and
// 429. Status 401 and 403 may end when somebody changes rights.
type Refused struct {
	Status int
	Type   string // of the error, as Elasticsearch names it: "security_exception"
	Reason string
}

// Error implements error.
func (e *Refused) Error() string {
	return fmt.Sprintf("elasticsearch: status %d, %s: %s", e.Status, e.Type, e.Reason)
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
