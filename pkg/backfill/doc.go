// Package backfill puts recorded audit logs into the store: files or streams in,
// events with the verdicts of the rules in force out, and nobody is notified.
//
// What is stored already stays as it is, so that a backfill may be repeated, after it
// was interrupted or killed too, and leaves each event once. The order in which events
// are stored is not that of the log.
//
// How a log is read is package audit's business, judging and redacting package
// judge's, keeping the sink's. The durable log is not involved: the files are what an
// import is repeated from. Terminals and HTTP stay outside, and so does the clock.
package backfill
