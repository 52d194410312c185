package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// packageComment holds that each package says, once, what it is for.
func packageComment(t *Tree) (vs []Violation) {
	byDir := map[string][]*File{}
	for _, f := range t.goFiles() {
		byDir[f.Dir()] = append(byDir[f.Dir()], f)
	}
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		vs = append(vs, onePackageComment(dir, byDir[dir])...)
	}
	return vs
}

func onePackageComment(dir string, files []*File) (vs []Violation) {
	var first *File
	testsOnly := !slices.ContainsFunc(files, func(f *File) bool { return !f.IsTest() })
	for _, f := range files {
		if f.Go.Doc.Text() == "" || f.IsTest() && !testsOnly {
			continue
		}
		if first != nil {
			vs = append(vs, Violation{f.Path, 0, fmt.Sprintf(
				"a second package comment, the first is in %s; godoc runs them together, keep one", first.Path)})
			continue
		}
		first = f
		if want := opening(f); !strings.HasPrefix(f.Go.Doc.Text(), want) {
			vs = append(vs, Violation{f.Path, 0, fmt.Sprintf("the package comment does not begin with %q", want)})
		}
	}
	if first == nil {
		vs = append(vs, Violation{dir, 0, fmt.Sprintf(
			"no package comment; write, above one package clause, \"// %s...\": what the room is for and what must not come in", opening(files[0]))})
	}
	return vs
}

// opening returns how godoc wants the package comment to begin.
func opening(f *File) string {
	if f.Go.Name.Name == "main" {
		return "Command "
	}
	return "Package " + f.Go.Name.Name + " "
}

// documented holds that every exported identifier outside tests says what it is.
// One comment serves a whole group of constants or variables.
func documented(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		if f.IsTest() || f.Go.Name.Name == "main" {
			continue
		}
		for _, d := range f.Go.Decls {
			for _, id := range undocumented(d) {
				vs = append(vs, Violation{f.Path, t.line(id.Pos()), fmt.Sprintf(
					"%s is exported and has no comment; say what it is (shape, unit, errors), or do not export it", id.Name)})
			}
		}
	}
	return vs
}

func undocumented(d ast.Decl) (ids []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) && d.Doc.Text() == "" {
			ids = append(ids, d.Name)
		}
	case *ast.GenDecl:
		grouped := d.Tok != token.TYPE || !d.Lparen.IsValid() // the declaration's comment counts for what is in it
		for _, s := range d.Specs {
			if grouped && d.Doc.Text() != "" {
				continue
			}
			ids = append(ids, undocumentedSpec(s)...)
		}
	}
	return ids
}

func undocumentedSpec(s ast.Spec) (ids []*ast.Ident) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc.Text() == "" && s.Comment.Text() == "" {
			ids = append(ids, s.Name)
		}
	case *ast.ValueSpec:
		for _, id := range s.Names {
			if id.IsExported() && s.Doc.Text() == "" && s.Comment.Text() == "" {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// exportedReceiver reports whether a method's type is exported; true for functions.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
