package audit

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Reason says in one word why something was not taken as an event. The words are stable: counters are named for them.
type Reason string

// The reasons, a closed list.
const (
	ReasonSyntax Reason = "syntax" // no JSON; costs the rest of the line or document
	ReasonType   Reason = "type"   // JSON, but no object where an event must be, or no array where a list's items must be
	ReasonKind   Reason = "kind"   // kind is neither Event nor EventList
	ReasonTime   Reason = "time"   // stageTimestamp is absent or no RFC 3339 time
	ReasonUTF8   Reason = "utf8"   // a string is no valid UTF-8, or escapes half of a surrogate pair
	ReasonDepth  Reason = "depth"  // nested deeper than Limits.MaxDepth
	ReasonSize   Reason = "size"   // longer than Limits.MaxEvent
	ReasonEntry  Reason = "entry"  // a log service's entry of which the Converter can make no event
)

// Rejection is the error for one item or document that was refused. Reading goes on after it.
type Rejection struct {
	Input   string // as in Event
	Line    int64  // line of Offset, counted from 1
	Offset  int64  // byte, counted from 0, after decompression: of the fault for syntax, utf8 and depth, else of the item's begin
	Reason  Reason
	Err     error  // the cause
	Excerpt string // a few quoted bytes around the fault, or of the item's begin
}

// Error returns input, line, offset, reason, cause and excerpt in one line.
func (r *Rejection) Error() string {
	return fmt.Sprintf("audit: %s:%d: byte %d: %s: %v: %s", r.Input, r.Line, r.Offset, r.Reason, r.Err, r.Excerpt)
}

// Unwrap returns the cause.
func (r *Rejection) Unwrap() error { return r.Err }

// Bytes that an excerpt shows before and after a fault.
const (
	excerptBefore = 24
	excerptAfter  = 40
)

// excerpt quotes the bytes of text around position at, with dots where it was cut.
func excerpt(text []byte, at int) string {
	from, to := max(0, at-excerptBefore), min(len(text), at+excerptAfter)
	for from > 0 && from > at-excerptBefore-utf8.UTFMax && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && to < at+excerptAfter+utf8.UTFMax && !utf8.RuneStart(text[to]) {
		to++
	}
	quoted := strconv.Quote(string(text[from:to]))
	if from > 0 {
		quoted = "..." + quoted
	}
	if to < len(text) {
		quoted += "..."
	}
	return quoted
}
