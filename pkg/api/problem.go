package api

import "fmt"

// Types of problems. They are stable.
const (
	ProblemParameter    = "urn:kubewitness:bad-parameter"   // a parameter is unknown, twice there, or has no such value
	ProblemCondition    = "urn:kubewitness:bad-condition"   // a condition does not parse, or asks what cannot be asked
	ProblemRules        = "urn:kubewitness:bad-rules"       // the rules of a hunt have errors
	ProblemBody         = "urn:kubewitness:bad-body"        // the body is too long, broke off, or is of no type that is taken
	ProblemUnauthorized = "urn:kubewitness:unauthorized"    // no valid token
	ProblemForbidden    = "urn:kubewitness:forbidden"       // the token is not for this
	ProblemNotFound     = "urn:kubewitness:not-found"       // there is none, as far as the token reaches
	ProblemMethod       = "urn:kubewitness:bad-method"      // the path does not have this method
	ProblemAccept       = "urn:kubewitness:not-acceptable"  // the answer comes in none of the types asked for
	ProblemBusy         = "urn:kubewitness:busy"            // too much at once; Retry-After says when to ask again
	ProblemTimeout      = "urn:kubewitness:timeout"         // the answer took longer than the service allows
	ProblemReadOnly     = "urn:kubewitness:read-only"       // nothing can be stored now
	ProblemUnavailable  = "urn:kubewitness:not-implemented" // this service does not do it
	ProblemInternal     = "urn:kubewitness:internal"        // a defect of the service; its log says more
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

// Lagged is the data of a tail's notice that events were passed over since they were read
// too slowly.
type Lagged struct {
	Events uint64 `json:"events"`
}
