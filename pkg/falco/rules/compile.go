package rules

import (
	"errors"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// compiler turns a collection into rules. Every file of a load is followed by a
// compilation of all that has been collected by then.
type compiler struct {
	*recorder
	all    *collection
	strict bool

	lists  []*wordList
	named  listNames
	macros table[macro]
	done   map[*macro]bool        // macros whose references have been judged
	spent  int                    // bytes of all conditions with their lists substituted
	judged map[judgedMacro][]step // macros against the fields of a source
}

// maxSubstituted bounds the bytes of all conditions of a compilation with their
// lists substituted.
const maxSubstituted = 128 << 20

// compile compiles everything. The rules are of use only where no error has
// been told, in this file or before.
func (c *compiler) compile() []*Rule {
	var tooLong *listItem
	if c.lists, tooLong = expandLists(&c.all.lists, c.strict); tooLong != nil {
		c.fail(ErrValidate, tooLong.at, "List has too many items with those of the lists in it")
		return nil
	}
	c.named = newListNames(c.lists)
	c.judged = map[judgedMacro][]step{}
	c.compileMacros()
	var rules []*Rule
	for items := range slices.Chunk(c.all.rules.inOrder, prepareBatch) {
		for i, p := range c.prepareAll(items) {
			if !items[i].sourceKnown {
				continue
			}
			if p == nil {
				p = c.prepare(items[i])
			}
			if r := c.rule(items[i], p); r != nil {
				rules = append(rules, r)
			}
		}
	}
	return rules
}

// substitute puts the lists into a condition, one after the other in their
// order, and gives those that were in it.
func (c *compiler) substitute(s script) (text script, used []*wordList, err error) {
	pending := c.named.in(s.text, -1, slices.Clone(c.named.odd))
	for len(pending) > 0 {
		slices.Sort(pending)
		at := pending[0]
		for len(pending) > 0 && pending[0] == at {
			pending = pending[1:]
		}
		l := c.lists[at]
		if l.item.bad {
			continue
		}
		changed, found, err := l.substitute(s)
		if found {
			used = append(used, l)
		}
		if err != nil {
			return changed, used, err
		}
		if changed.text != s.text {
			pending = c.named.in(l.text, at, pending) // its items can name lists after it
		}
		s = changed
	}
	return s, used, nil
}

// accept notes what a condition uses and tells why it has no tree. It is true
// where it has one.
func (c *compiler) accept(p parsed, where chain) bool {
	for _, l := range p.used {
		l.used = true
	}
	err := p.err
	if c.spent += p.size; c.spent > maxSubstituted {
		err = errTooLong
	}
	var bad *condition.SyntaxError
	switch {
	case err == nil:
		return true
	case errors.As(err, &bad):
		c.failHint(ErrCompileCondition, expressionAt(where, p.text, bad.Pos), bad.Msg, readsHint(p.text, bad.Pos.Offset))
	default:
		c.fail(ErrCompileCondition, where, err.Error())
	}
	return false
}

// hintWidth bounds the piece of a condition that a hint shows, in bytes to
// either side of the place.
const hintWidth = 40

// readsHint shows what a condition reads like around a place where something
// else is written: a list or an exception.
func readsHint(text script, offset int) string {
	begin, end := max(0, offset-hintWidth), min(len(text.text), offset+hintWidth)
	written := true
	for _, r := range text.slice(begin, end).runs {
		written = written && !r.whole
	}
	if written {
		return ""
	}
	piece := strings.ToValidUTF8(text.text[begin:end], "")
	if begin > 0 {
		piece = "..." + piece
	}
	if end < len(text.text) {
		piece += "..."
	}
	return "with lists and exceptions in place this reads: " + strings.TrimSpace(strings.Map(printable, piece))
}

// unused gives warnings about the lists and macros that nothing uses.
func (c *compiler) unused() (found []finding) {
	for _, m := range c.macros.inOrder {
		if !m.used {
			found = append(found, finding{code: WarnUnusedMacro, at: m.item.at, msg: "Macro not referred to by any other rule/macro"})
		}
	}
	for _, l := range c.lists {
		if !l.used {
			found = append(found, finding{code: WarnUnusedList, at: l.item.at, msg: "List not referred to by any other rule/macro"})
		}
	}
	return found
}
