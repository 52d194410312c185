package rules

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// spread calls work for 0 up to n, on all cores, and waits for all of it. Work
// must not panic: nobody could catch that.
func spread(n int, work func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers < 2 {
		for i := range n {
			work(i)
		}
		return
	}
	var taken atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
				work(i)
			}
		})
	}
	all.Wait()
}
