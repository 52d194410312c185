package search

import "github.com/kubewitness/kubewitness/pkg/store"

// bounds enclose a condition by two filters: upper selects every event for which it
// holds, and maybe more; lower selects only such events, and maybe not all.
type bounds struct {
	upper, lower store.Filter
	exact        bool // both select the same
}

// The filters that select all rows, and none.
var (
	allRows = store.And{}
	noRows  = store.Or{}
)

// exactly are the bounds of what a filter says in full.
func exactly(f store.Filter) bounds { return bounds{f, f, true} }

// within are the bounds of what the store can only narrow.
func within(upper store.Filter) bounds {
	return bounds{upper: upper, lower: noRows, exact: isNone(upper)}
}

func always() bounds { return exactly(allRows) }
func never() bounds  { return exactly(noRows) }

func allOf(terms ...bounds) bounds {
	upper, lower, exact := make(store.And, len(terms)), make(store.And, len(terms)), true
	for i, t := range terms {
		upper[i], lower[i] = t.upper, t.lower
		exact = exact && t.exact
	}
	b := bounds{and(upper...), and(lower...), exact}
	b.exact = b.exact || isNone(b.upper)
	return b
}

func anyOf(terms ...bounds) bounds {
	upper, lower, exact := make(store.Or, len(terms)), make(store.Or, len(terms)), true
	for i, t := range terms {
		upper[i], lower[i] = t.upper, t.lower
		exact = exact && t.exact
	}
	b := bounds{or(upper...), or(lower...), exact}
	b.exact = b.exact || isAll(b.lower)
	return b
}

// negated turns the bounds around: what holds for sure cannot fail.
func negated(b bounds) bounds { return bounds{not(b.lower), not(b.upper), b.exact} }

func isAll(f store.Filter) bool {
	a, ok := f.(store.And)
	return f == nil || ok && len(a) == 0
}

func isNone(f store.Filter) bool {
	o, ok := f.(store.Or)
	return ok && len(o) == 0
}

// and joins filters, without those that say nothing.
func and(terms ...store.Filter) store.Filter {
	out := store.And{}
	for _, t := range terms {
		switch inner, nested := t.(store.And); {
		case isNone(t):
			return noRows
		case isAll(t):
		case nested:
			out = append(out, inner...)
		default:
			out = append(out, t)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// or joins filters, without those that say nothing.
func or(terms ...store.Filter) store.Filter {
	out := store.Or{}
	for _, t := range terms {
		switch inner, nested := t.(store.Or); {
		case isAll(t):
			return allRows
		case nested:
			out = append(out, inner...)
		default:
			out = append(out, t)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func not(f store.Filter) store.Filter {
	switch n, negated := f.(store.Not); {
	case isAll(f):
		return noRows
	case isNone(f):
		return allRows
	case negated:
		return n.Filter
	}
	return store.Not{Filter: f}
}

// maxFilter bounds what is asked of the store, in filters and values: beyond, to read
// the rows costs less than to ask for them.
const maxFilter = 20_000

// size counts the filters and values in a filter.
func size(f store.Filter) int {
	n := 1
	switch f := f.(type) {
	case store.And:
		for _, t := range f {
			n += size(t)
		}
	case store.Or:
		for _, t := range f {
			n += size(t)
		}
	case store.Not:
		n += size(f.Filter)
	case store.Equal:
		n += len(f.Values)
	case store.Regexp:
		n += len(f.Pattern) / 16
	}
	return n
}
