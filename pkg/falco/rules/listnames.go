package rules

import "strings"

// listNames finds the lists that a text can name, so that thousands of lists
// need not be looked for in each of thousands of conditions.
type listNames struct {
	byName map[string]int // index of the list
	odd    []int          // lists whose names are no word, or not theirs alone: they can be anywhere
}

func newListNames(lists []*wordList) listNames {
	n := listNames{byName: make(map[string]int, len(lists))}
	for i, l := range lists {
		name := l.item.name
		if _, taken := n.byName[name]; taken || name == "" || strings.ContainsAny(name, delimiters) {
			n.odd = append(n.odd, i)
			continue
		}
		n.byName[name] = i
	}
	return n
}

// in appends the lists behind the one at an index whose names stand between
// delimiters in a text; some of them more than once.
func (n listNames) in(text string, after int, to []int) []int {
	for begin := 0; begin < len(text); {
		end := begin
		for end < len(text) && !isDelimiter(text[end]) {
			end++
		}
		if i, ok := n.byName[text[begin:end]]; ok && i > after {
			to = append(to, i)
		}
		begin = end + 1
	}
	return to
}
