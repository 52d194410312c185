// Package bench holds what is measured: events and sets of rules, and the
// benchmarks over them. docs/performance.md has the figures, `make bench` makes
// them again; the process in the folder below measures the whole binary.
//
// Only measuring belongs here; that answers are right is tested where they are
// made.
package bench

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/rulegen"
)

//go:embed testdata/*.jsonl.gz
var files embed.FS

// Corpora are the names of the recorded events, after their size: events of
// about 3 KB (2,000 to 5,500 bytes, with bodies) and of about 0.9 KB (600 to
// 1,150).
var Corpora = []string{"3k", "1k"}

// Events gives the events of a corpus as JSON lines.
func Events(corpus string) ([]byte, error) {
	packed, err := files.ReadFile("testdata/events-" + corpus + ".jsonl.gz")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("bench: events %s: %w", corpus, err)
	}
	return io.ReadAll(z)
}

// RuleSet is a set of rules to measure with.
type RuleSet struct {
	Name  string
	Files []rules.File
}

// seed of the generated rules: any will do, the figures are of this one.
const seed = 1

// RuleSets are the sets that the figures are about: our own rules, 48 like
// Falco's own, and generated ones in both mixes.
func RuleSets() ([]RuleSet, error) {
	own, err := ruleset.Files(nil)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	sets := []RuleSet{{"builtin", own}, one("stock-like", rulegen.StockLike())}
	for _, n := range []int{100, 1000, 10000} {
		sets = append(sets, Generated("template", n))
	}
	for _, n := range []int{100, 1000, 10000} {
		sets = append(sets, Generated("mixed", n))
	}
	return sets, nil
}

// Generated gives n generated rules: of the shape "template", or "mixed", of
// which one in five can not be looked up.
func Generated(shape string, n int) RuleSet {
	content := rulegen.Template(n)
	if shape == "mixed" {
		content = rulegen.Mixed(n, seed)
	}
	return one(fmt.Sprintf("%s-%d", shape, n), content)
}

func one(name string, content []byte) RuleSet {
	return RuleSet{name, []rules.File{{Name: name + ".yaml", Content: content}}}
}
