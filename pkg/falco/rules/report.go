package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Text gives the result for people: one line for the file, then each problem
// with its place, the items that lead to it and the line with a caret. It ends
// with a line break and has no colours.
func (r *Result) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Name, r.verdict())
	for i := range r.Errors {
		r.Errors[i].text(&b, "error")
	}
	for i := range r.Warnings {
		r.Warnings[i].text(&b, "warning")
	}
	return b.String()
}

func (r *Result) verdict() string {
	var counts []string
	for _, c := range []struct {
		n    int
		noun string
	}{{len(r.Errors), "error"}, {len(r.Warnings), "warning"}} {
		switch {
		case c.n == 1:
			counts = append(counts, "1 "+c.noun)
		case c.n > 1:
			counts = append(counts, fmt.Sprintf("%d %ss", c.n, c.noun))
		}
	}
	verdict := "Ok"
	if !r.Successful {
		verdict = "Invalid"
	}
	if len(counts) == 0 {
		return verdict
	}
	return verdict + ", " + strings.Join(counts, ", ")
}

func (d *Diagnostic) text(b *strings.Builder, severity string) {
	at := d.At()
	fmt.Fprintf(b, "\n%s:%d:%d: %s: %s (%s): %s\n", at.File, at.Line, at.Column, severity, d.Code, d.Desc, d.Message)
	if path := names(d.Context); path != "" {
		fmt.Fprintf(b, "  in %s\n", path)
	}
	if d.Snippet != "" {
		line, caret, _ := strings.Cut(strings.TrimSuffix(d.Snippet, "\n"), "\n")
		fmt.Fprintf(b, "%6d | %s\n       | %s\n", at.Line, line, caret)
	}
	if d.Hint != "" {
		fmt.Fprintf(b, "  hint: %s\n", d.Hint)
	}
}

// The shape of `falco -V` with json_output; keys sorted as there.
type (
	jsonResults struct {
		Results []*Result `json:"falco_load_results"`
	}
	jsonResult struct {
		Errors     []jsonDiagnostic `json:"errors"`
		Name       string           `json:"name"`
		Successful bool             `json:"successful"`
		Warnings   []jsonDiagnostic `json:"warnings"`
	}
	jsonDiagnostic struct {
		Code       string      `json:"code"`
		CodeDesc   string      `json:"codedesc"`
		Context    jsonContext `json:"context"`
		Deprecated string      `json:"deprecated_field,omitempty"`
		Message    string      `json:"message"`
	}
	jsonContext struct {
		Locations []jsonLocation `json:"locations"`
		Snippet   string         `json:"snippet"`
	}
	jsonLocation struct {
		ItemName string       `json:"item_name"`
		ItemType string       `json:"item_type"`
		Position jsonPosition `json:"position"`
	}
	jsonPosition struct {
		Column int    `json:"column"`
		Line   int    `json:"line"`
		Name   string `json:"name"`
		Offset int    `json:"offset"`
	}
)

// JSON gives the results of a load in the shape of `falco -V` with
// json_output: {"falco_load_results": [...]}, without a line break at the end.
func JSON(results []*Result) []byte {
	if results == nil {
		results = []*Result{}
	}
	return encode(jsonResults{results})
}

// JSON gives the result in the shape of one element of falco_load_results.
// Lines and columns are 0-based there, as Falco's are.
func (r *Result) JSON() []byte {
	return encode(jsonResult{
		Errors: jsonDiagnostics(r.Errors, false), Name: r.Name,
		Successful: r.Successful, Warnings: jsonDiagnostics(r.Warnings, true),
	})
}

// MarshalJSON is [Result.JSON], for results inside other values.
func (r *Result) MarshalJSON() ([]byte, error) { return r.JSON(), nil }

// encode can not fail: what is encoded has only strings, numbers and booleans.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// jsonDiagnostics describes codes as Falco does: an error's in short, a
// warning's at length.
func jsonDiagnostics(ds []Diagnostic, long bool) []jsonDiagnostic {
	out := make([]jsonDiagnostic, len(ds))
	for i, d := range ds {
		desc := d.Desc
		if long {
			desc = descriptions[d.Code].long
		}
		out[i] = jsonDiagnostic{
			Code: d.Code, CodeDesc: desc, Deprecated: d.Deprecated, Message: d.Message,
			Context: jsonContext{jsonLocations(d.Context), d.Snippet},
		}
	}
	return out
}

func jsonLocations(ls []Location) []jsonLocation {
	out := make([]jsonLocation, len(ls))
	for i, l := range ls {
		out[i] = jsonLocation{l.ItemName, l.ItemType, jsonPosition{l.Column - 1, l.Line - 1, l.File, l.Offset}}
	}
	return out
}
