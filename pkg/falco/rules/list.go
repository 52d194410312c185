package rules

import (
	"errors"
	"strings"
)

// Characters that end a list's name in a condition.
const (
	blanks     = " \t\n\r"
	delimiters = blanks + "(),="
)

// Bounds on what lists in lists may grow to.
const (
	maxListItems      = 1_000_000 // of all lists, with those of the lists in them
	maxConditionBytes = 4 << 20   // of a condition with its lists substituted
)

var errTooLong = errors.New("condition is too long after the substitution of lists")

// wordList is a list ready for substitution.
type wordList struct {
	item *listItem
	text string // the items, quoted where needed, joined by ", "
	used bool
}

// expandLists makes the lists of a collection ready, in order of definition. If
// one has too many items, it gives that list and nothing else.
func expandLists(lists *table[listItem], strict bool) (ready []*wordList, tooLong *listItem) {
	x := listExpander{lists: lists, done: map[string][]string{}, used: map[string]bool{}}
	expand := x.full
	if strict {
		expand = x.once
	}
	for _, l := range lists.inOrder {
		items := expand(l)
		if x.count > maxListItems {
			return nil, l
		}
		for i, item := range items {
			items[i] = quoteItem(item)
		}
		ready = append(ready, &wordList{item: l, text: joinItems(items)})
	}
	for _, l := range ready {
		l.used = x.used[l.item.name]
	}
	return ready, nil
}

type listExpander struct {
	lists *table[listItem]
	done  map[string][]string // fully expanded
	path  []string            // lists that are being expanded
	used  map[string]bool     // named by other lists
	count int                 // items made so far
}

// once expands as Falco does: one level deep, and only lists that were defined
// before. What else is nested is left to the order in which lists are
// substituted in a condition.
func (x *listExpander) once(l *listItem) (items []string) {
	for _, item := range l.items {
		ref := x.lists.get(item)
		if ref == nil || !l.order.sees(ref.order) {
			items = append(items, item)
			x.count++
			continue
		}
		x.used[ref.name] = true
		items = append(items, ref.items...)
		x.count += len(ref.items)
	}
	return items
}

// full expands to any depth, in whatever order the lists are defined. Where a
// list is reached inside itself, its name stands for itself.
func (x *listExpander) full(l *listItem) []string {
	return append([]string(nil), x.expand(l)...)
}

func (x *listExpander) expand(l *listItem) (items []string) {
	if done, ok := x.done[l.name]; ok {
		x.count += len(done)
		return done
	}
	x.count++
	x.path = append(x.path, l.name)
	complete := true
	for _, item := range l.items {
		ref := x.lists.get(item)
		switch {
		case ref == nil || x.count > maxListItems:
			items = append(items, item)
			x.count++
		case x.expanding(item):
			items = append(items, item)
			x.count++
			complete = item == l.name && complete
		default:
			x.used[item] = true
			items = append(items, x.expand(ref)...)
			_, ok := x.done[item]
			complete = complete && ok
		}
	}
	x.path = x.path[:len(x.path)-1]
	if complete || len(x.path) == 0 {
		x.done[l.name] = items
	}
	return items
}

func (x *listExpander) expanding(name string) bool {
	for _, p := range x.path {
		if p == name {
			return true
		}
	}
	return false
}

// quoteItem puts a text with a blank in quotes, unless it begins with one.
func quoteItem(s string) string {
	if strings.Contains(s, " ") && s[0] != '"' && s[0] != '\'' {
		return `"` + s + `"`
	}
	return s
}

// joinItems joins items as they stand in parentheses. Empty ones at the front
// leave no trace.
func joinItems(items []string) string {
	var b strings.Builder
	for _, item := range items {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(item)
	}
	return b.String()
}

// substitute puts the items of a list wherever its name stands in a condition
// between delimiters. This is text replacement, as Falco's: it looks neither at
// quotes nor at what the name would mean where it stands. It tells whether the
// name stands there at all.
func (l *wordList) substitute(s script) (text script, found bool, err error) {
	var out scriptBuilder
	done, from := 0, 0 // how far s has been taken, and from where on it is searched
	for {
		i := indexFrom(s.text, l.item.name, from)
		if i < 0 {
			break
		}
		end := i + len(l.item.name)
		if !(i == done || isDelimiter(s.text[i-1])) || !(end == len(s.text) || isDelimiter(s.text[end])) {
			from = i + 1
			continue
		}
		found = true
		out.add(s.slice(done, i))
		done = l.place(&out, s, i, end)
		if from = done; len(out.text) == len(l.text)+1 {
			from++ // Falco passes over a byte where nothing stands before the list
		}
		if len(out.text)+len(s.text)-done > maxConditionBytes {
			return s, true, errTooLong
		}
	}
	if done == 0 {
		return s, found, nil
	}
	out.add(s.slice(done, len(s.text)))
	return out.script(), found, nil
}

// place puts the items behind out, in the place of the name between begin and
// end and of the blanks around it, and gives how far s is done with.
func (l *wordList) place(out *scriptBuilder, s script, begin, end int) int {
	for out.endsWith(blanks) {
		out.drop()
	}
	for end < len(s.text) && strings.IndexByte(blanks, s.text[end]) >= 0 {
		end++
	}
	if l.text == "" { // the comma before or after it would be one too many
		if out.endsWith(",") {
			out.drop()
		} else if end < len(s.text) && s.text[end] == ',' {
			end++
		}
	}
	if len(out.text) > 0 {
		out.add(s.instead(begin, " "))
	}
	out.add(s.instead(begin, l.text+" "))
	return end
}

func indexFrom(s, sub string, from int) int {
	if from > len(s) {
		return -1
	}
	i := strings.Index(s[from:], sub)
	if i < 0 {
		return -1
	}
	return from + i
}

func isDelimiter(c byte) bool { return strings.IndexByte(delimiters, c) >= 0 }
