// Package elastic is the rows of a search in Elasticsearch: it carries the filters of
// the store to documents that package ecs made, as far as their fields tell, and looks at
// the rest itself. It is what a search.Searcher takes for a store.
//
// # What is asked, and what is judged
//
// A filter becomes two queries: upper finds every document whose row it selects, and
// maybe more; lower only such documents. What is counted is what lower finds, and those
// of the others whose row, made of the document again, the filter selects. What is given
// is held against the filter row by row, so that a query can find too much and nobody
// sees it but in time. Nothing is known to a query of the raw bytes of events, of values
// that were too long to be indexed (_ignored), and of documents in reduced shape.
//
// A server that refuses a query as too much for it is asked for less.
//
// # What an answer is about
//
// A search sees what was indexed up to its stream's last refresh: an event that was
// indexed less than the refresh interval ago is not found yet. All pages of a call are of
// one point in time, and where that ends, because rows are taken slowly, the call goes
// on with another one behind the last row. A missing shard or a search that the server
// gave up is an error; no answer is about a part of the documents.
//
// Conditions, scopes and verdicts are package search's business, and documents package
// ecs'.
package elastic
