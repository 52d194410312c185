package rules

import (
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// minPieces is the size from which on a file is parsed in pieces, in bytes.
// Below it there is little to win.
const minPieces = 256 << 10

// parsePieces parses a file that is plainly one sequence in n pieces at once,
// and gives the same tree as a parse of the whole but for comments, which
// nobody looks at. It gives nil where the file is none, or a piece is not in
// order: then the whole has to be parsed to know what there is, or is wrong.
//
// A piece that ends within an item, because what looks like the beginning of
// the next one stands in a quoted scalar or in brackets, is not in order: it
// has no end for the quote or bracket. So where a piece is in order, the parser
// is between two items at its end, and goes on as it does at a beginning.
func parsePieces(c *content, n int) *yaml.Node {
	if n < 2 || !plainSequence(c) {
		return nil
	}
	cuts := cutItems(c.text, n)
	if len(cuts) < 3 {
		return nil
	}
	parts := make([]*yaml.Node, len(cuts)-1)
	spread(len(parts), func(i int) { parts[i] = parsePiece(c, cuts[i], cuts[i+1]) })
	total := 0
	for _, p := range parts {
		if p == nil {
			return nil
		}
		total += len(p.Content)
	}
	items := make([]*yaml.Node, 0, total)
	for _, p := range parts {
		items = append(items, p.Content...)
	}
	parts[0].Content = items
	return parts[0]
}

// plainSequence tells whether every line is blank, indented, a comment or the
// beginning of an item, so that no line can end the sequence, and whether no
// item can refer to another.
func plainSequence(c *content) bool {
	if c.starts[0] != 0 || strings.Contains(c.text, "&") {
		return false
	}
	for _, at := range c.starts {
		line := c.text[at:]
		switch {
		case line == "" || line[0] == ' ' || line[0] == '#' || breakLen(line) > 0:
		case line[0] == '-' && (len(line) == 1 || line[1] == ' ' || breakLen(line[1:]) > 0):
		default:
			return false
		}
	}
	return true
}

// cutItems cuts a text into about n pieces of about one size and gives where
// they begin and end. But for the first, a piece begins with the line break
// before an item: the parser takes the comments of a first line for others.
func cutItems(text string, n int) []int {
	cuts := []int{0}
	for i := 1; i < n; i++ {
		from := max(len(text)/n*i, cuts[len(cuts)-1]+1)
		at := indexFrom(text, "\n- ", from)
		if at < 0 {
			break
		}
		cuts = append(cuts, at)
	}
	return append(cuts, len(text))
}

// parsePiece parses a piece of a file; nil where it is not one sequence at the
// margin and nothing else. The line break that the next piece begins with
// belongs to both.
func parsePiece(c *content, begin, end int) *yaml.Node {
	var roots []*yaml.Node
	err := eachDocument(c.text[begin:min(end+1, len(c.text))], func(root *yaml.Node) *yamlError {
		roots = append(roots, root)
		return nil
	})
	if err != nil || len(roots) != 1 {
		return nil
	}
	root := roots[0]
	if root.Kind != yaml.SequenceNode || root.Style != 0 || root.Column != 1 {
		return nil
	}
	moveDown(root, sort.SearchInts(c.starts, begin+1)-1)
	return root
}

// moveDown adds lines to the places of y and all below it.
func moveDown(y *yaml.Node, lines int) {
	y.Line += lines
	for _, child := range y.Content {
		moveDown(child, lines)
	}
}
