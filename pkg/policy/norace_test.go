//go:build !race

package policy_test

// underRace tells that the race detector is on.
const underRace = false
