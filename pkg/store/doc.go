// Package store keeps rows on disk and finds them again: by any of their columns,
// by time, newest first, counted, and by identity.
//
// It is VictoriaLogs' engine with what that leaves to its users: rows that are
// stored once, a barrier after which they are on disk, bodies that are too large
// for the engine, the order of answers, and an open that survives a broken folder.
// The engine's query language and its flags do not leave this package. Nothing is
// known here of events, rules or fields: a row is what its caller made of it.
package store
