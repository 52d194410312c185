//go:build !race

package audit

// underRace tells that the race detector is on.
const underRace = false
