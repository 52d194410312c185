package elastic

import (
	"encoding/json"
	"slices"
)

// query is a clause of Elasticsearch's query language. It becomes text in one place,
// encoding/json, so that no text of a filter can be anything but a string there.
type query interface{ dsl() any }

type (
	allDocs struct{}
	noDocs  struct{}
	every   []query
	some    []query
	none    struct{ of query }

	exists struct{ field string } // it has an indexed value
	among  struct {               // a value is one of these
		field  string
		values []string
	}
	prefix  struct{ field, text string }
	pattern struct{ field, wildcard string } // of wildcards: * and ?, all else escaped
	regular struct {                         // of Lucene's regular expressions, for whole values
		field, expr string
		flags       string // "": no more operators than the standard ones
	}
	ignored []string // fields of which a value was too long to be indexed
	reduced struct{} // it has none of the fields of the catalogue
	ids     []string
	span    struct{ least, most int64 } // of the time filed under, in nanoseconds, both included
)

// object is a JSON object.
type object map[string]any

func (allDocs) dsl() any { return object{"match_all": object{}} }
func (noDocs) dsl() any  { return object{"match_none": object{}} }
func (q every) dsl() any { return object{"bool": object{"filter": each(q)}} }
func (q some) dsl() any {
	return object{"bool": object{"should": each(q), "minimum_should_match": 1}}
}
func (q none) dsl() any   { return object{"bool": object{"must_not": q.of.dsl()}} }
func (q exists) dsl() any { return object{"exists": object{"field": q.field}} }
func (q among) dsl() any {
	if len(q.values) == 1 {
		return object{"term": object{q.field: object{"value": q.values[0]}}}
	}
	return object{"terms": object{q.field: q.values}}
}
func (q prefix) dsl() any { return object{"prefix": object{q.field: object{"value": q.text}}} }
func (q pattern) dsl() any {
	return object{"wildcard": object{q.field: object{"value": q.wildcard}}}
}
func (q regular) dsl() any {
	flags := q.flags
	if flags == "" {
		flags = "NONE"
	}
	return object{"regexp": object{q.field: object{"value": q.expr, "flags": flags}}}
}
func (q ignored) dsl() any { return among{"_ignored", q}.dsl() }
func (reduced) dsl() any   { return exists{reducedField}.dsl() }
func (q ids) dsl() any     { return object{"ids": object{"values": []string(q)}} }

func each(qs []query) []any {
	out := make([]any, len(qs))
	for i, q := range qs {
		out[i] = q.dsl()
	}
	return out
}

// encode writes a query as JSON. Texts must be UTF-8, or they become what they are not.
func encode(q query) json.RawMessage {
	text, _ := json.Marshal(q.dsl()) // texts, numbers, maps of them: it cannot fail
	return text
}

// allOf joins queries, without those that say nothing.
func allOf(qs ...query) query {
	out := every{}
	for _, q := range qs {
		switch q := q.(type) {
		case noDocs:
			return q
		case allDocs:
		case every:
			out = append(out, q...)
		default:
			out = append(out, q)
		}
	}
	switch len(out) {
	case 0:
		return allDocs{}
	case 1:
		return out[0]
	}
	return out
}

// anyOf joins queries, without those that say nothing, and each reason to look at documents
// more closely once.
func anyOf(qs ...query) query {
	var out some
	var fields []string
	shape := false
	add := func(q query) {
		switch q := q.(type) {
		case ignored:
			fields = append(fields, q...)
		case reduced:
			shape = true
		default:
			out = append(out, q)
		}
	}
	for _, q := range qs {
		switch q := q.(type) {
		case allDocs:
			return q
		case noDocs:
		case some:
			for _, inner := range q {
				add(inner)
			}
		default:
			add(q)
		}
	}
	if len(fields) > 0 {
		slices.Sort(fields)
		out = append(out, ignored(slices.Compact(fields)))
	}
	if shape {
		out = append(out, reduced{})
	}
	switch len(out) {
	case 0:
		return noDocs{}
	case 1:
		return out[0]
	}
	return out
}

// noneOf turns a query around.
func noneOf(q query) query {
	switch q := q.(type) {
	case allDocs:
		return noDocs{}
	case noDocs:
		return allDocs{}
	case none:
		return q.of
	}
	return none{q}
}
