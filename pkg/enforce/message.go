package enforce

import (
	"strings"
	"unicode/utf8"
)

// Finding is a detection that was decided on.
type Finding struct {
	Rule     string
	Desc     string // of the rule
	Decision Decision
}

// why says what is wrong with what was found: the entry's words, else the first sentence of the
// rule's description.
func (f *Finding) why() string {
	if f.Decision.Entry != nil && f.Decision.Entry.Message != "" {
		return f.Decision.Entry.Message
	}
	desc := strings.Join(strings.Fields(f.Desc), " ")
	if at := strings.Index(desc, ". "); at >= 0 {
		desc = desc[:at+1]
	}
	return desc
}

// shortWarning is how many characters a warning has at most, if it can: API servers ask for
// 120, and cut at 256.
const shortWarning = 120

// Warning is the line that warns whoever asked.
func (p *Policy) Warning(f *Finding) string {
	s, joint := "kubewitness: "+f.Rule, ": "
	for _, more := range []string{f.why(), p.exception()} {
		longer := s + joint + strings.TrimSuffix(more, ".")
		if more == "" || utf8.RuneCountInString(longer) > shortWarning {
			continue
		}
		s, joint = longer, ". "
	}
	return s
}

// Denial is the message of a refusal: the rules, what was asked for in a sentence, why not, and
// how to get an exception. There is one finding at least.
func (p *Policy) Denial(found []Finding, sentence string) string {
	names := make([]string, len(found))
	for i := range found {
		names[i] = found[i].Rule
	}
	var said []string
	for _, s := range []string{sentence, found[0].why(), p.exception()} {
		if s != "" {
			said = append(said, strings.TrimSuffix(s, ".")+".")
		}
	}
	return "kubewitness: " + strings.Join(names, ", ") + ": " + strings.Join(said, " ")
}

// exception says how to get an exception.
func (p *Policy) exception() string {
	if p.Contact == "" {
		return ""
	}
	return "For an exception: " + p.Contact
}
