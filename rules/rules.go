// Package rules holds kubewitness' own rules: the *.yaml files of this folder,
// built into the binary. They are Falco rules for the source k8s_audit, one file
// for each tactic of an attacker; README.md says how to tune them.
//
// It is data. Reading, compiling and matching belong elsewhere, and nothing of
// ours is imported here.
package rules

import "embed"

// File is one rules file.
type File struct {
	Name    string // without folder, such as execution.yaml
	Content []byte
}

//go:embed *.yaml
var files embed.FS

// Files gives the rules files in the order of their names, which is also the
// order in which Falco reads the folder. The contents are the caller's.
func Files() []File {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("rules: " + err.Error()) // it is in the binary
	}
	all := make([]File, len(entries))
	for i, e := range entries {
		content, err := files.ReadFile(e.Name())
		if err != nil {
			panic("rules: " + err.Error())
		}
		all[i] = File{Name: e.Name(), Content: content}
	}
	return all
}
