package rules

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// maxConditionNodes bounds a condition with its macros in place.
const maxConditionNodes = 1_000_000

// macro is a macro in compilation.
type macro struct {
	item *macroItem
	text script         // with lists substituted
	tree condition.Expr // as written: macros are not replaced; nil where it is bad
	used bool
	bad  bool // does not parse, or refers to what is not there; that has been told
	size int  // nodes with its macros in place; 0 before it is asked for

	resolved condition.Expr // with its macros in place; nil before it is asked for
}

// compileMacros parses all macros, then looks at what they refer to. An unused
// macro has to parse, but nobody asks whether its fields exist.
func (c *compiler) compileMacros() {
	c.macros = table[macro]{}
	c.done = map[*macro]bool{}
	for _, item := range c.all.macros.inOrder {
		m := &macro{item: item, bad: item.bad}
		if !m.bad {
			p := c.parsed(item.cond)
			m.bad = !c.accept(p, item.where)
			m.text, m.tree = p.text, p.tree
		}
		c.macros.put(item.name, m)
	}
	for _, m := range c.macros.inOrder {
		if m.bad {
			continue
		}
		refs := c.references(m.tree, m.text, m.item.where, func(other *macro) bool {
			return m.item.order.sees(other.item.order)
		})
		m.bad = !c.judgeReferences(refs, m.item.where)
		c.done[m] = true
	}
}

// reference is a mention of a macro that does not work out.
type reference struct {
	name string
	at   chain // of the mention
	loop bool  // the macro leads back to itself; else it is not there
}

// references finds what is wrong with the macros that a tree mentions, and
// marks the others as used.
func (c *compiler) references(tree condition.Expr, text script, where chain, sees func(*macro) bool) []reference {
	f := refFinder{c: c, sees: sees, seen: map[*macro]bool{}, onPath: map[*macro]bool{}}
	f.walk(tree, text, where)
	return f.found
}

type refFinder struct {
	c      *compiler
	sees   func(*macro) bool
	seen   map[*macro]bool // in this search
	onPath map[*macro]bool
	found  []reference
}

func (f *refFinder) walk(tree condition.Expr, text script, where chain) {
	condition.Walk(tree, func(e condition.Expr) bool {
		if ref, ok := e.(*condition.Macro); ok {
			f.visit(ref, text, where)
		}
		return true
	})
}

func (f *refFinder) visit(ref *condition.Macro, text script, where chain) {
	m := f.c.macros.get(ref.Name)
	switch {
	case m == nil || !f.sees(m):
		f.found = append(f.found, reference{name: ref.Name, at: expressionAt(where, text, ref.At)})
	case f.onPath[m]:
		f.found = append(f.found, reference{name: ref.Name, at: expressionAt(where, text, ref.At), loop: true})
	default:
		m.used = true
		if f.seen[m] || f.c.done[m] || m.bad {
			return
		}
		f.seen[m], f.onPath[m] = true, true
		f.walk(m.tree, m.text, m.item.where)
		f.onPath[m] = false
	}
}

// judgeReferences tells what is wrong with references, loops first. It is true
// when there is nothing to tell.
func (c *compiler) judgeReferences(refs []reference, where chain) bool {
	for _, ref := range refs {
		if ref.loop {
			c.fail(ErrValidate, ref.at, fmt.Sprintf("reference loop in macro '%s'", ref.name))
		}
	}
	for _, ref := range refs {
		if !ref.loop {
			c.failHint(ErrValidate, ref.at, fmt.Sprintf("Undefined macro '%s' used in filter.", ref.name), c.undefinedHint(ref.name, where))
		}
	}
	return len(refs) == 0
}

// undefinedHint explains a macro that is there and yet can not be seen.
func (c *compiler) undefinedHint(name string, where chain) string {
	m := c.macros.get(name)
	if m == nil {
		return ""
	}
	if m.item.at.last() == where[:len(where)-1].last() {
		return "a macro can not use itself"
	}
	at := m.item.at.last()
	return fmt.Sprintf("a macro sees only the macros that are defined before it; '%s' is defined at %s:%d", name, at.in.name, at.line)
}

// measure counts the nodes of a tree with its macros in place.
func (c *compiler) measure(tree condition.Expr) int {
	total := 0
	condition.Walk(tree, func(e condition.Expr) bool {
		total++
		if ref, ok := e.(*condition.Macro); ok {
			m := c.macros.get(ref.Name)
			if m == nil || m.bad { // every loop has a bad macro in it
				return true
			}
			if m.size == 0 {
				m.size = min(c.measure(m.tree), maxConditionNodes+1)
			}
			total += m.size
		}
		return total <= maxConditionNodes
	})
	return total
}

// resolve puts the macros of a tree in their places. All of them are known to
// be there and to have an end.
func (c *compiler) resolve(tree condition.Expr) (condition.Expr, error) {
	return condition.Resolve(tree, func(name string) (condition.Expr, bool) {
		m := c.macros.get(name)
		if m == nil || m.bad {
			return nil, false
		}
		if m.resolved == nil {
			x, err := c.resolve(m.tree)
			if err != nil {
				return nil, false
			}
			m.resolved = x
		}
		return m.resolved, true
	})
}

// expressionAt leads from a condition to a place in it.
func expressionAt(where chain, text script, pos condition.Pos) chain {
	at := text.at(pos.Offset)
	if at.in == nil {
		at = where.last()
	}
	return where.add("condition expression", "", at)
}
