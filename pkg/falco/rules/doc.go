// Package rules loads Falco rules files: YAML documents in, a [Ruleset] out.
//
// It does what the loader of Falco 0.44 does, with the same error and warning
// codes: lists, macros, exceptions, append and override, required versions,
// several files in order. Three things are its own:
//
//   - Falco stops at the first problem of a file, [Load] tells all of them. The
//     first one told is the one that Falco tells.
//   - Every problem points at its line and column in the file, inside block
//     scalars and appended conditions too.
//   - Lists that name lists are expanded to any depth, in whatever order they
//     are defined. Falco expands one level and leaves the rest to the order of
//     definition; [Options.Strict] brings that back.
//
// Nothing about Kubernetes, events or matching may come in here: what fields
// exist is told by a [condition.Catalogue], and reading files from disk is the
// caller's business.
//
// The steps, each in a file of its own: document (YAML to nodes, of large files
// in pieces), reader (nodes to items), collection (items over items: append,
// override, redefinition), compile (lists into text, text into trees, macros
// into trees), and selection. What takes long is spread over all cores; what is
// told, and what comes of it, goes by the order of the files alone.
package rules
