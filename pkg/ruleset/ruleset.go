// Package ruleset goes from what a user names, files and folders of rules or
// nothing at all, to compiled rules.
//
// It reads files and ties loader, catalogue and matcher together; the language
// of rules, events and what becomes of detections belong elsewhere.
package ruleset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/correlate"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	builtin "github.com/kubewitness/kubewitness/rules"
)

// Options say which rules to load, and how.
type Options struct {
	Paths       []string       // files, and folders whose *.yaml and *.yml are taken by name, without tests; none: our own rules
	Strict      bool           // exactly as Falco: without the kw.* fields, with its faults
	MinPriority rules.Priority // leave out what is less urgent; the zero value is Emergency, so set it
}

// Set is what was loaded.
type Set struct {
	Rules     *rules.Ruleset // nil when a file is invalid
	Results   []*rules.Result
	Catalogue *field.Catalogue
	strict    bool
}

// ErrInvalid tells that a file has errors; the results say which.
var ErrInvalid = errors.New("the rules have errors")

// Load reads and compiles. The set comes also with ErrInvalid; any other
// error is a file that could not be read.
func Load(opt Options) (*Set, error) {
	files, err := Files(opt.Paths)
	if err != nil {
		return nil, err
	}
	return Compile(files, opt)
}

// Compile is Load for files already read; opt's paths do not count.
func Compile(files []rules.File, opt Options) (*Set, error) {
	s := &Set{Catalogue: field.Default(), strict: opt.Strict}
	if opt.Strict {
		s.Catalogue = field.Falco()
	}
	s.Rules, s.Results = rules.Load(files, rules.Options{
		Catalogue:   s.Catalogue,
		MinPriority: &opt.MinPriority,
		Strict:      opt.Strict,
	})
	if s.Rules == nil {
		return s, ErrInvalid
	}
	return s, nil
}

// Matcher compiles the rules that need no more than one event.
func (s *Set) Matcher(first bool, appendFields []string) (*match.Matcher, error) {
	return match.New(s.Rules, s.Catalogue, match.Options{First: first, Strict: s.strict, AppendFields: appendFields})
}

// Stateful compiles the rules that need more than one event.
func (s *Set) Stateful(appendFields []string) (*correlate.Rules, error) {
	return correlate.New(s.Rules, s.Catalogue, match.Options{Strict: s.strict, AppendFields: appendFields})
}

// Compiled compiles all rules: a judge of both looks at an event for all of them in
// one go.
func (s *Set) Compiled(first bool, appendFields []string) (*match.Matcher, *correlate.Rules, error) {
	stateful, err := s.Stateful(appendFields)
	if err != nil {
		return nil, nil, err
	}
	m, err := match.NewBeside(s.Rules, stateful.Looked(), s.Catalogue,
		match.Options{First: first, Strict: s.strict, AppendFields: appendFields})
	return m, stateful, err
}

// Judge makes a judge of a run of events by all of the rules; hostname is what
// evt.hostname gives.
func (s *Set) Judge(first bool, appendFields []string, hostname string) (*correlate.Judge, error) {
	m, stateful, err := s.Compiled(first, appendFields)
	if err != nil {
		return nil, err
	}
	return correlate.NewJudge(m, stateful, correlate.Options{Hostname: hostname}), nil
}

// Files reads the named rules files, in order; without names it gives our own.
func Files(paths []string) ([]rules.File, error) {
	if len(paths) == 0 {
		return ours(), nil
	}
	var files []rules.File
	for _, p := range paths {
		names, err := expand(p)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			files = append(files, rules.File{Name: name, Content: content, Err: err})
		}
	}
	return files, nil
}

func ours() []rules.File {
	var files []rules.File
	for _, f := range builtin.Files() {
		files = append(files, rules.File{Name: "builtin/" + f.Name, Content: f.Content})
	}
	return files
}

// expand gives the rules files of a folder, or the file itself.
func expand(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if isRules(e) {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no *.yaml or *.yml files in this folder", path)
	}
	slices.Sort(names)
	return names, nil
}

func isRules(e fs.DirEntry) bool {
	ext := strings.ToLower(filepath.Ext(e.Name()))
	return !e.IsDir() && (ext == ".yaml" || ext == ".yml") && !IsTest(e.Name())
}

// IsTest tells whether a file is named as those with tests of rules are: NAME_test.yaml
// beside NAME.yaml. A folder of rules may hold them; they are not rules.
func IsTest(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, "_test.yaml") || strings.HasSuffix(lower, "_test.yml")
}
