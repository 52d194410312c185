// Package search answers what happened: which events of all that were kept meet a
// condition of Falco's language, and what they come to.
//
// A condition is carried to the store as far as that is exact, and the rest is
// judged by the matcher that judges live, on the event as it was stored, so that
// history gets the verdict that the day gave. Every call carries a principal, and
// what lies outside its scope is not there.
//
// How the store keeps things is package store's business, and how an event becomes
// a row package row's; HTTP, pages and terminals stay outside.
package search
