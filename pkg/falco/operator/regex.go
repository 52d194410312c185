package operator

import (
	"regexp"
	"regexp/syntax"
)

// CompileRegex compiles a pattern as Falco does: POSIX extended syntax (no \d,
// no (?i)), matching the whole text, "." not matching a line break. The error
// is RE2's text: what is wrong, then where.
func CompileRegex(pattern string) (*regexp.Regexp, error) {
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
