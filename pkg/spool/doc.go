// Package spool is the durable log: what Append answered nil for is on disk and
// reaches every consumer at least once, in order, whatever dies.
//
// The log is NATS JetStream, embedded in the process by default or an external
// server by URL; one client code drives both. There is no store of our own: what
// stands here is the framing of records, the group commit in front of a store
// that pays one fsync per message, the consumers' cursors, and what to do when
// the disk is full or broken. Nothing of ours comes in: events and detections are
// bytes, and what is done with them is the business of sources and sinks.
//
// # Promise
//
// Append returns nil only when the record is on disk (embedded) or stored by the
// external server as its operator configured it: an external server answers before
// the bytes are on disk unless it runs with sync_interval: always. Unknown means
// that the record may or may not be stored; every other error that it is not. A
// sender that repeats after Unknown makes duplicates, so whoever reads must know a
// record's events by their identity.
//
// A consumer's cursor moves only past what its handler settled. Records come in
// the order they were stored, and again, from the cursor on, after a restart.
//
// A kill of the process shows none of the fsync's worth: what was written stays in
// the page cache of a kernel that lives on. The tests therefore also watch the
// system calls: between the write of a record and the answer stands an fsync.
//
// # Wire format, version 1
//
// One NATS message holds a group of records, or one chunk of a record that is too
// large for a message. Integers are unsigned LEB128 varints in their shortest
// form unless a width is given; "bytes" is a length followed by that many bytes.
//
//	message
//	  1 byte    version, 1
//	  1 byte    kind: 1 group, 2 chunk
//	  8 bytes   writer, drawn anew each time a log is opened
//	  ...       body of the kind
//	  4 bytes   CRC-32C of all bytes before it, little endian
//
//	body of a group: blocks up to the end
//	  1 byte    codec: 0 plain, 1 S2
//	  varint    length before compression
//	  bytes     the compressed records
//
//	body of a chunk: a piece of one block
//	  varint    number of the chunked record, counted by its writer from 1
//	  varint    index of the chunk, from 0
//	  varint    how many chunks the record has, at least 2
//	  bytes     the piece; all of them in order are a block as in a group
//
//	content of a block: records up to the end
//	  bytes     a record
//
//	record
//	  bytes     kind
//	  bytes     cluster
//	  varint    received: seconds since 1970, zigzag
//	  varint    received: nanoseconds, below 1e9
//	  bytes     digest of the ruleset
//	  bytes     extra
//	  varint    number of events; each:
//	    varint  flags
//	    bytes   raw
//	    bytes   detections
//	    bytes   notes
//	  varint    number of dead letters; each:
//	    bytes   reason
//	    bytes   raw, possibly cut
//	    varint  size before the cut
//	    bytes   digest
//
// A record has exactly one encoding, and a decoder that finds anything left over,
// too short, or written in a longer form refuses the whole message. The files under
// testdata/golden are read by every version to come.
package spool
