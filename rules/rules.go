// Package rules holds kubewitness' own rules: the *.yaml files of this folder,
// built into the binary. They are Falco rules for the source k8s_audit, one file
// for each tactic of an attacker; README.md says how to tune them. Their tests,
// *_test.yaml, are built in too.
//
// It is data. Reading, compiling and matching belong elsewhere, and nothing of
// ours is imported here.
package rules

import (
	"embed"
	"strings"
)

// File is one rules file, or one with tests of rules.
type File struct {
	Name    string // without folder, such as execution.yaml
	Content []byte
}

//go:embed *.yaml
var files embed.FS

// testSuffix ends the name of a file with tests: beside execution.yaml stands
// execution_test.yaml.
const testSuffix = "_test.yaml"

// Files gives the rules files in the order of their names, which is also the
// order in which Falco reads the folder. The contents are the caller's.
func Files() []File { return read(false) }

// Tests gives the files with tests of the rules, in the order of their names.
// The contents are the caller's.
func Tests() []File { return read(true) }

func read(tests bool) []File {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("rules: " + err.Error()) // it is in the binary
	}
	var all []File
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), testSuffix) != tests {
			continue
		}
		content, err := files.ReadFile(e.Name())
		if err != nil {
			panic("rules: " + err.Error())
		}
		all = append(all, File{Name: e.Name(), Content: content})
	}
	return all
}
