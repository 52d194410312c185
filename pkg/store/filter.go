package store

// Filter selects rows. A zero Filter, nil, selects all. An empty value is none: who
// keeps empty values apart from absent ones encodes them. A row without a value in a
// column is selected by no filter on it, whatever the text: Prefix of "" is Exists.
//
// Values are texts: 007 is not 7. Case counts, except where it says otherwise. Bytes
// that are not UTF-8 count as equal to each other in Suffix, Regexp and AnyCase.
//
// The texts in a filter may hold anything: they are quoted where they go into the
// engine's own query language, which does not leave this package.
type Filter interface{ filter() }

type (
	// And selects the rows that all of its filters select; without any, all rows.
	And []Filter
	// Or selects the rows that one of its filters selects; without any, none.
	Or []Filter
	// Not selects the rows that its filter does not.
	Not struct{ Filter Filter }
	// Exists selects the rows with a value in the column.
	Exists struct{ Column string }
	// Equal selects the rows whose value in the column is one of Values.
	Equal struct {
		Column string
		Values []string
	}
	// Prefix selects the rows whose value in the column begins with Text.
	Prefix struct{ Column, Text string }
	// Suffix selects the rows whose value in the column ends with Text.
	Suffix struct{ Column, Text string }
	// Contains selects the rows whose value in the column has Text in it.
	Contains struct{ Column, Text string }
	// Regexp selects the rows in whose value Pattern, of RE2's syntax, matches somewhere.
	Regexp struct{ Column, Pattern string }
	// Range selects the rows whose value in the column is a decimal number, without
	// leading zeros, from Least to Most, both included.
	Range struct {
		Column      string
		Least, Most uint64
	}
	// Raw selects the rows with Text in their raw bytes, as far as these are in the
	// row: those kept beside it (see Beside) are never selected.
	Raw struct {
		Text    string
		AnyCase bool // ASCII letters match in either case
	}
	// Beside selects the rows whose raw bytes are too many for a row and are kept in a
	// file beside it.
	Beside struct{}
	// Cut selects the rows that have a value in the column which a row cannot hold, such
	// as one that is too long, and which is kept beside it: to all other filters such a row has no value there. Who
	// must not miss it asks for these rows too, and looks at them.
	Cut struct{ Column string }
)

func (And) filter()      {}
func (Or) filter()       {}
func (Not) filter()      {}
func (Exists) filter()   {}
func (Equal) filter()    {}
func (Prefix) filter()   {}
func (Suffix) filter()   {}
func (Contains) filter() {}
func (Regexp) filter()   {}
func (Range) filter()    {}
func (Raw) filter()      {}
func (Beside) filter()   {}
func (Cut) filter()      {}
