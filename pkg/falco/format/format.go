// Package format reads the output strings of Falco rules: text with %field
// place holders.
//
// It knows the notation and which fields a string needs; values, events and
// the printing of alerts may not come in.
//
//	Output = { text | "%" [ width ] Operand }
//
// Operand is a field or transformer of the condition language. After "%" the
// longest prefix that names something known is taken, as in Falco:
// "%ka.verbose" is ka.verb and the text "ose". Such a cut is told as a
// warning. A width pads with blanks, or cuts, to so many bytes.
package format

import (
	"fmt"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// Format is a parsed output string. It is immutable.
type Format struct {
	Source   string // as written, trimmed
	Segments []Segment
	Fields   []*condition.Field // every field in it, once, in order of appearance
	Warnings []condition.Warning
}

// Segment is a piece of an output string: Text, or the value of Operand.
type Segment struct {
	Text    string
	Operand condition.Operand // nil for plain text
	Width   int               // bytes to pad or cut to; 0: as long as it is
}

// WarnCut is the code of the warning about a name of which only the beginning
// names a field. It is ours; Falco is silent.
const WarnCut = "LOAD_OUTPUT_FIELD_CUT"

// Error is an output string that can not be used. Msg is Falco's text.
type Error struct {
	Offset       int // 0-based, in bytes
	Msg          string
	UnknownField bool // skip-if-unknown-filter applies
}

// Error gives the place and the message.
func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Msg) }

// Parse reads an output string. The error is an *[Error].
func Parse(src string, cat condition.Catalogue) (*Format, error) {
	s := strings.TrimSpace(src)
	f := &Format{Source: s}
	seen := map[string]bool{}
	for i := 0; i < len(s); {
		if s[i] != '%' {
			n := strings.IndexByte(s[i:], '%')
			if n < 0 {
				n = len(s) - i
			}
			f.Segments = append(f.Segments, Segment{Text: s[i : i+n]})
			i += n
			continue
		}
		width, n, err := width(s, i)
		if err != nil {
			return nil, err
		}
		i += n
		op, n, err := operand(s, i, cat)
		if err != nil {
			return nil, err
		}
		f.Segments = append(f.Segments, Segment{Operand: op, Width: width})
		f.noteFields(op, seen)
		f.warnCut(s, i, n)
		i += n
	}
	return f, nil
}

// maxWidth bounds what a rule can make an alert grow by.
const maxWidth = 1 << 16

// width reads "%" and the number after it.
func width(s string, at int) (w, n int, err error) {
	for n = 1; at+n < len(s) && s[at+n] >= '0' && s[at+n] <= '9'; n++ {
		w = w*10 + int(s[at+n]-'0')
		if w > maxWidth {
			return 0, 0, &Error{Offset: at, Msg: fmt.Sprintf("invalid formatting syntax: width above %d", maxWidth)}
		}
	}
	if at+n < len(s) {
		return w, n, nil
	}
	what := "%"
	if n > 1 {
		what = "number"
	}
	return 0, 0, &Error{Offset: at, Msg: "invalid formatting syntax: formatting cannot end with a " + what}
}

// operand takes the longest prefix of s[at:] that is a known field or
// transformer.
func operand(s string, at int, cat condition.Catalogue) (condition.Operand, int, error) {
	rest := s[at:]
	_, longest, err := condition.ParseOperandPrefix(rest)
	if err != nil {
		longest = min(len(rest), nameLen(rest))
	}
	for n := longest; n > 0; n = min(n-1, maxName) {
		op, err := condition.ParseField(rest[:n])
		if err != nil {
			continue
		}
		if _, err := condition.TypeOf(op, cat); err == nil {
			return op, n, nil
		}
	}
	name := rest[:max(longest, nameLen(rest))]
	if name == "" {
		return nil, 0, &Error{Offset: at, Msg: "unknown filter: empty formatting token", UnknownField: true}
	}
	return nil, 0, &Error{Offset: at, Msg: "unknown filter: " + name, UnknownField: true}
}

// maxName bounds the search for a field at the beginning of a longer name; no
// field's name comes near it.
const maxName = 256

// nameLen is the length of what looks like a name, for messages and for where
// a broken argument or transformer still leaves a field to be found.
func nameLen(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return !(r == '.' || r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z')
	})
	if n < 0 {
		return len(s)
	}
	return n
}

func (f *Format) noteFields(op condition.Operand, seen map[string]bool) {
	condition.WalkFields(&condition.Check{Left: op, Op: condition.Exists}, func(fl *condition.Field) {
		if key := Key(fl); !seen[key] {
			seen[key] = true
			f.Fields = append(f.Fields, fl)
		}
	})
}

// warnCut tells where a name goes on after what was taken of it.
func (f *Format) warnCut(s string, at, n int) {
	more := nameLen(s[at+n:])
	if strings.HasPrefix(s[at+n:], "[") {
		more = 1
	}
	if more == 0 || strings.Trim(s[at+n:at+n+more], ".") == "" {
		return
	}
	f.Warnings = append(f.Warnings, condition.Warning{Code: WarnCut, Pos: condition.Pos{Offset: at, Line: 1, Col: at + 1},
		Msg: fmt.Sprintf("'%%%s' is no field: it prints the field '%s' followed by the text '%s'", s[at:at+n+more], s[at:at+n], s[at+n:at+n+more])})
}

// Key names a field in output_fields: its name with the argument in brackets,
// unquoted.
func Key(f *condition.Field) string {
	if !f.HasArg {
		return f.Name
	}
	return f.Name + "[" + f.Arg + "]"
}
