//go:build race

package apiserver

// race is set where the tests run with the race detector: then the service does, too.
const race = true
