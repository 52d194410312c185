// Package embedded is the sink that puts events into the embedded store: all of them,
// also those in which the rules found nothing.
//
// Write returns nil when the store has taken the events, which is before they are on
// disk; Sync returns when they are. So the cursor of the log moves only behind a Sync,
// and what a crash lost comes again. An event that comes again is in the store once,
// with what was found in it the first time.
//
// An event is filed under its own time; where the store does not take that, because it
// is older than what is kept or too far in the future, under the time at which it was
// received, and flagged. One that was received that long ago too is over: it is counted
// and not stored.
//
// How an event becomes a row is package row's matter, how rows are kept the store's.
// Reading them, and who may, stays outside.
package embedded
