package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// kinds are the title and status of each type of problem.
var kinds = map[string]struct {
	title  string
	status int
}{
	api.ProblemParameter:    {"a parameter cannot be used", http.StatusBadRequest},
	api.ProblemCondition:    {"the request cannot be carried out", http.StatusBadRequest},
	api.ProblemRules:        {"the rules have errors", http.StatusBadRequest},
	api.ProblemBody:         {"the body cannot be read", http.StatusBadRequest},
	api.ProblemTooLarge:     {"the body is too long", http.StatusRequestEntityTooLarge},
	api.ProblemMediaType:    {"the body is of no type that is taken", http.StatusUnsupportedMediaType},
	api.ProblemUnauthorized: {"no valid token", http.StatusUnauthorized},
	api.ProblemThrottled:    {"too many attempts without a valid token", http.StatusTooManyRequests},
	api.ProblemForbidden:    {"the token is not for this", http.StatusForbidden},
	api.ProblemNotFound:     {"not found", http.StatusNotFound},
	api.ProblemMethod:       {"the path does not have this method", http.StatusMethodNotAllowed},
	api.ProblemAccept:       {"the answer comes in none of the types asked for", http.StatusNotAcceptable},
	api.ProblemBusy:         {"too much at once", http.StatusServiceUnavailable},
	api.ProblemTimeout:      {"it took too long", http.StatusServiceUnavailable},
	api.ProblemReadOnly:     {"nothing can be stored now", http.StatusServiceUnavailable},
	api.ProblemUnavailable:  {"this service does not do it", http.StatusNotImplemented},
	api.ProblemInternal:     {"a defect of the service", http.StatusInternalServerError},
}

// problem makes a problem of a type.
func problem(kind, detail string) *api.Problem {
	k := kinds[kind]
	return &api.Problem{Type: kind, Title: k.title, Status: k.status, Detail: detail}
}

// problemOf says what an error is to the one who asked. What is not his fault is not
// told in detail: it may speak of what he may not see.
func problemOf(err error) *api.Problem {
	var p *api.Problem
	var missing search.NotFound
	var bad search.BadRequest
	var norule search.NoRule
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &missing):
		return problem(api.ProblemNotFound, "there is no such event, or the token does not reach it")
	case errors.As(err, &norule):
		return problem(api.ProblemNotFound, norule.Error())
	case errors.As(err, &bad):
		p := problem(api.ProblemCondition, bad.Error())
		p.At = positionOf(bad)
		return p
	case errors.Is(err, context.DeadlineExceeded):
		return problem(api.ProblemTimeout, "the answer took longer than the service allows; ask for a shorter time, or a narrower condition")
	case errors.Is(err, context.Canceled):
		return problem(api.ProblemBusy, "the service is shutting down")
	}
	return problem(api.ProblemInternal, "the service's log says more")
}

// positionOf gives the place of an error in a condition, nil where it has none.
func positionOf(err error) *api.Position {
	var syntax *condition.SyntaxError
	var compile *condition.CompileError
	var macro *condition.UndefinedMacro
	var pos condition.Pos
	switch {
	case errors.As(err, &syntax):
		pos = syntax.Pos
	case errors.As(err, &compile):
		pos = compile.Pos
	case errors.As(err, &macro):
		pos = macro.Pos
	default:
		return nil
	}
	return &api.Position{Line: pos.Line, Column: pos.Col, Offset: pos.Offset}
}

// writeJSON writes v as the whole answer.
func writeJSON(w http.ResponseWriter, status int, mediaType string, v any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the reader is gone
}

// write answers 200 with v.
func (c *call) write(v any) error {
	c.whole(c.w)
	writeJSON(c.w, http.StatusOK, "application/json", v)
	return nil
}

// clip cuts text of a stranger to what a message can hold.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
