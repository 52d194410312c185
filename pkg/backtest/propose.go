package backtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Proposal is an exception for a rule, with the values that hide what was marked.
type Proposal struct {
	Rule      string        `json:"rule"`
	Exception string        `json:"exception"`
	Fields    []string      `json:"fields"`
	Declared  bool          `json:"declared"` // by the rule; else it is a new one
	Rows      []ProposalRow `json:"rows"`

	list bool
}

// ProposalRow is one row of values, with the detections that it would hide.
type ProposalRow struct {
	Values     []string `json:"values"`
	Marked     uint64   `json:"marked"` // false positives
	Others     uint64   `json:"others"` // not marked
	Users      []Value  `json:"users,omitempty"`
	Namespaces []Value  `json:"namespaces,omitempty"` // of the others

	// Alternatives are rows of other exceptions that hide these marked ones too.
	Alternatives []Alternative `json:"alternatives,omitempty"`
}

// Alternative is a row of another exception.
type Alternative struct {
	Exception string   `json:"exception"`
	Fields    []string `json:"fields"`
	ProposalRow
}

// rowTally counts what a row of a candidate would hide.
type rowTally struct {
	values            []string
	marked, others    uint64
	users, namespaces counts
}

// Proposals gives, for each rule with marked detections, the exceptions that hide all of
// them that exceptions can hide, and as little else as can be. Left are the marked ones
// that none can hide.
func (t *Tally) Proposals() (all []Proposal, left map[string]uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left = map[string]uint64{}
	for _, name := range t.order {
		rt := t.rules[name]
		if rt.marked == 0 {
			continue
		}
		found, rest := rt.patterns.propose(name)
		all = append(all, found...)
		if rest > 0 {
			left[name] = rest
		}
	}
	return all, left
}

func (p *patterns) propose(rule string) (all []Proposal, left uint64) {
	tallies := p.rowTallies()
	chosen := make([]map[string]others, len(p.candidates))
	for _, x := range p.sorted() {
		if x.marked == 0 {
			continue
		}
		best, key := p.best(x, tallies)
		if best < 0 {
			left += x.marked
			continue
		}
		if chosen[best] == nil {
			chosen[best] = map[string]others{}
		}
		if chosen[best][key] == nil {
			chosen[best][key] = others{}
		}
		for i := range p.candidates {
			if values, ok := p.candidates[i].row(x); ok && i != best {
				chosen[best][key][place{i, strings.Join(values, "\x00")}] = true
			}
		}
	}
	for i, rows := range chosen {
		if len(rows) == 0 {
			continue
		}
		c := p.candidates[i]
		pr := Proposal{Rule: rule, Exception: c.Name, Fields: c.Fields, Declared: c.declared, list: c.List}
		for _, key := range sortedKeys(rows) {
			row := tallies[i][key].export()
			row.Alternatives = p.alternatives(tallies, rows[key])
			pr.Rows = append(pr.Rows, row)
		}
		slices.SortStableFunc(pr.Rows, func(a, b ProposalRow) int { return cmp.Compare(b.Marked, a.Marked) })
		all = append(all, pr)
	}
	return all, left
}

// place is a row of a candidate.
type place struct {
	candidate int
	key       string
}

// others are rows that could stand in place of another.
type others map[place]bool

// maxAlternatives bounds those that are told of a row.
const maxAlternatives = 3

// alternatives gives those that hide the most marked ones for the least of the others.
func (p *patterns) alternatives(tallies []map[string]*rowTally, of others) (all []Alternative) {
	for at := range of {
		c := p.candidates[at.candidate]
		all = append(all, Alternative{Exception: c.Name, Fields: c.Fields, ProposalRow: tallies[at.candidate][at.key].export()})
	}
	slices.SortFunc(all, func(a, b Alternative) int {
		return cmp.Or(cmp.Compare(a.Others, b.Others), cmp.Compare(b.Marked, a.Marked),
			strings.Compare(a.Exception, b.Exception), slices.Compare(a.Values, b.Values))
	})
	return all[:min(len(all), maxAlternatives)]
}

// sorted gives the patterns in an order that is always the same.
func (p *patterns) sorted() (all []*pattern) {
	for _, key := range sortedKeys(p.of) {
		all = append(all, p.of[key])
	}
	return all
}

// rowTallies counts, for each candidate, what each row that it could get would hide.
func (p *patterns) rowTallies() []map[string]*rowTally {
	out := make([]map[string]*rowTally, len(p.candidates))
	for i := range p.candidates {
		out[i] = map[string]*rowTally{}
		for _, x := range p.of {
			values, ok := p.candidates[i].row(x)
			if !ok {
				continue
			}
			key := strings.Join(values, "\x00")
			r := out[i][key]
			if r == nil {
				r = &rowTally{values: values}
				out[i][key] = r
			}
			r.marked += x.marked
			r.others += x.others
			if x.others > 0 {
				r.users.addMany(x.user, x.others)
				r.namespaces.addMany(x.namespace, x.others)
			}
		}
	}
	return out
}

// best chooses the candidate that hides a pattern and the fewest detections that nobody
// marked; of equal ones one that the rule declares, of these that which hides more marked
// ones, so that there are few rows, and then that which asks for most, as it will hide less
// of what is yet to come.
func (p *patterns) best(x *pattern, tallies []map[string]*rowTally) (best int, key string) {
	best = -1
	var least *rowTally
	for i := range p.candidates {
		values, ok := p.candidates[i].row(x)
		if !ok {
			continue
		}
		k := strings.Join(values, "\x00")
		r := tallies[i][k]
		if best < 0 || p.better(i, r, best, least) {
			best, key, least = i, k, r
		}
	}
	return best, key
}

func (p *patterns) better(i int, r *rowTally, than int, other *rowTally) bool {
	declared := func(i int) int {
		if p.candidates[i].declared {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(r.others, other.others),
		cmp.Compare(declared(i), declared(than)),
		cmp.Compare(other.marked, r.marked),
		cmp.Compare(len(p.candidates[than].Fields), len(p.candidates[i].Fields)),
	) < 0
}

func (c *counts) addMany(value string, n uint64) {
	if c.of == nil {
		c.of = map[string]uint64{}
	}
	c.of[value] += n
}

// shownHidden is how many users and namespaces of what else would be hidden are told.
const shownHidden = 5

func (r *rowTally) export() ProposalRow {
	out := ProposalRow{Values: r.values, Marked: r.marked, Others: r.others}
	out.Users, _ = r.users.top(shownHidden)
	out.Namespaces, _ = r.namespaces.top(shownHidden)
	return out
}

// YAML gives proposals as rules files take them, each row with what it hides.
func YAML(all []Proposal) string {
	var b strings.Builder
	for i := 0; i < len(all); {
		rule := all[i].Rule
		fmt.Fprintf(&b, "- rule: %s\n  exceptions:\n", quoted(rule))
		for ; i < len(all) && all[i].Rule == rule; i++ {
			all[i].write(&b)
		}
		b.WriteString("  override:\n    exceptions: append\n")
	}
	return b.String()
}

func (p *Proposal) write(b *strings.Builder) {
	fmt.Fprintf(b, "    - name: %s\n", quoted(p.Exception))
	if !p.Declared {
		fmt.Fprintf(b, "      fields: %s\n", quotedList(p.Fields))
	}
	b.WriteString("      values:\n")
	for _, r := range p.Rows {
		fmt.Fprintf(b, "        # hides %d marked, %d others%s\n", r.Marked, r.Others, r.who())
		if p.list {
			fmt.Fprintf(b, "        - %s\n", quotedList(r.Values))
		} else {
			fmt.Fprintf(b, "        - %s\n", quoted(r.Values[0]))
		}
		for _, a := range r.Alternatives {
			fmt.Fprintf(b, "        # or %s %s %s: %d marked, %d others%s\n", a.Exception, quotedList(a.Fields), quotedList(a.Values), a.Marked, a.Others, a.who())
		}
	}
}

// who tells whose detections besides the marked ones are hidden.
func (r *ProposalRow) who() string {
	if r.Others == 0 {
		return ""
	}
	return "; users: " + valueList(r.Users) + "; namespaces: " + valueList(r.Namespaces)
}

// valueList gives values with their numbers, in a line.
func valueList(all []Value) string {
	parts := make([]string, len(all))
	for i, v := range all {
		parts[i] = fmt.Sprintf("%s %d", shown(v.Value), v.Alerts)
	}
	return strings.Join(parts, ", ")
}

// shown is a value that may be printed: quoted where it is no plain word.
func shown(v string) string {
	if v == "" {
		return "(none)"
	}
	for _, r := range v {
		if r <= ' ' || r > '~' || r == ',' || r == '"' {
			return quoted(v)
		}
	}
	return v
}

// quoted is a text in quotation marks, as YAML and JSON have it.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}

func quotedList(all []string) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = quoted(s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
