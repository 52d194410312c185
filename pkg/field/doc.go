// Package field is the catalogue of everything that a rule or an output can ask
// of an audit event: the ka.*, json.*, jevt.* and evt.* fields of Falco and the
// kw.* fields of our own, each with its name, type, argument, the JSON paths it
// reads, its documentation and its extractor.
//
// An extractor answers for one event: the items found, or nothing, which is
// what a rule sees as absent. An empty list is absent. Two modes: strict gives
// Falco's answer, faults included; the default mends the faults listed in
// docs/falco-compatibility.md. The kw.* fields are the same in both.
//
// A new field is one entry in the table of its file and one line in the tests;
// docs/fields.md follows by go generate. What must not come in: rules,
// comparison, output formats, and any knowledge of where an event came from.
package field

//go:generate go test -run TestFieldsDoc -update
