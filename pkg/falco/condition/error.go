package condition

import (
	"fmt"
	"strings"
)

// SyntaxError is a condition that does not parse. Msg is Falco's text.
type SyntaxError struct {
	Pos Pos
	Msg string
	Src string // the whole condition
}

// Error gives line, column and message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Col, e.Msg)
}

// Excerpt gives the line of the condition with a caret under the place.
func (e *SyntaxError) Excerpt() string { return Excerpt(e.Src, e.Pos) }

// CompileError is a condition that parses but can not be evaluated: an unknown
// field, an operator that its type does not have, a value that is none of its
// type's. Msg is Falco's text.
type CompileError struct {
	Pos          Pos
	Msg          string
	UnknownField bool // a field that the catalogue does not have: skip-if-unknown-filter applies
}

// Error gives line, column and message.
func (e *CompileError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Col, e.Msg)
}

// UndefinedMacro is a reference to a macro that is not there.
type UndefinedMacro struct {
	Name string
	Pos  Pos
}

// Error gives line, column and Falco's message.
func (e *UndefinedMacro) Error() string {
	return fmt.Sprintf("%d:%d: Undefined macro '%s' used in filter.", e.Pos.Line, e.Pos.Col, e.Name)
}

// excerptWidth bounds the printed part of a line, in bytes.
const excerptWidth = 160

// Excerpt gives the line of src that pos is in, cut to a readable width around
// it, and below it a caret under pos.
func Excerpt(src string, pos Pos) string {
	off := min(max(pos.Offset, 0), len(src))
	begin := strings.LastIndexByte(src[:off], '\n') + 1
	end := len(src)
	if n := strings.IndexByte(src[off:], '\n'); n >= 0 {
		end = off + n
	}
	begin = max(begin, off-excerptWidth/2)
	end = min(end, begin+excerptWidth)
	line := strings.Map(printable, src[begin:end])
	pad := strings.Map(printable, src[begin:off])
	return line + "\n" + strings.Repeat(" ", len([]rune(pad))) + "^"
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
