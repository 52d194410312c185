package operator

import (
	"regexp"
	"regexp/syntax"
	"sync"
)

// CompileRegex compiles a pattern as Falco does: POSIX extended syntax (no \d,
// no (?i)), matching the whole text, "." not matching a line break. The error
// is RE2's text: what is wrong, then where.
//
// A pattern of rules is compiled several times, by whoever loads and by whoever judges,
// and a class such as [^/] takes long each time; so the last ones are remembered.
func CompileRegex(pattern string) (*regexp.Regexp, error) {
	if re := compiled.get(pattern); re != nil {
		return re, nil
	}
	re, err := compileRegex(pattern)
	if err == nil {
		compiled.put(pattern, re)
	}
	return re, err
}

// remembered bounds the expressions that are remembered; longest, their length.
const (
	remembered = 1024
	longest    = 4 << 10
)

// expressions are those compiled last.
type expressions struct {
	mu  sync.Mutex
	all map[string]*regexp.Regexp
}

var compiled = expressions{all: map[string]*regexp.Regexp{}}

func (x *expressions) get(pattern string) *regexp.Regexp {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all[pattern]
}

func (x *expressions) put(pattern string, re *regexp.Regexp) {
	if len(pattern) > longest {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.all) >= remembered {
		clear(x.all)
	}
	x.all[pattern] = re
}

func compileRegex(pattern string) (*regexp.Regexp, error) {
	// ClassNL: [^a] matches a line break. Without OneLine ^ and $ also stand
	// at line breaks. Both are RE2's defaults for its POSIX syntax, and
	// neither is regexp.CompilePOSIX's.
	tree, err := syntax.Parse(pattern, syntax.ClassNL)
	if err != nil {
		return nil, regexError{err}
	}
	return regexp.Compile(`\A(?:` + tree.String() + `)\z`)
}

type regexError struct{ err error }

func (e regexError) Error() string {
	se, ok := e.err.(*syntax.Error)
	if !ok {
		return e.err.Error()
	}
	text := string(se.Code)
	switch se.Code {
	case syntax.ErrMissingParen:
		text = "missing )"
	case syntax.ErrUnexpectedParen:
		text = "unexpected )"
	case syntax.ErrMissingBracket:
		text = "missing ]"
	case syntax.ErrMissingRepeatArgument:
		text = "no argument for repetition operator"
	case syntax.ErrInvalidRepeatOp:
		text = "bad repetition operator"
	case syntax.ErrInvalidRepeatSize:
		text = "invalid repetition size"
	}
	return text + ": " + se.Expr
}
