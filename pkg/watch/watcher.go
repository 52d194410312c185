package watch

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"
)

// Defaults of Config.
const (
	DefaultQuiet = 200 * time.Millisecond
	DefaultPoll  = 10 * time.Second
)

// patience is after how many quiet times a change is told although the files are
// still being changed.
const patience = 10

// Config says what to watch. Paths alone will do.
type Config struct {
	// Paths are files, or folders of which the *.yaml and *.yml files count. They need
	// not exist. Empty ones stand for options that are not set and are passed over.
	Paths []string
	// Quiet is how long the files must be left alone before a change is told, so that a
	// certificate and its key are told of together. 0: DefaultQuiet.
	Quiet time.Duration
	// Poll is how often the files are compared without notice. 0: DefaultPoll.
	Poll time.Duration
	// Polled, if set, is called at most once, from Run: the kernel refuses notices for
	// some folder, and its changes are noticed only every Poll.
	Polled func(cause error)
}

// Watcher compares files with what they were. New makes one.
type Watcher struct {
	cfg   Config
	seen  map[string][sha256.Size]byte // by path: what was last told of, or found by New
	arm   func() *notices
	noted bool // Polled was called
}

// New notes what the files hold now. Call it before you read them: what changes
// after New is told, what changes before is not.
func New(cfg Config) *Watcher {
	if cfg.Quiet <= 0 {
		cfg.Quiet = DefaultQuiet
	}
	if cfg.Poll <= 0 {
		cfg.Poll = DefaultPoll
	}
	cfg.Paths = slices.DeleteFunc(slices.Clone(cfg.Paths), func(p string) bool { return p == "" })
	slices.Sort(cfg.Paths)
	cfg.Paths = slices.Compact(cfg.Paths)
	w := &Watcher{cfg: cfg, seen: map[string][sha256.Size]byte{}}
	w.arm = w.notices
	w.changes()
	return w
}

// Run calls changed with the paths, as configured and sorted, whose content differs
// from what was told before, until ctx ends. A path that vanished has changed, too.
// changed runs on Run's goroutine; what changes meanwhile is told afterwards. Run
// may be called once.
func (w *Watcher) Run(ctx context.Context, changed func(paths []string)) {
	sweep := time.NewTicker(w.cfg.Poll)
	defer sweep.Stop()
	for ctx.Err() == nil {
		// The notices are asked for anew each time, and before the comparison: links and
		// folders may lead elsewhere by now, and nothing may fall between the two.
		n := w.arm()
		w.refused(n.refused)
		if paths := w.changes(); len(paths) > 0 {
			changed(paths)
		}
		select {
		case <-ctx.Done():
		case <-sweep.C:
		case <-n.news:
			w.settle(ctx, n.news)
		}
		n.close()
	}
}

// settle waits until there was no news for the quiet time.
func (w *Watcher) settle(ctx context.Context, news <-chan struct{}) {
	quiet, enough := time.NewTimer(w.cfg.Quiet), time.NewTimer(patience*w.cfg.Quiet)
	defer quiet.Stop()
	defer enough.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-enough.C:
			return
		case <-quiet.C:
			return
		case <-news:
			quiet.Reset(w.cfg.Quiet)
		}
	}
}

// changes returns the paths that differ from what was seen, and notes what they hold
// now.
func (w *Watcher) changes() (paths []string) {
	for _, p := range w.cfg.Paths {
		now := content(p)
		if before, known := w.seen[p]; known && before != now {
			paths = append(paths, p)
		}
		w.seen[p] = now
	}
	return paths
}

// refused tells, once, that there will be no notices for a folder.
func (w *Watcher) refused(cause error) {
	if cause == nil || w.noted || w.cfg.Polled == nil {
		return
	}
	w.noted = true
	w.cfg.Polled(cause)
}
