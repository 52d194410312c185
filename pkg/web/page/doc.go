// Package page is the first page: what happened, as HTML, for a browser without
// JavaScript and with nothing fetched from elsewhere.
//
// It asks package search and shows what comes back. Who asks is told from outside
// (Config.Principal) and goes into every call. Strings out of events are text
// wherever they stand: html/template escapes them, and what would not show as
// itself (control characters, direction marks) is spelled out, see visible.
//
// Deciding what is found or what somebody may see, the store, the JSON interface
// and tokens stay outside.
package page
