package elastic

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// effort is how much of a filter a server is asked for. A server refuses what is too much
// for it: patterns whose automaton gets too large, or all patterns, where a setting of the
// cluster forbids what is dear (search.allow_expensive_queries); too many clauses, or too
// deep ones.
type effort uint8

const (
	inFull     effort = iota
	noPatterns        // whole values only
	noFilter          // times only: everything is looked at here
)

// planner makes bounds of filters.
type planner struct {
	kinds  func(column string) (row.Kind, bool)
	effort effort
}

// plan are the bounds of a filter.
func (p *planner) plan(f store.Filter) bounds {
	if p.effort == noFilter {
		return unknown()
	}
	return p.bounds(f)
}

func (p *planner) bounds(f store.Filter) bounds {
	switch f := f.(type) {
	case nil:
		return exactly(allDocs{})
	case store.And:
		return and(p.each(f))
	case store.Or:
		return p.or(f)
	case store.Not:
		return not(p.bounds(f.Filter))
	case store.Raw:
		return unknown() // the event is in the document and nothing can be asked of it
	case store.Beside, store.Cut:
		return never() // documents are whole
	}
	return p.columnBounds(f)
}

func (p *planner) each(fs []store.Filter) []bounds {
	out := make([]bounds, len(fs))
	for i, f := range fs {
		out[i] = p.bounds(f)
	}
	return out
}

// or joins filters. That some text of a list is this or that takes two filters in rows;
// together they are one query, and an exact one.
func (p *planner) or(fs store.Or) bounds {
	pairs := map[string][]string{} // texts, by column
	var names []string
	var rest store.Or
	for _, f := range fs {
		name, text, second := p.elementOf(f)
		switch has := name != "" && slices.ContainsFunc(fs, func(other store.Filter) bool { return pairedWith(f, other) }); {
		case !has:
			rest = append(rest, f)
		case !second:
			if pairs[name] == nil {
				names = append(names, name)
			}
			pairs[name] = append(pairs[name], text)
		}
	}
	bs := p.each(rest)
	for _, name := range names {
		c, ok := p.column(name)
		if !ok {
			bs = append(bs, unknown())
			continue
		}
		bs = append(bs, c.elements(pairs[name]))
	}
	return or(bs)
}

// elementOf tells whether a filter asks for the first text of a list, or for a later one.
func (p *planner) elementOf(f store.Filter) (column, text string, later bool) {
	quoted, ok := "", false
	switch f := f.(type) {
	case store.Prefix:
		column = f.Column
		quoted, ok = strings.CutPrefix(f.Text, "[")
	case store.Contains:
		column, later = f.Column, true
		quoted, ok = strings.CutPrefix(f.Text, ",")
	}
	if !ok || quoted == `","` || p.kindOf(column) != row.List {
		return "", "", false
	}
	if text, ok = parseElement(quoted); !ok {
		return "", "", false
	}
	return column, text, later
}

// pairedWith tells whether two filters ask for the same text, the one for the first and the
// other for the later ones.
func pairedWith(a, b store.Filter) bool {
	pre, ok := a.(store.Prefix)
	con, also := b.(store.Contains)
	if !ok {
		pre, ok = b.(store.Prefix)
		con, also = a.(store.Contains)
	}
	return ok && also && pre.Column == con.Column && len(pre.Text) > 0 && len(con.Text) > 0 && pre.Text[1:] == con.Text[1:]
}

// columnBounds are the bounds of a filter on a column.
func (p *planner) columnBounds(f store.Filter) bounds {
	name := columnOf(f)
	if name == idColumn {
		if eq, ok := f.(store.Equal); ok {
			return idBounds(eq.Values)
		}
		return unknown()
	}
	c, ok := p.column(name)
	if !ok {
		return unknown()
	}
	b := c.textBounds(f)
	if c.kind == row.List {
		b = c.listBounds(f)
	}
	if p.effort == noPatterns && (hasPattern(b.upper) || hasPattern(b.lower)) {
		return c.some()
	}
	return b
}

func idBounds(values []string) bounds {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" || !plainText(v) })
	if len(values) == 0 {
		return never()
	}
	return exactly(ids(values))
}

// textBounds are the bounds of a filter on a column that is no list.
func (c *column) textBounds(f store.Filter) bounds {
	switch f := f.(type) {
	case store.Equal:
		return c.equal(f.Values)
	case store.Prefix:
		return c.begins(f.Text)
	case store.Suffix:
		return c.ends(f.Text)
	case store.Contains:
		return c.contains(f.Text)
	case store.Regexp:
		return c.matches(f.Pattern)
	case store.Range:
		return c.between(f.Least, f.Most)
	}
	return c.there()
}

// hasPattern tells whether a query needs an automaton.
func hasPattern(q query) bool {
	switch q := q.(type) {
	case every:
		return slices.ContainsFunc(q, hasPattern)
	case some:
		return slices.ContainsFunc(q, hasPattern)
	case none:
		return hasPattern(q.of)
	case prefix, pattern, regular:
		return true
	}
	return false
}

// kindOf is the form of a column's values.
func (p *planner) kindOf(name string) row.Kind {
	if slices.Contains(ownLists, name) {
		return row.List
	}
	if p.kinds == nil {
		return row.Text
	}
	kind, _ := p.kinds(name)
	return kind
}

// column finds the field that holds a column.
func (p *planner) column(name string) (*column, bool) {
	field, ok := fieldOf(name)
	if !ok {
		return nil, false
	}
	if _, known := p.kinds(name); !known && !own(name) {
		return nil, false
	}
	kind := p.kindOf(name)
	return &column{name: name, field: field, kind: kind, short: kind == row.Number || kind == row.Bool}, true
}

// parsePattern parses a pattern that was compiled before.
func parsePattern(text string) *syntax.Regexp {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return &syntax.Regexp{Op: syntax.OpNoMatch}
	}
	return re.Simplify()
}
