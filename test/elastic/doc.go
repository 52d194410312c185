// Package elastic holds all tests against a real Elasticsearch. They share one server,
// which takes half a minute to start; each keeps to data streams of its own. What can
// be tested without a server is tested in the package it belongs to.
package elastic
