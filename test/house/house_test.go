package house

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write what the rules say about the trees of testdata into them")

// wantFile is the part of a testdata tree that holds the violations.
const wantFile = "want"

// TestHouse holds this repository to every rule.
func TestHouse(t *testing.T) {
	tree := load(t, os.DirFS(corpora.Root(t)))
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, v := range rule.Check(tree) {
				t.Error(v)
			}
		})
	}
}

// TestHouseSeesTheTree guards against rules that pass because they look at nothing.
func TestHouseSeesTheTree(t *testing.T) {
	tree := load(t, os.DirFS(corpora.Root(t)))
	seen := map[string]bool{}
	for _, f := range tree.Files {
		seen[f.Path] = true
	}
	for _, path := range []string{"README.md", "Makefile", ".ci/run", "test/house/tree.go", "test/house/testdata/words.txtar"} {
		assert.True(t, seen[path], path)
	}
	assert.False(t, seen["test/conformance/cases.jsonl.gz"], "a binary file")
}

// TestRules shows each rule a tree that breaks it, testdata/NAME.txtar, and
// compares what it says with the tree's part "want". No rule is without one.
func TestRules(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			path := filepath.Join("testdata", rule.Name+".txtar")
			archive, err := txtar.ParseFile(path)
			require.NoError(t, err, "a rule needs a tree that breaks it")

			var got strings.Builder
			for _, v := range rule.Check(load(t, treeOf(t, archive))) {
				fmt.Fprintln(&got, conceal(v.String()))
			}
			require.NotEmpty(t, got.String(), "the tree does not break the rule")
			if *update {
				writeWant(t, path, archive, got.String())
				return
			}
			want := archive.Files[len(archive.Files)-1]
			require.Equal(t, wantFile, want.Name, "run go test ./test/house -update and read the difference")
			assert.Equal(t, string(want.Data), got.String())
		})
	}
}

// TestTreesHaveRules finds trees that no rule reads.
func TestTreesHaveRules(t *testing.T) {
	names := map[string]bool{}
	for _, rule := range Rules() {
		assert.False(t, names[rule.Name], "two rules named %s", rule.Name)
		names[rule.Name] = true
	}
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	assert.Len(t, paths, len(names))
}

// TestRooms holds the table of rooms itself to the architecture, so that a row
// that was made longer in passing does not undo it.
func TestRooms(t *testing.T) {
	for _, tt := range []struct{ from, never string }{
		{"pkg/audit", "..."},
		{"pkg/falco/operator", "..."},
		{"pkg/falco/condition", "pkg/audit"},
		{"pkg/falco/condition", "pkg/falco/rules"},
		{"pkg/falco/format", "pkg/audit"},
		{"pkg/falco/rules", "pkg/audit"},
		{"pkg/falco/rules", "pkg/field"},
		{"pkg/field", "pkg/match"},
		{"pkg/field", "pkg/falco/rules"},
		{"pkg/match", "pkg/alert"},
		{"pkg/alert", "pkg/replay"},
		{"pkg/ingest/webhook", "pkg/judge"}, // what rules found reaches it as bytes, through record
		{"pkg/ingest/webhook", "rules"},
		{"pkg/sink/elastic", "pkg/spool"},
		{"pkg/sink/elastic", "pkg/ingest/webhook"},
		{"pkg/store", "pkg/audit"}, // it keeps rows, whatever they are of
		{"pkg/row", "pkg/search"},
		{"pkg/search", "pkg/spool"},
		{"pkg/search", "pkg/judge"}, // history is judged as it was stored: nothing is redacted again
		{"pkg/search", "pkg/web"},
		{"pkg/client", "pkg/search"}, // it talks to a service, and has none of its own
		{"pkg/backfill", "pkg/spool"},
	} {
		t.Run(tt.from+" never "+tt.never, func(t *testing.T) {
			seen := map[string]bool{}
			reach(tt.from, seen)
			delete(seen, tt.from)
			for dir := range seen {
				assert.False(t, fits(tt.never, dir), "reaches %s", dir)
			}
		})
	}
	seen := map[string]bool{}
	reach("cmd/kubewitness", seen)
	assert.True(t, seen["pkg/audit"] && seen["pkg/falco/rules"] && seen["pkg/server"], "the command imports everything")
}

// reach collects every room that a package may import, directly or through others.
func reach(dir string, seen map[string]bool) {
	if seen[dir] {
		return
	}
	seen[dir] = true
	r, _ := roomOf(dir)
	for _, to := range rooms {
		if next := strings.TrimSuffix(to.dir, "/..."); r.allows(next) {
			reach(next, seen)
		}
	}
}

func TestFits(t *testing.T) {
	for _, tt := range []struct {
		pattern, dir string
		want         bool
	}{
		{"pkg/audit", "pkg/audit", true},
		{"pkg/audit", "pkg/auditor", false},
		{"pkg/audit", "pkg/audit/more", false},
		{"pkg/sink/...", "pkg/sink", true},
		{"pkg/sink/...", "pkg/sink/elastic", true},
		{"pkg/sink/...", "pkg/sinking", false},
		{"...", "pkg/audit", true},
	} {
		assert.Equal(t, tt.want, fits(tt.pattern, tt.dir), "%s %s", tt.pattern, tt.dir)
	}
}

func load(t *testing.T, fsys fs.FS) *Tree {
	t.Helper()
	tree, err := Load(fsys)
	require.NoError(t, err)
	return tree
}

var (
	repeated = regexp.MustCompile(`(?m)^@repeat (\d+) (.*\n)`)
	spelled  = regexp.MustCompile(`@word (\d)`)
)

// treeOf makes files of an archive. In their text "@repeat N line" stands for N
// such lines, and "@word N" for a word that may not stand in testdata either.
func treeOf(t *testing.T, archive *txtar.Archive) fs.FS {
	t.Helper()
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	fsys := fstest.MapFS{}
	for _, f := range archive.Files {
		if f.Name == wantFile {
			continue
		}
		text := repeated.ReplaceAllStringFunc(string(f.Data), func(s string) string {
			m := repeated.FindStringSubmatch(s)
			return strings.Repeat(m[2], number(m[1]))
		})
		text = spelled.ReplaceAllStringFunc(text, func(s string) string {
			return words[number(spelled.FindStringSubmatch(s)[1])].text
		})
		fsys[f.Name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// conceal writes forbidden words as testdata may hold them.
func conceal(s string) string {
	for i, w := range words {
		s = strings.ReplaceAll(s, w.text, fmt.Sprintf("@word %d", i))
	}
	return s
}

func writeWant(t *testing.T, path string, archive *txtar.Archive, want string) {
	t.Helper()
	files := archive.Files
	if files[len(files)-1].Name == wantFile {
		files = files[:len(files)-1]
	}
	archive.Files = append(files, txtar.File{Name: wantFile, Data: []byte(want)})
	require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
}
