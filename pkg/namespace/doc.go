// Package namespace knows which labels the namespaces of a cluster have: an API server does not tell
// in its reviews, and people say by labels what a namespace is for.
//
// A [Watcher] lists the namespaces and is told of changes. One that it does not know it asks for, since
// whoever makes a namespace fills it at once. It takes the right to get, list and watch namespaces,
// and no other; without it no labels are known, which is told and counted, and stops nobody.
//
// What labels lead to stays outside.
package namespace
