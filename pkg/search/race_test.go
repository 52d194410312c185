//go:build race

package search

// underRace tells that the race detector is on: then less is asked, of the same kinds.
const underRace = true
