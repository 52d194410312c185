package store

import (
	"fmt"
	"slices"
	"strings"
)

const (
	maxID      = 256
	maxCluster = 1 << 10
	maxColumns = 1000 // the engine drops rows with more than twice as many
)

// check finds rows that no store can hold.
func check(rows []Row) error {
	for i := range rows {
		if why := rows[i].wrong(); why != "" {
			return BadRow{Row: i, Why: why}
		}
	}
	return nil
}

// wrong says what is wrong with a row; "" if nothing is.
func (r *Row) wrong() string {
	notPrintable := func(c rune) bool { return c <= ' ' || c > '~' }
	switch {
	case r.ID == "" || len(r.ID) > maxID || strings.ContainsFunc(r.ID, notPrintable):
		return fmt.Sprintf("has an ID that is not 1 to %d printable ASCII characters", maxID)
	case odd(r.ID):
		return "has an ID that looks like a number and is not written like one"
	case len(r.Cluster) > maxCluster || strange(r.Cluster):
		return fmt.Sprintf("has a name of a cluster that is not a text of at most %d bytes", maxCluster)
	case len(r.Columns) > maxColumns:
		return fmt.Sprintf("has %d columns, and at most %d are held", len(r.Columns), maxColumns)
	}
	names := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		if !nameForm(c.Name) || c.Name == idColumn || c.Name == clusterColumn {
			return fmt.Sprintf("has a column %q, which is not a name for one", c.Name)
		}
		names[i] = c.Name
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return fmt.Sprintf("has two columns %q", names[i])
		}
	}
	return ""
}

// refused is the error for rows with times that the store does not take.
func (s *Store) refused(rows []Row, outside []int) error {
	if len(outside) == 0 {
		return nil
	}
	slices.Sort(outside)
	s.counts.outOfRetention.Add(uint64(len(outside)))
	e := OutOfRetention{Rows: outside, First: rows[outside[0]].Time, Newer: rows[outside[0]].Time}
	e.Least, e.Most = s.keeps()
	for _, i := range outside {
		if t := rows[i].Time; t.Before(e.First) {
			e.First = t
		} else if t.After(e.Newer) {
			e.Newer = t
		}
	}
	return e
}
