//go:build !race

package bench

// raceDetector tells that the race detector is on.
const raceDetector = false
