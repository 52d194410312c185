// Package listen is the TLS side of listeners: a certificate, its key and the
// authorities whose clients are let in, read again when their files change.
//
// The three are one thing: they are read together, checked together, and put in
// force together. What cannot be put in force leaves what was there in force, and is
// reported; a listener never goes dark because of a rotation that went wrong half
// way. Session tickets are off, so that every connection proves itself against what
// is in force when it begins. One that is open stays open.
//
// What must not come in: HTTP, who may do what with which certificate, and anything
// of the key in an error. When files change is told by watch.
package listen
