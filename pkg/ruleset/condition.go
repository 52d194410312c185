package ruleset

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Bounds of conditions that stand in no rules file.
const (
	MaxCondition = 64 << 10 // bytes as written
	maxNodes     = 20_000   // of the tree, macros in place
)

// Condition reads a condition that stands in no rules file: the lists of the rules are put in,
// the macros resolved, every check held against the catalogue. It is nil for a condition
// without text. Without rules there are no lists and macros.
func Condition(cond string, rs *rules.Ruleset) (condition.Expr, error) {
	if strings.TrimSpace(cond) == "" {
		return nil, nil
	}
	if len(cond) > MaxCondition {
		return nil, fmt.Errorf("the condition has %d bytes, %d are allowed; make several of it", len(cond), MaxCondition)
	}
	if rs == nil {
		rs = &rules.Ruleset{}
	}
	text, err := withLists(cond, rs)
	if err != nil {
		return nil, fmt.Errorf("condition: %w; name fewer lists in it", err)
	}
	tree, err := condition.Parse(text)
	if err != nil {
		return nil, syntaxError(cond, text, err)
	}
	m := macros{rules: rs}
	m.check(tree)
	if m.err != nil {
		return nil, placed(m.err, cond, text)
	}
	resolved, err := condition.Resolve(tree, rs.Macro)
	if err != nil {
		return nil, placed(err, cond, text)
	}
	return resolved, nil
}

// withLists puts the lists of the rules in the places of their names, but for those in
// quotes: there Falco does it too, and what such a condition is made of, names of users and
// objects, would mean something else wherever a list has such a name.
func withLists(cond string, rs *rules.Ruleset) (string, error) {
	var out strings.Builder
	for len(cond) > 0 {
		quote := strings.IndexAny(cond, `"'`)
		if quote < 0 {
			quote = len(cond)
		}
		text, err := rs.WithLists(cond[:quote])
		if err != nil {
			return "", err
		}
		end := quotedLen(cond[quote:])
		out.WriteString(text)
		out.WriteString(cond[quote : quote+end])
		cond = cond[quote+end:]
	}
	return out.String(), nil
}

// quotedLen is the length of the quoted string that a text begins with, up to the first
// delimiter without a backslash in front of it; all of it where none ends it.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == s[0] && s[i-1] != '\\' {
			return i + 1
		}
	}
	return len(s)
}

// syntaxError tells of the text as it was written, where that does not parse either.
func syntaxError(cond, text string, err error) error {
	if _, asWritten := condition.Parse(cond); asWritten != nil {
		return fmt.Errorf("condition, %w", asWritten)
	}
	return placed(err, cond, text)
}

// placed tells an error with the place that it names; where lists moved that place, with
// the text that it is in.
func placed(err error, cond, text string) error {
	if text == cond {
		return fmt.Errorf("condition, %w", err)
	}
	return fmt.Errorf("condition, %w; with the lists in place it reads %q", err, text[:min(len(text), 500)])
}

// ofOneEvent refuses what no event tells by itself.
func ofOneEvent(e *condition.Check) (err error) {
	condition.WalkFields(e, func(f *condition.Field) {
		if info, _ := field.Default().Field(f.Name); info.State != condition.OfEvent {
			err = &condition.CompileError{Pos: f.At, Msg: "'" + f.Name + "' is not told by one event, and this condition is about events one by one; what rules found of several can be searched for by the rule"}
		}
	})
	return err
}

// macros holds the checks of a tree against the catalogue, each macro once.
type macros struct {
	rules *rules.Ruleset
	seen  map[string]int // nodes of those that are fine
	nodes int
	err   error
}

func (m *macros) check(tree condition.Expr) {
	condition.Walk(tree, func(e condition.Expr) bool {
		if m.err != nil {
			return false
		}
		m.nodes++
		switch e := e.(type) {
		case *condition.Check:
			if _, m.err = condition.Validate(e, field.Default()); m.err == nil {
				m.err = ofOneEvent(e)
			}
		case *condition.Macro:
			m.macro(e)
		}
		if m.err == nil && m.nodes > maxNodes {
			m.err = fmt.Errorf("it has more than %d clauses with its macros in place; make several of it", maxNodes)
		}
		return m.err == nil
	})
}

func (m *macros) macro(ref *condition.Macro) {
	if n, ok := m.seen[ref.Name]; ok {
		m.nodes += n
		return
	}
	tree, ok := m.rules.Macro(ref.Name)
	if !ok {
		m.err = &condition.UndefinedMacro{Name: ref.Name, Pos: ref.At}
		return
	}
	before := m.nodes
	m.check(tree)
	var bad *condition.CompileError
	if errors.As(m.err, &bad) {
		m.err = fmt.Errorf("%d:%d: macro %q: %s", ref.At.Line, ref.At.Col, ref.Name, bad.Msg)
		return
	}
	if m.seen == nil {
		m.seen = map[string]int{}
	}
	m.seen[ref.Name] = m.nodes - before
}
