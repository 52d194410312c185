package store

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
)

const (
	// maxValue is how many bytes a value in a row has at most; longer ones lie beside.
	maxValue = 128 << 10
	// maxValues is how many bytes all columns of a row have at most. With the raw bytes
	// they stay below the 2 MiB from which on the engine drops rows.
	maxValues = 768 << 10
	// sizeFrom is from how many bytes on a row says how many it has.
	sizeFrom = 16 << 10
)

// packed is a row as the engine gets it, and what goes into a file beside it.
type packed struct {
	columns []Column
	body    *body // nil if nothing does
}

// body is what is kept beside a row.
type body struct {
	columns []Column
	raw     []byte
	hasRaw  bool
}

// pack decides what of a row lies in it and what beside it.
func (s *Store) pack(r *Row) packed {
	var p packed
	var beside body
	size, within := 0, 0 // bytes in all, and in columns within the row
	for _, c := range r.Columns {
		switch {
		case c.Value == "":
		case len(c.Value) > maxValue || strange(c.Value):
			beside.columns = append(beside.columns, c)
			size += len(c.Value)
		default:
			p.columns = append(p.columns, c)
			within += len(c.Name) + len(c.Value)
		}
	}
	size += within
	if within > maxValues {
		p.columns, beside.columns = cutLongest(p.columns, beside.columns, within)
	}
	if raw := string(r.Raw); len(raw) > s.cfg.MaxRow || strange(raw) {
		beside.raw, beside.hasRaw = r.Raw, true
		p.columns = append(p.columns, Column{besideColumn, "1"})
	} else {
		p.columns = append(p.columns, Column{rawColumn, raw})
	}
	p.columns = append(p.columns, Column{clusterColumn, r.Cluster})
	if size += len(r.Raw); size >= sizeFrom {
		p.columns = append(p.columns, Column{sizeColumn, strconv.Itoa(size)})
	}
	if len(beside.columns) > 0 {
		p.columns = append(p.columns, Column{cutColumn, namesOf(beside.columns)})
	}
	if beside.hasRaw || len(beside.columns) > 0 {
		p.body = &beside
	}
	return p
}

// cutLongest moves columns from a row beside it, the longest first, until the rest are
// not too many bytes.
func cutLongest(in, out []Column, size int) (rest, cut []Column) {
	in = slices.Clone(in)
	slices.SortStableFunc(in, func(a, b Column) int { return cmp.Compare(len(b.Value), len(a.Value)) })
	n := 0
	for ; size > maxValues; n++ {
		size -= len(in[n].Name) + len(in[n].Value)
	}
	return in[n:], append(out, in[:n]...)
}

// namesOf is the names of columns as a JSON array. They have a form in which nothing is
// to be escaped.
func namesOf(columns []Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	text, _ := json.Marshal(names) // texts are always JSON
	return string(text)
}
