package admission

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Judge judges events of reviews. It is safe for concurrent use.
type Judge interface {
	// Review judges an event and says what is to be answered. The item's Raw is the event as
	// it may be stored.
	Review(e *audit.Event, id audit.Identity) Judgement
}

// Judgement is what is kept of a review, and what is answered.
type Judgement struct {
	Item    record.Item
	Ruleset []byte // digest of the rules
	Verdict Verdict
}

// Verdict is what an API server is told.
type Verdict struct {
	Denied   bool
	Message  string   // why it is denied; one line
	Warnings []string // for the user, each a line
}

// Verdicts in the annotation of an event; see the package comment.
const (
	verdictWarn = "warn"
	verdictDeny = "deny"
)

func (v *Verdict) word() string {
	switch {
	case v.Denied:
		return verdictDeny
	case len(v.Warnings) > 0:
		return verdictWarn
	}
	return ""
}

// Bounds of what API servers pass on: they cut warnings at 256 bytes, and drop what is
// beyond 4096 together, which other webhooks want a part of.
const (
	maxWarning  = 256
	maxWarnings = 2048
	maxMessage  = 2048
)

// response is an AdmissionReview as an answer.
type response struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Response   decision `json:"response"`
}

type decision struct {
	UID      string   `json:"uid"`
	Allowed  bool     `json:"allowed"`
	Status   *status  `json:"status,omitempty"`
	Warnings []string `json:"warnings,omitempty"`

	PatchType        string            `json:"patchType,omitempty"`
	Patch            []byte            `json:"patch,omitempty"`
	AuditAnnotations map[string]string `json:"auditAnnotations,omitempty"` // the API server puts the webhook's name before the keys
}

type status struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
	Code    int    `json:"code"`
}

// answerOf writes the answer to a review.
func answerOf(uid string, v Verdict) []byte {
	d := decision{UID: uid, Allowed: !v.Denied}
	if v.Denied {
		d.Status = &status{Status: "Failure", Message: line(v.Message, maxMessage), Reason: "Forbidden", Code: 403}
	}
	left := maxWarnings
	for _, w := range v.Warnings {
		if w = line(w, maxWarning); len(w) > left {
			break
		}
		left -= len(w)
		d.Warnings = append(d.Warnings, w)
	}
	return marshal(response{apiVersion, "AdmissionReview", d})
}

// line makes one printable line of a text, at most so many bytes. API servers pass on no
// warnings with control characters in them.
func line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		}
		return r
	}, s)
	const dots = "..."
	if len(s) <= most {
		return s
	}
	at := most - len(dots)
	for !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + dots
}
