package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// emptyNames say nothing about what is inside. A package or file of such a name
// becomes the place for everything that nobody wanted to think about.
var emptyNames = []string{
	"base", "common", "helper", "helpers", "lib", "manager", "managers", "misc", "shared",
	"stuff", "tool", "tools", "type", "types", "util", "utility", "utils",
}

// emptyFileNames are those of them that say nothing about a file either; types.go
// may well be about types.
var emptyFileNames = []string{"common", "helper", "helpers", "misc", "stuff", "util", "utility", "utils"}

var packageWord = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// parses holds that every Go file is one.
func parses(t *Tree) (vs []Violation) {
	for _, f := range t.Files {
		if f.err != nil {
			vs = append(vs, Violation{f.Path, 0, fmt.Sprintf("the file cannot be parsed, so no rule looks at it: %v", f.err)})
		}
	}
	return vs
}

// packageName holds that a package has a name that says something, and the name
// of its folder.
func packageName(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		name, dir := strings.TrimSuffix(f.Go.Name.Name, "_test"), path.Base(f.Dir())
		line := t.line(f.Go.Name.Pos())
		switch {
		case slices.Contains(emptyNames, name):
			vs = append(vs, Violation{f.Path, line, fmt.Sprintf(
				"the package name %q says nothing; name it for what it does, or put each piece where it is used", name)})
		case !packageWord.MatchString(name):
			vs = append(vs, Violation{f.Path, line, fmt.Sprintf(
				"the package name %q is not one short lower-case word", name)})
		case name != "main" && dir != "." && name != dir:
			vs = append(vs, Violation{f.Path, line, fmt.Sprintf(
				"package %s stands in a folder named %s; give both one name", name, dir)})
		}
	}
	return vs
}

// fileName holds that a file is named for the type or step in it.
func fileName(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.Path), ".go"), "_test")
		if slices.Contains(emptyFileNames, name) {
			vs = append(vs, Violation{f.Path, 0, fmt.Sprintf(
				"the file name %q says nothing; name it for the type or the step in it", path.Base(f.Path))})
		}
	}
	return vs
}
