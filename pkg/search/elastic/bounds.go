package elastic

// bounds enclose a filter by two queries: upper finds every document whose row the filter
// selects, and maybe more; lower finds only such documents, and maybe not all. A "not"
// turns them around, so that both have to be known everywhere.
type bounds struct{ upper, lower query }

// exactly are the bounds of what a query says in full.
func exactly(q query) bounds { return bounds{q, q} }

// within are the bounds of what can only be narrowed.
func within(upper query) bounds { return bounds{upper, noDocs{}} }

// unknown are the bounds of what documents do not tell.
func unknown() bounds { return within(allDocs{}) }

func never() bounds { return exactly(noDocs{}) }

// and and or join the bounds of filters.
func and(bs []bounds) bounds {
	upper, lower := make([]query, len(bs)), make([]query, len(bs))
	for i, b := range bs {
		upper[i], lower[i] = b.upper, b.lower
	}
	return bounds{allOf(upper...), allOf(lower...)}
}

func or(bs []bounds) bounds {
	upper, lower := make([]query, len(bs)), make([]query, len(bs))
	for i, b := range bs {
		upper[i], lower[i] = b.upper, b.lower
	}
	return bounds{anyOf(upper...), anyOf(lower...)}
}

// not turns bounds around: what holds for sure cannot fail.
func not(b bounds) bounds { return bounds{noneOf(b.lower), noneOf(b.upper)} }

// with narrows both bounds.
func (b bounds) with(q query) bounds { return bounds{allOf(b.upper, q), allOf(b.lower, q)} }

// besides widens both bounds.
func (b bounds) besides(q query) bounds { return bounds{anyOf(b.upper, q), anyOf(b.lower, q)} }

// residual finds the documents of which the bounds tell nothing.
func (b bounds) residual() query { return allOf(b.upper, noneOf(b.lower)) }
