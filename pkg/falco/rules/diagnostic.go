package rules

import (
	"fmt"
	"strings"
)

// Location is one link of the chain that leads to a problem: an item of the
// rules file, with the place where it is written.
type Location struct {
	ItemType string // as Falco names it: "rule", "macro condition", "value for", ...
	ItemName string // "" where the item has no name
	File     string
	Line     int // 1-based
	Column   int // 1-based, in characters
	Offset   int // 0-based, in bytes
}

// Diagnostic is one problem of a rules file. Whether it is an error or a
// warning is told by the list of the [Result] that it stands in.
type Diagnostic struct {
	Code       string
	Desc       string     // what the code means, in a few words
	Message    string     // Falco's words
	Hint       string     // what to do about it, in ours; often ""
	Context    []Location // from the file as a whole down to the very place; never empty
	Snippet    string     // the line of the place, and below it a caret; each with a line break
	Deprecated string     // the deprecated field that a warning is about
}

// At gives the very place of the problem.
func (d *Diagnostic) At() Location { return d.Context[len(d.Context)-1] }

// String gives place, code and message in one line.
func (d *Diagnostic) String() string {
	at := d.At()
	return fmt.Sprintf("%s:%d:%d: %s (%s): %s", at.File, at.Line, at.Column, d.Code, d.Desc, d.Message)
}

// Result is what is to be said of one rules file.
type Result struct {
	Name       string
	Successful bool // no errors
	Errors     []Diagnostic
	Warnings   []Diagnostic
}

// Err gives nil for a successful result, else an error that tells the first
// problem and how many there are.
func (r *Result) Err() error {
	switch len(r.Errors) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("rules: %s", r.Errors[0].String())
	}
	return fmt.Errorf("rules: %s (and %d more)", r.Errors[0].String(), len(r.Errors)-1)
}

// link is a Location in the making.
type link struct {
	itemType, itemName string
	at                 place
}

// chain leads from the file down to an item. Chains are values: add does not
// change its receiver.
type chain []link

func fileChain(c *content) chain {
	return chain{{itemType: "rules content", at: place{c, 1, 1}}}
}

func (c chain) add(itemType, itemName string, at place) chain {
	return append(c[:len(c):len(c)], link{itemType, itemName, at})
}

// addNode is add for an item that a YAML node is.
func (c chain) addNode(itemType, itemName string, n node) chain {
	return c.add(itemType, itemName, n.place())
}

// last gives the place that the chain leads to.
func (c chain) last() place { return c[len(c)-1].at }

func (c chain) locations() []Location {
	out := make([]Location, len(c))
	for i, l := range c {
		out[i] = Location{l.itemType, l.itemName, l.at.in.name, l.at.line, l.at.column, l.at.offset()}
	}
	return out
}

// recorder collects the problems of a load. What has been told is not told
// again: every file of a load compiles all files before it anew.
type recorder struct {
	result *Result // of the file that is being loaded
	told   map[problem]bool
}

// problem is what makes two diagnostics the same.
type problem struct {
	code, msg string
	at        place
}

func (r *recorder) fail(code string, at chain, msg string) { r.failHint(code, at, msg, "") }

func (r *recorder) failHint(code string, at chain, msg, hint string) {
	if r.first(code, at, msg) {
		record(&r.result.Errors, code, at, msg).Hint = hint
	}
}

func (r *recorder) warn(code string, at chain, msg string) { r.warnDeprecated(code, at, msg, "") }

func (r *recorder) warnDeprecated(code string, at chain, msg, field string) {
	if r.first(code, at, msg) {
		record(&r.result.Warnings, code, at, msg).Deprecated = field
	}
}

// first tells whether a problem has not been told yet.
func (r *recorder) first(code string, at chain, msg string) bool {
	p := problem{code, msg, at.last()}
	told := r.told[p]
	r.told[p] = true
	return !told
}

// maxTold bounds the errors, and the warnings, that are told of a file. The last
// one says that there are more.
const maxTold = 1000

// record adds a diagnostic to a list and gives it, for what else there is to
// fill in.
func record(list *[]Diagnostic, code string, at chain, msg string) *Diagnostic {
	if len(*list) == maxTold {
		return &Diagnostic{}
	}
	if len(*list) == maxTold-1 {
		msg = "Too many problems, the ones from here on are not told"
	}
	*list = append(*list, Diagnostic{
		Code: code, Desc: descriptions[code].short, Message: msg,
		Context: at.locations(), Snippet: at.last().excerpt(),
	})
	return &(*list)[len(*list)-1]
}

// names joins the chain's items as a path, for people: "rule 'x' > rule
// condition". The file itself is left out.
func names(context []Location) string {
	var parts []string
	for _, l := range context[1:] {
		part := l.ItemType
		if l.ItemName != "" {
			part += " '" + l.ItemName + "'"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " > ")
}
