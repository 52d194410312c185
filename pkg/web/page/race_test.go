//go:build race

package page

// underRace tells that the race detector is on: then less is asked, of the same kinds.
const underRace = true
