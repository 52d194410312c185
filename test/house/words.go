package house

import (
	"fmt"
	"strings"
)

// word is text that stays out of the tree. The words are put together here so
// that this file does not hold them.
type word struct {
	text   string
	but    string // the one file that may hold it
	advice string
}

var words = []word{
	{"/wo" + "rk/", "", "a path of somebody's machine; the project speaks of itself alone, use a path inside the repository or t.TempDir()"},
	{"/fa" + "rm/", "", "a path of somebody's machine; the project speaks of itself alone, use a path inside the repository or t.TempDir()"},
	{"../sha" + "red", "test/corpora/corpora.go", "where the reference data stands is known to test/corpora only; call corpora.Shared(t, ...)"},
	{"proxy.golang" + ".org", "", "where modules are fetched from is the reader's own setting"},
}

// noWords holds that no file tells of the machine it was written on.
func noWords(t *Tree) (vs []Violation) {
	for _, f := range t.Files {
		for _, w := range words {
			if f.Path == w.but || !strings.Contains(f.Text, w.text) {
				continue
			}
			for i, l := range strings.Split(f.Text, "\n") {
				if strings.Contains(l, w.text) {
					vs = append(vs, Violation{f.Path, i + 1, fmt.Sprintf("%q: %s", w.text, w.advice)})
				}
			}
		}
	}
	return vs
}
