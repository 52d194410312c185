// Package api has the shapes of the HTTP API, as Go types and as an OpenAPI
// description, shared by the server and its client.
//
// Names are lower case, words joined with "_", and stable: later versions add some,
// and readers pass over those that they do not know. Lists are never null. Times are
// RFC 3339 with up to nine digits, in UTC.
//
// Shapes only: what answers a request is package web's, who sends one package
// client's.
package api
