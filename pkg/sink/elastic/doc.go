// Package elastic is the sink that puts events and detections into Elasticsearch: each
// into its data stream, once.
//
// Write takes events into bounded memory, from where several bulk requests carry them;
// Sync returns when all that was taken before is settled: created, already there, or,
// refused in every shape, handed to the dead letters. So the cursor of the log moves
// only behind a Sync, and what a crash lost comes again under the same IDs. Whatever
// may pass is tried again for ever; nothing of it reaches those who send.
//
// What a document looks like is package ecs' matter, how a request ends package
// elasticsearch's; templates are put up by package indices.
package elastic
