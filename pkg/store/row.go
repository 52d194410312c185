package store

import "time"

// Row is one thing kept.
type Row struct {
	ID      string    // identity, printable ASCII, at most 256 bytes; a row whose ID is there already is not stored again
	Cluster string    // rows of one cluster lie together; Column "cluster" in filters and facets
	Time    time.Time // when it happened; nanoseconds
	Columns []Column  // in any order, each name once; empty values are not kept
	Raw     []byte    // the whole of it, given back byte by byte

	// Refiled says that Time is not the row's own. An ID comes with the same time each
	// time, and is looked for there; that of a refiled row is looked for everywhere.
	Refiled bool
	// Lost is set by the store in a row that it gives: what was kept beside it, Raw or
	// columns, could not be read.
	Lost bool
}

// Column is a value of a row. Names are of lower-case letters, digits, "_" and ".", do
// not begin with "_", and have at most 100 bytes; "id" and "cluster" are the store's own.
type Column struct{ Name, Value string }

// Value is the value of a column, "" where the row has none.
func (r *Row) Value(name string) string {
	for _, c := range r.Columns {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Position is a place in the order of rows: newest first, of one time by ID, the
// higher one first. The zero Position is before all rows.
type Position struct {
	Time time.Time
	ID   string
}

// Query is what is asked for: rows that the filter selects, from From (included) to
// To (excluded); the zero times are no bounds.
type Query struct {
	Filter   Filter
	From, To time.Time
}

// Bucket is a part of a histogram: the rows from Start on, for one step.
type Bucket struct {
	Start time.Time
	Rows  uint64
}

// FacetColumn names a column to count the values of.
type FacetColumn struct {
	Name string
	List bool // its values are JSON arrays of texts: count the elements
}

// Facet is how often the values of a column occur, the most frequent first, then by
// value.
type Facet struct {
	Column string
	Values []FacetValue
	More   bool // there are other values
}

// FacetValue is a value with the number of rows that have it.
type FacetValue struct {
	Value string
	Rows  uint64
}

// Progress is how far a query has come.
type Progress struct {
	Reached time.Time // all rows from here on have been looked at; going forward, all up to here
	Oldest  time.Time // where it ends; zero: not known
}

// Scan says what Newest gives of a row, and where it begins.
type Scan struct {
	After    Position       // only rows behind this position
	Columns  []string       // columns to give; nil: all
	NoRaw    bool           // leave Raw nil
	Progress func(Progress) // called now and then, from the goroutine that called Newest; may be nil
	Forward  bool           // the oldest first, of one time the lower ID first: of who reads all; Newest of a [Store] does not know it
}

// Written counts what became of the rows of a Write.
type Written struct {
	Rows  int    // stored
	Known int    // not stored, since their IDs were there
	New   []bool // by place in the batch: the row was stored
}
