// Package replay runs recorded audit logs through a matcher: files or standard
// input in, alerts out, in the order of the events.
//
// It counts what it reads, refuses and finds, and reports progress; how an
// alert is printed and where it goes is told from outside, and so is the
// clock. What rules about several events keep is package correlate's; nothing else
// keeps events after they are judged.
package replay
