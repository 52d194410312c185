//go:build race

package bench

// raceDetector tells that the race detector is on: under it pools of memory
// drop what they are given now and then, so that counting allocations is vain.
const raceDetector = true
