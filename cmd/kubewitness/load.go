package main

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// ruleFlags are the flags of every command that loads rules.
type ruleFlags struct {
	paths       []string
	strict      bool
	minPriority string
}

func (f *ruleFlags) register(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&f.paths, "rules", "r", nil, "rules `file`, or folder of *.yaml files; repeat for more, in order (default: kubewitness' own rules)")
	f.registerStrict(fs)
	fs.StringVar(&f.minPriority, "min-priority", "debug", "leave out rules that are less urgent than this `priority`")
}

func (f *ruleFlags) registerStrict(fs *pflag.FlagSet) {
	fs.BoolVar(&f.strict, "falco-strict", false, "answer exactly as Falco 0.44 does, its faults included, without the kw.* fields")
}

// load loads the rules and tells what is wrong with them on stderr.
func (f *ruleFlags) load(stderr io.Writer) (*ruleset.Set, error) {
	p, err := rules.ParsePriority(f.minPriority)
	if err != nil {
		return nil, fmt.Errorf("--min-priority %q: one of emergency, alert, critical, error, warning, notice, informational, debug", f.minPriority)
	}
	// Rules make much garbage while they are read, and nothing else runs yet:
	// with fewer collections thousands of rules load a fifth faster.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	set, err := ruleset.Load(ruleset.Options{Paths: f.paths, Strict: f.strict, MinPriority: p})
	if errors.Is(err, ruleset.ErrInvalid) {
		for _, r := range set.Results {
			if !r.Successful {
				fmt.Fprint(stderr, r.Text())
			}
		}
		return nil, &exitError{code: exitUsage, err: err}
	}
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	tellSkipped(stderr, set.Results)
	return set, nil
}

// tellSkipped tells that rules are not in force although nothing is wrong with
// them.
func tellSkipped(stderr io.Writer, results []*rules.Result) {
	n := 0
	for _, r := range results {
		for _, w := range r.Warnings {
			if w.Code == rules.WarnUnknownFilter {
				n++
			}
		}
	}
	if n > 0 {
		fmt.Fprintf(stderr, "kubewitness: rules skipped for a field that does not exist here: %d (kubewitness rules check tells which)\n", n)
	}
}
