package house

import (
	"fmt"
	"go/ast"
	"strings"
)

// The hard limits. Aim well below: files of 100 to 500 lines, functions of 40.
const (
	maxFileLines = 600
	maxFuncLines = 100
)

// longMark, with a reason behind it, in the comment above a function lets it
// exceed maxFuncLines. It is meant for the one switch over a whole grammar.
const longMark = "//house:long"

// fileSize holds the length of every Go file, tests included.
func fileSize(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		if n := f.lines(); n > maxFileLines {
			vs = append(vs, Violation{f.Path, 0, fmt.Sprintf(
				"the file has %d lines, the limit is %d; split it along its types or steps and name each part for what is in it",
				n, maxFileLines)})
		}
	}
	return vs
}

// functionSize holds the length of functions outside tests, where tables may be
// long.
func functionSize(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		if f.IsTest() {
			continue
		}
		for _, d := range f.Go.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if msg := funcLength(t, fn); msg != "" {
					vs = append(vs, Violation{f.Path, t.line(fn.Pos()), msg})
				}
			}
		}
	}
	return vs
}

func funcLength(t *Tree, fn *ast.FuncDecl) string {
	n := t.line(fn.End()) - t.line(fn.Pos()) + 1
	reason, marked := longReason(fn)
	switch {
	case n > maxFuncLines && !marked:
		return fmt.Sprintf("func %s has %d lines, the limit is %d; split it into its steps, or, if it is one switch over a grammar, put %q and the reason above it",
			fn.Name.Name, n, maxFuncLines, longMark)
	case marked && reason == "":
		return fmt.Sprintf("func %s is marked %s without a reason; say why it has to be one piece", fn.Name.Name, longMark)
	case marked && n <= maxFuncLines:
		return fmt.Sprintf("func %s has only %d lines; take the %s mark away", fn.Name.Name, n, longMark)
	}
	return ""
}

func longReason(fn *ast.FuncDecl) (reason string, marked bool) {
	if fn.Doc == nil {
		return "", false
	}
	for _, c := range fn.Doc.List {
		if rest, ok := strings.CutPrefix(c.Text, longMark); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}
