package output

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/durable"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

// FileConfig says where a file is. Path is required.
type FileConfig struct {
	Name    string // of the sink; "file"
	Path    string // made with mode 0600 if it is not there; its folder has to be
	Format  Format
	Options alert.Options
}

// File appends lines to a file that other programs may rotate away at any time.
// Write returns nil when the lines are on disk. A file belongs to one File.
type File struct {
	cfg  FileConfig
	sync func(*os.File) error // fsync; tests make it fail

	mu       sync.Mutex
	closed   bool
	file     *os.File // nil: to be opened
	opened   bool     // it was open once
	broken   bool     // its last line has no line break
	page     page
	counters sink.Counters
}

// OpenFile opens the file, so that a wrong path is known at the start.
func OpenFile(cfg FileConfig) (*File, error) {
	if cfg.Name == "" {
		cfg.Name = "file"
	}
	f := &File{cfg: cfg, sync: (*os.File).Sync}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("output: %s: %w", cfg.Name, err)
	}
	return f, nil
}

// Name implements sink.Sink.
func (f *File) Name() string { return f.cfg.Name }

// Write implements sink.Sink. It follows the path: a file that was renamed, deleted
// or replaced is let go.
func (f *File) Write(ctx context.Context, events []*record.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		err = f.write(events)
	}
	if err != nil {
		return sink.Recoverable{Err: fmt.Errorf("output: %s: %w", f.cfg.Name, err)}
	}
	return nil
}

func (f *File) write(events []*record.Event) error {
	if f.closed {
		return errClosed
	}
	todo, _ := pick(events, nil) // of a write that failed, nothing is known to be on disk
	if len(todo) == 0 {
		return nil
	}
	if err := f.follow(); err != nil {
		return err
	}
	f.page.lay(todo, f.cfg.Format, f.cfg.Options)
	text, mended := f.page.text, f.broken
	if mended {
		text = append([]byte{'\n'}, text...)
	}
	if err := f.append(text); err != nil {
		return err
	}
	f.broken = false
	if mended {
		f.counters.Completed++
	}
	f.counters.Detections += uint64(len(todo))
	f.counters.Folded += uint64(len(todo) - len(f.page.ends))
	f.counters.Bytes += uint64(len(text))
	return nil
}

// append brings text onto the disk, or takes it back out of the file. A sync that
// failed is not repeated, since the second one would report a success that is none:
// the file is opened anew and the lines are written again.
func (f *File) append(text []byte) error {
	before, err := f.file.Stat()
	if err != nil {
		f.drop()
		return err
	}
	n, err := f.file.Write(text)
	if err == nil {
		err = f.sync(f.file)
	}
	if err != nil {
		f.withdraw(before.Size(), n)
		f.drop()
	}
	return err
}

// withdraw takes back what was written of a delivery that failed, unless somebody
// else has changed the file's length meanwhile, as a rotation by copying does.
func (f *File) withdraw(size int64, n int) {
	if n <= 0 {
		return
	}
	now, err := f.file.Stat()
	if err != nil || now.Size() != size+int64(n) {
		return
	}
	if f.file.Truncate(size) == nil {
		f.counters.Withdrawn++
	}
}

// follow sees to it that the file in hand is the one at the path.
func (f *File) follow() error {
	if f.file != nil {
		at, err := os.Stat(f.cfg.Path)
		if err == nil {
			var mine os.FileInfo
			if mine, err = f.file.Stat(); err == nil && os.SameFile(at, mine) {
				return nil
			}
		}
		f.drop()
	}
	return f.open()
}

// open opens the file at the path, and looks whether its last line is whole.
func (f *File) open() error {
	if at, err := os.Stat(f.cfg.Path); err == nil && !at.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file; name a file, or use the output to stdout", f.cfg.Path)
	}
	file, err := os.OpenFile(f.cfg.Path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	broken, err := endsBroken(file)
	if err == nil {
		err = durable.SyncFolder(filepath.Dir(f.cfg.Path)) // the name has to last as well
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return err
	}
	if f.opened {
		f.counters.Reopened++
	}
	f.file, f.opened, f.broken = file, true, broken
	return nil
}

// endsBroken reports whether a file's last line has no line break, as after a crash.
func endsBroken(file *os.File) (bool, error) {
	at, err := file.Stat()
	if err != nil || at.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := file.ReadAt(last[:], at.Size()-1); err != nil {
		return false, fmt.Errorf("reading the end of the file: %w", err)
	}
	return last[0] != '\n', nil
}

// drop lets go of the file; the next write opens it.
func (f *File) drop() {
	if f.file != nil {
		_ = f.file.Close() // what counts was synced, or is written again
		f.file = nil
	}
}

// Reopen opens the file at the path and lets go of the one in hand: for a signal
// after a rotation. After an error the next Write tries again.
func (f *File) Reopen() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.drop()
	if err := f.open(); err != nil {
		return fmt.Errorf("output: %s: %w", f.cfg.Name, err)
	}
	return nil
}

// Close implements sink.Sink.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.drop()
	return nil
}

// Counters implements sink.Counted.
func (f *File) Counters() sink.Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counters
}
