//go:build !race

package search

// underRace tells that the race detector is on.
const underRace = false
