// Package operator holds Falco's comparisons of two texts: strcmp order,
// substring and prefix tests, shell globs, path prefixes and POSIX regular
// expressions.
//
// It is about texts alone: fields, events and trees may not come in. Every
// function is total and its cost is bounded by the product of the lengths of
// its arguments.
package operator
