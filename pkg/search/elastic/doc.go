// Package elastic is the rows of a search in Elasticsearch: it carries the filters of
// the store to documents that package ecs made, as far as their fields tell, and looks at
// the rest itself. It is what a search.Searcher takes for a store.
//
// Conditions, scopes and verdicts are package search's business, and documents package
// ecs'.
package elastic
