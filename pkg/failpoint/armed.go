//go:build failpoint && unix

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// variable says what a test wants: name:count to die at a point, or name of a switch.
const variable = "KUBEWITNESS_FAILPOINT"

// left is how often each point may still be passed, the fatal time included; nothing
// is in it for switches.
var left, switches = read(os.Getenv(variable))

func read(text string) (map[string]*atomic.Int64, map[string]bool) {
	points, on := map[string]*atomic.Int64{}, map[string]bool{}
	for word := range strings.SplitSeq(text, ",") {
		name, count, isPoint := strings.Cut(word, ":")
		if !isPoint {
			on[name] = true
			continue
		}
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "failpoint: %s is %q; write name:count\n", variable, text)
			os.Exit(2)
		}
		points[name] = new(atomic.Int64)
		points[name].Store(n)
	}
	return points, on
}

// Hit kills the process, as kill -9 would, if the test wants it to die at this
// passing of the point.
func Hit(name string) {
	if n := left[name]; n == nil || n.Add(-1) != 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // nobody is left to look at an error
	select {}                                      // the signal may take a moment; go no step further
}

// Watch is for what a library does where no call can stand: it passes the point each
// time that begun turns true, which is looked at a thousand times a second.
func Watch(name string, begun func() bool) {
	if left[name] == nil {
		return
	}
	go func() {
		was := false
		for range time.Tick(time.Millisecond) {
			is := begun()
			if is && !was {
				Hit(name)
			}
			was = is
		}
	}()
}

// On tells whether a test has thrown a switch.
func On(name string) bool { return switches[name] }
