// Package pubsub takes the audit log of GKE from Pub/Sub, where a log sink sends it: it receives the messages of a
// subscription, each of which is one log entry, has them converted, and gives them to the intake.
//
// A message is acknowledged when what it holds is on disk, and never before:
//
//	received -> collected -> converted -> stored -> acknowledged
//	            a few ms     package gcp   intake
//
// Whatever keeps an event from being stored keeps its message unacknowledged: it is tried again here for a while, then
// handed back (nacked), and Pub/Sub sends it again. What never can become an event, as it is no JSON or no entry, is stored
// as a dead letter with the reason and then acknowledged: it would come for ever. Entries of other services and logs are
// counted by name and acknowledged. Parts of a split entry (LogEntry.split) are acknowledged when the event that was put
// together of them is on disk, or, where parts have not come in time, the truncated event of those that have.
//
// Pub/Sub delivers at least once and in any order. An event that comes twice is known by its identity, which is the entry's,
// so the same whether it was pushed, pulled from Cloud Logging, or exported.
//
// What must not come in: what an entry means (package gcp), what becomes of an event (package ingest), and settings.
package pubsub
