// Package web answers the HTTP API, /api/v1: it reads requests, asks package search
// and writes what package api describes. The pages at / are package web/page's, and ask
// for their readers' tokens here (Handler.Guard).
//
// # Who may ask
//
// A token comes as bearer, or as the password of HTTP Basic, with any name. Its scope
// goes with every call of the searcher, which enforces it; nothing here looks at events
// to decide who sees them. Without tokens everybody may ask and sees everything: that is
// for loopback addresses, and the server in front keeps other hosts and origins away.
//
// # How much may be asked
//
// What reads many events takes one of few places and has bounded time; who finds no place
// is answered 503 and may come again. Streams that nobody reads are cut.
//
// # Answers
//
// Errors are problems after RFC 9457. A parameter that is not known is one, since a
// search with a misspelled condition would find what nobody asked for. Streams of lines
// end with a summary, or were cut. In CSV a cell that a spreadsheet would take for a
// formula begins with an apostrophe.
//
// Who listens, TLS, and which hosts and origins are let in, stay outside; so does what
// the answers are made of: no store, no matcher.
package web
