package api

import "fmt"

// Types of problems. They are stable.
const (
	ProblemParameter    = "urn:kubewitness:bad-parameter"          // 400: a parameter is unknown, twice there, or has no such value
	ProblemCondition    = "urn:kubewitness:bad-condition"          // 400: a condition does not parse, or asks what cannot be asked
	ProblemRules        = "urn:kubewitness:bad-rules"              // 400: the rules of a hunt have errors
	ProblemBody         = "urn:kubewitness:bad-body"               // 400: the body broke off
	ProblemUnauthorized = "urn:kubewitness:unauthorized"           // 401: no valid token
	ProblemForbidden    = "urn:kubewitness:forbidden"              // 403: the token is not for this
	ProblemNotFound     = "urn:kubewitness:not-found"              // 404: there is none, as far as the token reaches
	ProblemMethod       = "urn:kubewitness:bad-method"             // 405: the path does not have this method
	ProblemAccept       = "urn:kubewitness:not-acceptable"         // 406: the answer comes in none of the types asked for
	ProblemTooLarge     = "urn:kubewitness:body-too-large"         // 413: the body is too long
	ProblemMediaType    = "urn:kubewitness:unsupported-media-type" // 415: the body is of no type that is taken
	ProblemThrottled    = "urn:kubewitness:throttled"              // 429: too many attempts without a valid token
	ProblemInternal     = "urn:kubewitness:internal"               // 500: a defect of the service; its log says more
	ProblemUnavailable  = "urn:kubewitness:not-implemented"        // 501: this service does not do it
	ProblemBusy         = "urn:kubewitness:busy"                   // 503: too much at once; Retry-After says when to ask again
	ProblemTimeout      = "urn:kubewitness:timeout"                // 503: the answer took longer than the service allows
	ProblemReadOnly     = "urn:kubewitness:read-only"              // 503: nothing can be stored now
)

// Problem is an error, after RFC 9457.
type Problem struct {
	Type      string    `json:"type"`
	Title     string    `json:"title"`
	Status    int       `json:"status"`
	Detail    string    `json:"detail,omitempty"`    // what is wrong here, and what to do
	Parameter string    `json:"parameter,omitempty"` // of the query, that it is about
	Near      string    `json:"near,omitempty"`      // the known parameter that was probably meant
	At        *Position `json:"at,omitempty"`        // of the error in the condition
	Rejected  []string  `json:"rejected,omitempty"`  // errors of rules, one by one: where, and what
}

// Position is a place in a condition.
type Position struct {
	Line   int `json:"line"`   // counted from 1
	Column int `json:"column"` // bytes of the line, counted from 1
	Offset int `json:"offset"` // bytes, counted from 0
}

// Error implements error.
func (p *Problem) Error() string {
	text := p.Title
	if p.Detail != "" {
		text = p.Detail
	}
	if p.At != nil {
		return fmt.Sprintf("%d:%d: %s", p.At.Line, p.At.Column, text)
	}
	return text
}

// Last is how a stream of lines ends: always with a line that has a Summary, and before
// it, where the search broke off, one that has the Error. The Summary then says how far
// it came. A stream without a Summary was cut.
type Last struct {
	Summary *Summary `json:"summary,omitempty"`
	Error   *Problem `json:"error,omitempty"`
}

// Lagged is the data of a tail's notice that events were passed over.
type Lagged struct {
	Events uint64 `json:"events"` // how many; 0: nobody knows
	Why    string `json:"why"`
}
