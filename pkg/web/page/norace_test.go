//go:build !race

package page

// underRace tells that the race detector is on.
const underRace = false
