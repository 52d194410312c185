// Package elastic is the sink that puts events and detections into Elasticsearch: each
// into its data stream, once.
//
// Write takes events into bounded memory, from where several bulk requests carry them;
// Sync returns when all that was taken before is settled: created, already there, or,
// refused in every shape, handed to the dead letters. So the cursor of the log moves
// only behind a Sync, and what a crash lost comes again under the same IDs. Whatever
// may pass is tried again for ever; nothing of it reaches those who send.
//
// # Once
//
// Documents are created under an _id made of the event's identity, so that a second
// creation is a conflict, and a conflict is success. But a data stream is a row of
// indices, and Elasticsearch looks for the _id only in the last of them, the write
// index. So before a document is created it is looked for in the earlier ones, as far
// as they can hold it: those that were written to after the event happened. What was
// written within an hour is asked for by _mget, which sees documents that no search
// finds yet; all the rest by one search. Fresh events are looked for only in the hours
// behind a rollover.
//
// A rollover between look-up and creation shows in the answer, which names another
// index than the one that was expected. Then the document is looked for in all indices
// since, and of two the later one is deleted. The same is done where an attempt had no
// answer, or a bad one, and a rollover came before the next.
//
// What this asks of the key beyond create_doc is view_index_metadata and read, and
// delete for the rare second document. Without them indexing goes on, and is counted:
// Stats.PossibleDoubles are documents that were created without the look-up which they
// needed, Stats.Doubles those known to be there twice. Two more ways to a second
// document remain: a request that the network holds back and lets through behind a
// rollover, more than five seconds after the sink gave it up; and a clock of an API server that
// is more than an hour ahead in the hours around a rollover.
//
// An event of GKE can have a second document, in the data set of Elastic's integration for
// Google Cloud. It has a stream of its own, and all of this holds for it as well.
//
// What a document looks like is package ecs' matter, how a request ends package
// elasticsearch's; templates are put up by package indices.
package elastic
