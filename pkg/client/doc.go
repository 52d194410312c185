// Package client talks to the HTTP API of a kubewitness service, typed: searches,
// facets, histograms, hunts, imports, and the tail of what comes in.
//
// Long answers are streamed and never held as a whole. An answer that is no success
// is an [Error] with what the service said; a stream that broke off is [Incomplete].
// Nothing is sent again by itself, except that a tail takes its connection up again.
//
// The shapes are package api's. Who asks, what for, and how answers look to people
// belong to the commands; configuration files and the environment too, save that
// proxies are those of the environment.
package client
