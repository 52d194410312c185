//go:build !failpoint || !unix

// Package failpoint kills the process at places that a test names, to show what is
// left when it dies just there.
//
// In ordinary builds there is nothing in it: calls cost nothing. With the build tag
// failpoint the variable KUBEWITNESS_FAILPOINT says where to die: "settled:3" is the
// third time that the point named settled is passed. "no-sync" in it is a switch: the
// durable log writes without fsync. Several are separated by commas.
//
// A point is a name and no more: what a component does must not hang on this package.
package failpoint

// Hit kills the process, as kill -9 would, if the test wants it to die at this
// passing of the point.
func Hit(string) {}

// Watch is for what a library does where no call can stand: it passes the point each
// time that begun turns true, which is looked at a thousand times a second.
func Watch(string, func() bool) {}

// On tells whether a test has thrown a switch.
func On(string) bool { return false }
