package elasticsearch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// mostAnswer bounds answers, after they are unpacked.
const mostAnswer = 256 << 20

// mostReason bounds what an error quotes of an answer.
const mostReason = 2 << 10

// answer is an answer that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// readAnswer reads an answer whole. Only HEAD has answers without a body.
func readAnswer(resp *esapi.Response, method string) (*answer, error) {
	defer resp.Body.Close()
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(resp.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer, status %d, ends after %d bytes: %w", resp.StatusCode, n, err)
	case n > mostAnswer:
		return nil, fmt.Errorf("the answer is larger than %d MiB; ask for less at once", mostAnswer>>20)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: body.Bytes()}
	if a.status < 300 && method != http.MethodHead && !a.json() {
		return nil, fmt.Errorf("%s; something else than Elasticsearch answers", a.describe())
	}
	return a, nil
}

// json reports whether the answer says that it is JSON.
func (a *answer) json() bool {
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	return kind == "application/json" || kind == "application/vnd.elasticsearch+json"
}

// describe says what an answer is like that is not what it should be. Nothing of it is
// quoted: who wrote it is not known, nor what of our request is in it.
func (a *answer) describe() string {
	return fmt.Sprintf("an answer of status %d, %d bytes of %s, where JSON is expected", a.status, len(a.body), clip(strconv.Quote(a.header.Get("Content-Type")), 100))
}

// decode reads a body that has to be one JSON value.
func (a *answer) decode(out any) error {
	if err := json.Unmarshal(a.body, out); err != nil {
		return a.unusable(fmt.Errorf("the answer of %d bytes cannot be read: %w", len(a.body), err))
	}
	return nil
}

// unusable is the error of an answer of which nobody can say what was done.
func (a *answer) unusable(err error) error { return &Unavailable{Err: err} }

// refusal is the error that an answer stands for; nil for 2xx.
func (a *answer) refusal(size int, secrets []string, now func() time.Time) error {
	if a.status < 300 {
		return nil
	}
	kind, reason := a.reason()
	for _, s := range secrets {
		if s != "" {
			reason = strings.ReplaceAll(reason, s, "(secret)")
		}
	}
	switch {
	case a.status == http.StatusRequestEntityTooLarge:
		return &TooLarge{Bytes: size}
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests, a.status >= 500:
		text := fmt.Sprintf("status %d", a.status)
		if kind != "" {
			text += ", " + kind
		}
		return &Unavailable{Status: a.status, After: retryAfter(a.header.Get("Retry-After"), now), Err: errors.New(text + ": " + reason)}
	case a.status < 400:
		return &Refused{Status: a.status, Type: "redirect", Reason: "the node sends us elsewhere, where credentials do not follow; give the address of Elasticsearch itself"}
	}
	return &Refused{Status: a.status, Type: kind, Reason: reason}
}

// failure is an error as Elasticsearch tells it.
type failure struct {
	Type     string   `json:"type"`
	Reason   string   `json:"reason"`
	CausedBy *failure `json:"caused_by"`
}

// text is the reason, and those behind it.
func (f *failure) text() string {
	text := f.Reason
	for cause := f.CausedBy; cause != nil && len(text) < mostReason; cause = cause.CausedBy {
		if cause.Reason != "" && !strings.Contains(text, cause.Reason) {
			text += ": " + cause.Reason
		}
	}
	return clip(text, mostReason)
}

// reason finds the error in an answer. Some calls give it as a text; what stands in
// front of a cluster gives pages of HTML.
func (a *answer) reason() (kind, reason string) {
	if len(a.body) == 0 {
		return "", http.StatusText(a.status)
	}
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(a.body, &body) != nil {
		return "", fmt.Sprintf("%s (%s)", http.StatusText(a.status), a.describe())
	}
	var f failure
	var text string
	switch {
	case json.Unmarshal(body.Error, &f) == nil && f.Type != "":
		return f.Type, f.text()
	case json.Unmarshal(body.Error, &text) == nil && text != "":
		return "", clip(text, mostReason)
	}
	return "", http.StatusText(a.status)
}

// retryAfter reads the header, which has seconds or a date.
func retryAfter(text string, now func() time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now()))
}

// clip shortens a text, between characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
