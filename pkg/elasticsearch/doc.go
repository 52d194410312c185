// Package elasticsearch talks to an Elasticsearch cluster: one call is one request, and
// every way in which it can end has a type.
//
// It is go-elasticsearch with what that leaves to its users: nodes that are tried in
// turn, credentials out of files, answers that are cut short or cannot be read, and
// errors that say whether and when the same call may succeed. What is sent, how often
// a call is repeated and what becomes of it is the caller's business; so are documents,
// mappings and queries.
package elasticsearch
