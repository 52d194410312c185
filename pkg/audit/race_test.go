//go:build race

package audit

// underRace tells that the race detector is on, which makes scanning some twenty times slower.
const underRace = true
