package watch

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/fsnotify/fsnotify"
)

// rounds is how often the places are asked for again when they change while notices
// for them are being ordered. What is missed beyond that, the slow comparison finds.
const rounds = 5

// notices are the kernel's word that something happened at the places that matter.
type notices struct {
	news    <-chan struct{} // holds at most one; never closed
	refused error           // why some folder sends none
	close   func()
}

// notices orders notices for all places that decide what the paths hold.
func (w *Watcher) notices() *notices {
	fw, err := fsnotify.NewWatcher()
	if err != nil {
		return &notices{refused: fmt.Errorf("watch: the kernel gives no notice of changes (raise fs.inotify.max_user_instances): %w", err), close: func() {}}
	}
	want := places{}
	var refused error
	for range rounds {
		now := placesOf(w.cfg.Paths)
		if want.covers(now) {
			break
		}
		for folder, names := range now {
			if err := fw.Add(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
				refused = fmt.Errorf("watch: the kernel gives no notice of changes in %s (raise fs.inotify.max_user_watches, or let it be read): %w", folder, err)
			}
			for name := range names {
				want.add(folder, name)
			}
		}
	}
	news, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		sift(fw, want, news)
	}()
	return &notices{news: news, refused: refused, close: func() {
		_ = fw.Close() // ends sift; nothing was written, nothing can be lost
		<-done
	}}
}

// sift passes on, as news, what happened at places that matter, until the watcher is
// closed. Errors are news as well: after an overflow anything may have happened.
func sift(fw *fsnotify.Watcher, want places, news chan<- struct{}) {
	for {
		select {
		case e, open := <-fw.Events:
			if !open {
				return
			}
			if !want.has(e.Name) {
				continue
			}
		case _, open := <-fw.Errors:
			if !open {
				return
			}
		}
		select {
		case news <- struct{}{}:
		default: // there is news already
		}
	}
}
