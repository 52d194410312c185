package rules

import (
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// collection is what all files read so far add up to: the lists, macros and
// rules in force, each in the place of its first definition.
type collection struct {
	lists    table[listItem]
	macros   table[macroItem]
	rules    table[ruleItem]
	required []requirements
	count    int // numbers given so far; see order

	// catalogue gives the fields of a source, nil and false where it is unknown.
	catalogue func(source string) (condition.Catalogue, bool)
}

// placed gives the order of a new item, or of one that is put in the place of
// another.
func (c *collection) placed(old *order) order {
	c.count++
	if old == nil {
		return order{c.count, c.count}
	}
	return order{old.first, c.count}
}

func (c *collection) defineList(l *listItem) {
	if old := c.lists.get(l.name); old != nil {
		l.order = c.placed(&old.order)
		*old = *l
		return
	}
	l.order = c.placed(nil)
	c.lists.put(l.name, l)
}

// appendList is false when there is no such list.
func (c *collection) appendList(l *listItem) bool {
	old := c.lists.get(l.name)
	if old == nil {
		return false
	}
	old.items = append(old.items[:len(old.items):len(old.items)], l.items...)
	old.order = c.placed(&old.order)
	return true
}

func (c *collection) defineMacro(m *macroItem) {
	if old := c.macros.get(m.name); old != nil {
		m.order = c.placed(&old.order)
		*old = *m
		return
	}
	m.order = c.placed(nil)
	c.macros.put(m.name, m)
}

// appendMacro is false when there is no such macro. The conditions are joined
// as texts: "a or b" and "and c" give "a or b and c".
func (c *collection) appendMacro(m *macroItem) bool {
	old := c.macros.get(m.name)
	if old == nil {
		return false
	}
	old.cond = appendText(old.cond, m.cond)
	old.order = c.placed(&old.order)
	return true
}

// appendText puts a script behind another with a blank between them.
func appendText(old, more script) script {
	return join(old, more.instead(0, " "), more)
}

// enableRule is false when there is no such rule.
func (c *collection) enableRule(name string, enabled bool) bool {
	old := c.rules.get(name)
	if old == nil {
		return false
	}
	old.enabled = enabled
	return true
}

func (c *collection) defineRule(r *recorder, v *ruleItem) {
	old := c.rules.get(v.name)
	if old != nil && old.source != v.source && !old.bad {
		r.failHint(ErrValidate, v.at, "Rule has been re-defined with a different source",
			"its source was '"+old.source+"', now it is '"+v.source+"'")
		return
	}
	var cat condition.Catalogue
	cat, v.sourceKnown = c.catalogue(v.source)
	if !v.sourceKnown {
		r.warn(WarnUnknownSource, v.at, "Unknown source "+v.source+", skipping")
	}
	v.judgeExceptions(r, cat)
	if old == nil {
		v.order = c.placed(nil)
		c.rules.put(v.name, v)
		return
	}
	v.order = c.placed(&old.order)
	*old = *v
}

// judgeExceptions judges the exceptions of a rule as a whole. What could not be
// read is not judged.
func (v *ruleItem) judgeExceptions(r *recorder, cat condition.Catalogue) {
	for i := range v.exceptions {
		ex := &v.exceptions[i]
		switch {
		case ex.bad:
		case ex.fields.set():
			ex.judge(r, cat)
		default:
			r.fail(ErrValidate, ex.at, "Rule exception item must have fields property with a list of fields")
			ex.bad = true
		}
		v.bad = v.bad || ex.bad
	}
}

// appendRule puts the texts of an update behind those of a rule and adds its
// tags and exceptions. It is false when there is no such rule.
func (c *collection) appendRule(r *recorder, u *ruleUpdate) bool {
	old := c.rules.get(u.name)
	if old == nil {
		r.fail(ErrValidate, u.at, "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists")
		return false
	}
	if u.empty() {
		r.fail(ErrValidate, u.at, "Appended rule must have exceptions or condition property")
		return false
	}
	if u.cond != nil {
		old.cond = appendText(old.cond, *u.cond)
	}
	if u.output != nil {
		old.output = appendText(old.output, *u.output)
	}
	if u.desc != nil {
		old.desc += " " + *u.desc
	}
	if u.tags != nil {
		tags := map[string]bool{}
		for _, set := range []map[string]bool{old.tags, *u.tags} {
			for t := range set {
				tags[t] = true
			}
		}
		old.tags = tags
	}
	ok := true
	if u.exceptions != nil {
		ok = c.appendExceptions(r, old, *u.exceptions)
	}
	old.order = c.placed(&old.order)
	return ok
}

// appendExceptions adds values to exceptions that the rule has by name, and
// the others whole.
func (c *collection) appendExceptions(r *recorder, old *ruleItem, more []exception) bool {
	cat, _ := c.catalogue(old.source)
	ok := true
	fail := func(ex exception, msg string) {
		r.fail(ErrValidate, ex.at, msg)
		ok = false
	}
	for _, ex := range more {
		prev := old.exception(ex.name)
		switch {
		case prev == nil && !ex.fields.set():
			fail(ex, "Rule exception must have fields property with a list of fields")
		case prev == nil && len(ex.values) == 0:
			fail(ex, "Rule exception must have values property with a list of values")
		case prev == nil:
			ok = ex.judge(r, cat) && ok
			old.exceptions = append(old.exceptions[:len(old.exceptions):len(old.exceptions)], ex)
		case ex.fields.set():
			fail(ex, "Can not append exception fields to existing exception, only values")
		case ex.comps.set():
			fail(ex, "Can not append exception comps to existing exception, only values")
		default:
			prev.values = append(prev.values[:len(prev.values):len(prev.values)], ex.values...)
		}
	}
	old.bad = old.bad || !ok
	return ok
}

// exception gives the first exception of that name, nil where there is none.
func (v *ruleItem) exception(name string) *exception {
	for i := range v.exceptions {
		if v.exceptions[i].name == name {
			return &v.exceptions[i]
		}
	}
	return nil
}

// replaceRule puts the parts of an update in the place of a rule's.
//
// Falco takes replaced exceptions unseen, and dies of those that leave their
// operators out. Here they are completed and judged as those of a new rule.
func (c *collection) replaceRule(r *recorder, u *ruleUpdate) {
	old := c.rules.get(u.name)
	if old == nil {
		r.fail(ErrValidate, u.at, "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists")
		return
	}
	if u.empty() {
		r.fail(ErrValidate, u.at, "The rule must have at least one field that can be replaced")
		return
	}
	if u.cond != nil {
		old.cond, old.condAt, old.noCond = *u.cond, u.condAt, false
	}
	if u.output != nil {
		old.output, old.outputAt, old.noOutput = *u.output, u.outputAt, false
	}
	if u.exceptions != nil {
		cat, _ := c.catalogue(old.source)
		old.exceptions = *u.exceptions
		old.judgeExceptions(r, cat)
	}
	set(&old.desc, u.desc)
	set(&old.tags, u.tags)
	set(&old.priority, u.priority)
	set(&old.enabled, u.enabled)
	set(&old.warnEvttype, u.warn)
	set(&old.skipUnknown, u.skip)
	old.order = c.placed(&old.order)
}

// set puts a value, if there is one, in the place of another.
func set[T any](into *T, value *T) {
	if value != nil {
		*into = *value
	}
}
