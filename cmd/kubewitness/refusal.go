package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// askError tells what went wrong when an archive was asked, and gives the exit code.
func askError(ctx context.Context, stderr io.Writer, condition string, err error) error {
	var p *api.Problem
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errInterrupted):
		return &exitError{code: exitInterrupted, err: errInterrupted}
	case errors.Is(err, syscall.EPIPE):
		return &exitError{code: exitUnreadable} // the reader went away; it knows
	case !errors.As(err, &p):
		return &exitError{code: exitUnreadable, err: err}
	}
	for _, r := range p.Rejected {
		fmt.Fprintln(stderr, printable(r))
	}
	switch p.Type {
	case api.ProblemCondition:
		fmt.Fprintln(stderr, "kubewitness:", printable(cmp.Or(p.Detail, p.Title))) // it has the place in it
		if p.At != nil {
			writeMarked(stderr, condition, p.At.Line, p.At.Column)
		}
		return &exitError{code: exitUsage}
	case api.ProblemParameter, api.ProblemRules:
		return &exitError{code: exitUsage, err: errors.New(printable(p.Error()))}
	}
	return &exitError{code: exitUnreadable, err: errors.New(printable(p.Error()))}
}

// writeMarked writes a line of a condition with a mark below a place in it. Line and
// column count from 1, the latter bytes.
func writeMarked(w io.Writer, condition string, line, column int) {
	all := strings.Split(condition, "\n")
	if line < 1 || line > len(all) || column < 1 {
		return
	}
	text := all[line-1]
	before := printable(text[:min(column-1, len(text))])
	fmt.Fprintf(w, "  %s\n  %s^\n", printable(text), strings.Repeat(" ", utf8.RuneCountInString(before)))
}

// printable spells everything that could move a terminal's cursor, start a line or
// reorder text as an escape.
func printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}
