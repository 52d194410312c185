package gcp

import "github.com/kubewitness/kubewitness/pkg/audit"

// merged joins the pieces of one value that stand in the parts of a split entry, in order: objects by key, arrays by
// position, texts end to end. An array goes on in the next part with as many empty elements as it had before.
func merged(pieces []audit.Value) audit.Value {
	var there []audit.Value
	for _, p := range pieces {
		if p.Exists() {
			there = append(there, p)
		}
	}
	if len(there) < 2 {
		if len(there) == 1 {
			return there[0]
		}
		return audit.Value{}
	}
	v, err := audit.ParseValue(appendMerged(nil, there))
	if err != nil {
		return there[0] // cannot be: it is made of valid JSON
	}
	return v
}

// appendMerged writes the join of pieces, at least one, that all exist.
func appendMerged(dst []byte, pieces []audit.Value) []byte {
	if len(pieces) == 1 {
		return append(dst, pieces[0].Compact()...)
	}
	kind := pieces[0].Kind()
	for _, p := range pieces[1:] {
		if p.Kind() != kind { // not of one making; an empty element stands for nothing
			return append(dst, fullest(pieces).Compact()...)
		}
	}
	switch kind {
	case audit.Object:
		return appendMergedObject(dst, pieces)
	case audit.Array:
		return appendMergedArray(dst, pieces)
	case audit.String:
		var whole []byte
		for _, p := range pieces {
			whole = append(whole, p.Text()...)
		}
		return appendString(dst, string(whole))
	default:
		return append(dst, fullest(pieces).Compact()...)
	}
}

// fullest is the piece with the most in it, the first of equal ones.
func fullest(pieces []audit.Value) audit.Value {
	best := pieces[0]
	for _, p := range pieces[1:] {
		if best.Kind() == audit.Null || p.Kind() != audit.Null && len(p.Raw()) > len(best.Raw()) {
			best = p
		}
	}
	return best
}

func appendMergedObject(dst []byte, pieces []audit.Value) []byte {
	values := map[string][]audit.Value{}
	var keys []string
	from := map[string]int{} // piece that the last of a key's values is from
	for i, p := range pieces {
		for key, v := range p.Members() {
			had := values[key]
			switch {
			case had == nil:
				keys = append(keys, key)
				values[key] = []audit.Value{v}
			case from[key] == i: // twice in one object: the last counts
				had[len(had)-1] = v
			default:
				values[key] = append(had, v)
			}
			from[key] = i
		}
	}
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, key)
		dst = append(dst, ':')
		if key == typeKey { // each part says it
			dst = append(dst, values[key][0].Compact()...)
			continue
		}
		dst = appendMerged(dst, values[key])
	}
	return append(dst, '}')
}

func appendMergedArray(dst []byte, pieces []audit.Value) []byte {
	var at [][]audit.Value
	for _, p := range pieces {
		i := 0
		for e := range p.Elems() {
			if i == len(at) {
				at = append(at, nil)
			}
			at[i] = append(at[i], e)
			i++
		}
	}
	dst = append(dst, '[')
	for i, values := range at {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendMerged(dst, values)
	}
	return append(dst, ']')
}
