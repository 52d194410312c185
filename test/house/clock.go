package house

import (
	"fmt"
	"go/token"
	"slices"
)

// clockRooms may read the clock of the machine: what wires things together. All
// other code under pkg is logic, and logic gets the time as an argument.
var clockRooms = []string{"pkg/server"}

// noClock holds that logic does not read the clock.
func noClock(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		if f.IsTest() || !fits("pkg/...", f.Dir()) || slices.Contains(clockRooms, f.Dir()) {
			continue
		}
		f.uses("time", []string{"Now", "Since", "Until"}, func(name string, at token.Pos) {
			vs = append(vs, Violation{f.Path, t.line(at), fmt.Sprintf(
				"time.%s in logic; take the time, or a func() time.Time, as an argument, so that a test decides what time it is", name)})
		})
	}
	return vs
}

// noSleep holds that no test waits for a time to pass.
func noSleep(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		if !f.IsTest() && !fits("test/...", f.Dir()) {
			continue
		}
		f.uses("time", []string{"Sleep"}, func(_ string, at token.Pos) {
			vs = append(vs, Violation{f.Path, t.line(at),
				"time.Sleep in a test, which is then slow or wrong by turns; wait for the thing itself (a channel, synctest.Wait)"})
		})
	}
	return vs
}
