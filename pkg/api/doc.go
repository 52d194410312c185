// Package api has the shapes of the HTTP API, as Go types and as an OpenAPI
// description, shared by the server and its client.
//
// Shapes only: what answers a request is package web's, who sends one package
// client's.
package api
