// Package match judges events against rules: a Ruleset and the catalogue of
// fields go in, an immutable [Matcher] comes out, which gives the detections
// of an event.
//
// Reading rules files, reading events and writing alerts happen elsewhere;
// nothing here does I/O, looks at a clock or keeps state between events.
//
// The evaluator is the plain one: each rule's condition is judged from the
// tree as it stands, in the order of the rules. It is meant to be obviously
// right.
//
// # Semantics
//
// A check on an absent value is false, whatever the operator; "not" of it is
// true. "in" on a list asks that every element is among the values,
// "intersects" that one is; neither ever holds for an empty list of values.
// Texts compare by bytes up to the first NUL, as C strings do.
package match
