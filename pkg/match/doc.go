// Package match judges events against rules: a Ruleset and the catalogue of
// fields go in, an immutable [Matcher] comes out, which gives the detections
// of an event.
//
// Reading rules files, reading events and writing alerts happen elsewhere;
// nothing here does I/O, looks at a clock or keeps state between events.
//
// All rules become one graph in which every operand, check and term stands
// once and is judged at most once for an event; an index by what rules demand
// finds the few that an event can match. [Plain], which evaluates each rule's
// condition from its tree as it stands, is meant to be obviously right, and is
// what the Matcher is held against. docs/decisions/0003-matching.md has the
// reasons, docs/performance.md the figures.
//
// # Semantics
//
// A check on an absent value is false, whatever the operator; "not" of it is
// true. "in" on a list asks that every element is among the values,
// "intersects" that one is; neither ever holds for an empty list of values.
// Texts compare by bytes up to the first NUL, as C strings do.
package match
