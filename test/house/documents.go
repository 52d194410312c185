package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	benchmarkName = regexp.MustCompile(`\bBenchmark[A-Z]\w*`)
	benchmarkFunc = regexp.MustCompile(`(?m)^func (Benchmark[A-Z]\w*)\(`)
	markdownLink  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

// benchmarks holds that a benchmark which a document names as the source of a
// figure can be run.
func benchmarks(t *Tree) (vs []Violation) {
	var have []string
	for _, f := range t.goFiles() {
		if f.IsTest() {
			for _, m := range benchmarkFunc.FindAllStringSubmatch(f.Text, -1) {
				have = append(have, m[1])
			}
		}
	}
	for _, f := range t.documents() {
		for i, l := range strings.Split(f.Text, "\n") {
			for _, name := range benchmarkName.FindAllString(l, -1) {
				if !slices.Contains(have, name) {
					vs = append(vs, Violation{f.Path, i + 1, fmt.Sprintf(
						"no test has %s; name a benchmark that `make bench` runs, or take the figure away", name)})
				}
			}
		}
	}
	return vs
}

// links holds that a link of a document to a place in the repository leads there.
func links(t *Tree) (vs []Violation) {
	for _, f := range t.documents() {
		for i, l := range strings.Split(f.Text, "\n") {
			for _, m := range markdownLink.FindAllStringSubmatch(l, -1) {
				target, _, _ := strings.Cut(m[1], "#")
				if target == "" || strings.Contains(target, ":") {
					continue // within the document, or to the world outside
				}
				if !t.paths[path.Join(f.Dir(), target)] {
					vs = append(vs, Violation{f.Path, i + 1, fmt.Sprintf(
						"the link to %s leads nowhere; give the path from this document's folder, or take it away until there is something", m[1])})
				}
			}
		}
	}
	return vs
}

// documents returns the Markdown files, without testdata.
func (t *Tree) documents() []*File {
	var docs []*File
	for _, f := range t.Files {
		if strings.HasSuffix(f.Path, ".md") && !ignoredByGo(f.Path) {
			docs = append(docs, f)
		}
	}
	return docs
}
