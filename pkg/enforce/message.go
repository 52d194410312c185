package enforce

import (
	"slices"
	"strings"
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

// maxWarning is how many bytes a warning has at most, if it can: API servers cut at 256 characters
// where there are many.
const maxWarning = 256

// Warning is the line that warns whoever asked, about an object such as "pods/shop/web (image nginx)";
// "" where it has no name. What does not fit is left out, the words at the end first.
func (p *Policy) Warning(f *Finding, object string) string {
	s := "kubewitness: " + f.Rule
	before := ""
	if f.Decision.Standing {
		before = "let through, since it was so before"
	}
	for _, words := range []string{object, before} {
		if longer := s + ": " + words; words != "" && len(longer) <= maxWarning {
			s = longer
		}
	}
	why, contact := strings.TrimSuffix(f.why(), "."), p.exception()
	for _, words := range [][]string{{why, contact}, {clause(why), contact}, {why}, {clause(why)}, {contact}} {
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		if longer := s + ": " + strings.Join(words, ". "); len(words) > 0 && len(longer) <= maxWarning {
			return longer
		}
	}
	return s
}

// clause is the part of a sentence before its first colon.
func clause(sentence string) string {
	s, _, _ := strings.Cut(sentence, ": ")
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
