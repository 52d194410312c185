// Package hush keeps what a library logs while it is being initialized off standard
// error: the engine's metrics tell every program that links them, at each start, what
// the kernel does not offer them.
//
// It imports nothing but what it switches off. Go initializes packages that are ready
// by their import paths, and that library waits for net/http, which waits for log; so
// this package is there first, and Speak, called by a package that imports both, last.
// Nothing else may come in: each import could turn the order around.
package hush

import (
	"io"
	"log"
)

var loud = log.Writer()

func init() { log.SetOutput(io.Discard) }

// Speak lets the standard logger speak again.
func Speak() { log.SetOutput(loud) }
