// Package house holds the rules of this house as tests: what a package may
// import, what must be documented, how large a file and a function may grow,
// which names and words stay out.
//
// A rule is a function from a tree of source files to violations, so that each
// rule is itself tested on a small bad tree under testdata (see TestRules). A
// violation says where, what, and what to do about it. The tables that a change
// of the house has to touch are in rooms.go (dependency direction) and
// libraries.go (third-party code).
//
// The rules read source text only: they work on a tree that does not compile.
// What vet, staticcheck or the compiler can tell does not belong here.
package house

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Tree is the text of a repository.
type Tree struct {
	Files []*File         // in the order of their paths
	paths map[string]bool // of all files and folders, binaries too
	fset  *token.FileSet
}

// File is one text file.
type File struct {
	Path string // from the root, with slashes
	Text string
	Go   *ast.File // nil when it is no Go source, or when it cannot be parsed
	err  error     // why it could not be parsed
}

// Violation is one breach of a rule.
type Violation struct {
	Path string
	Line int // 1-based; 0 when it concerns the whole file
	Msg  string
}

// String returns the violation as compilers write theirs: path:line: message.
func (v Violation) String() string {
	if v.Line == 0 {
		return v.Path + ": " + v.Msg
	}
	return fmt.Sprintf("%s:%d: %s", v.Path, v.Line, v.Msg)
}

// Load reads the text files below the root of fsys. It leaves out what is not
// part of the source: build output, the version control's own folder, binaries.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{paths: map[string]bool{}, fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && outside(name):
			return fs.SkipDir
		}
		t.paths[name] = true
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since the folder was listed
		}
		if err != nil {
			return err
		}
		if bytes.IndexByte(text[:min(len(text), 8<<10)], 0) < 0 {
			t.add(name, string(text))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("house: %w", err)
	}
	return t, nil
}

// foreignModule reports whether a folder belongs to a module below this one.
func (t *Tree) foreignModule(dir string) bool {
	for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if t.paths[path.Join(dir, "go.mod")] {
			return true
		}
	}
	return false
}

// outside reports whether a folder is no part of the source.
func outside(dir string) bool {
	switch dir {
	case ".", ".ci", ".github":
		return false
	}
	base := path.Base(dir)
	return strings.HasPrefix(base, ".") || base == "bin" || base == "node_modules"
}

func (t *Tree) add(name, text string) {
	f := &File{Path: name, Text: text}
	if strings.HasSuffix(name, ".go") && !ignoredByGo(name) {
		f.Go, f.err = parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if f.err != nil {
			f.Go = nil
		}
	}
	t.Files = append(t.Files, f)
}

// ignoredByGo reports whether the go command passes over the file.
func ignoredByGo(name string) bool {
	for _, elem := range strings.Split(name, "/") {
		if elem == "testdata" || strings.HasPrefix(elem, "_") || strings.HasPrefix(elem, ".") {
			return true
		}
	}
	return false
}

// goFiles returns the Go sources that people wrote.
func (t *Tree) goFiles() []*File {
	var files []*File
	for _, f := range t.Files {
		if f.Go != nil && !ast.IsGenerated(f.Go) {
			files = append(files, f)
		}
	}
	return files
}

// line returns the 1-based line of a position.
func (t *Tree) line(p token.Pos) int { return t.fset.Position(p).Line }

// Dir returns the folder of the file.
func (f *File) Dir() string { return path.Dir(f.Path) }

// IsTest reports whether only `go test` compiles the file.
func (f *File) IsTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// lines returns how many lines the file has.
func (f *File) lines() int {
	n := strings.Count(f.Text, "\n")
	if f.Text != "" && !strings.HasSuffix(f.Text, "\n") {
		n++
	}
	return n
}

// importName returns the name under which the file imports a package of the
// standard library, and whether it does.
func (f *File) importName(pkg string) (string, bool) {
	for _, imp := range f.Go.Imports {
		if strings.Trim(imp.Path.Value, `"`) != pkg {
			continue
		}
		if imp.Name != nil {
			return imp.Name.Name, true
		}
		return path.Base(pkg), true
	}
	return "", false
}

// uses calls f for each place where the file names one of a package's functions,
// called or not.
func (f *File) uses(pkg string, names []string, visit func(name string, at token.Pos)) {
	local, ok := f.importName(pkg)
	if !ok {
		return
	}
	ast.Inspect(f.Go, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(names, sel.Sel.Name) {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				visit(sel.Sel.Name, sel.Pos())
			}
		}
		return true
	})
}

// byPlace sorts violations by path, line and message.
func byPlace(a, b Violation) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Msg, b.Msg))
}
