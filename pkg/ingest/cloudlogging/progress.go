package cloudlogging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// progressVersion is the version of the file of a Progress.
const progressVersion = 1

// Progress remembers, on disk, which stretches of history are done, so that a second run goes on where the first one ended.
// It is for one goroutine.
type Progress struct {
	path string
	of   string
	done map[string][]interval // by resource; sorted, apart from each other
}

// interval is a stretch of a resource's log that is done.
type interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// progressFile is what is on disk.
type progressFile struct {
	Version int                   `json:"version"`
	Of      string                `json:"of"` // what is read, for people and against mistakes
	Done    map[string][]interval `json:"done"`
}

// OpenProgress reads what is done of the entries that a query means. The folder must exist.
func OpenProgress(folder, of string) (*Progress, error) {
	path := filepath.Join(folder, "history-"+nameOf(of)+".json")
	p := &Progress{path: path, of: of, done: map[string][]interval{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloudlogging: what is done: %w", err)
	}
	var f progressFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err = dec.Decode(&f)
	switch {
	case err != nil:
	case f.Version != progressVersion:
		err = fmt.Errorf("it has version %d, this program knows version %d", f.Version, progressVersion)
	case f.Of != of:
		err = fmt.Errorf("it is of other entries: %s", f.Of)
	}
	if err != nil {
		return nil, fmt.Errorf("cloudlogging: what is done, %s, cannot be understood; remove it to read all again: %w", path, err)
	}
	for resource, list := range f.Done {
		for _, i := range list {
			p.Done(Stretch{resource, i.From, i.To})
		}
	}
	return p, nil
}

// Forget takes it that nothing is done.
func (p *Progress) Forget() { p.done = map[string][]interval{} }

// Done notes that a stretch is done.
func (p *Progress) Done(s Stretch) {
	if !s.To.After(s.From) {
		return
	}
	merged := interval{s.From.UTC(), s.To.UTC()}
	var out []interval
	for _, i := range p.done[s.Resource] {
		if i.To.Before(merged.From) || i.From.After(merged.To) {
			out = append(out, i)
			continue
		}
		merged = interval{earlier(i.From, merged.From), later(i.To, merged.To)}
	}
	out = append(out, merged)
	slices.SortFunc(out, func(a, b interval) int { return a.From.Compare(b.From) })
	p.done[s.Resource] = out
}

// Left gives what of a stretch is not done.
func (p *Progress) Left(s Stretch) (left []Stretch) {
	for _, i := range p.done[s.Resource] {
		if i.From.After(s.From) {
			if to := earlier(i.From, s.To); to.After(s.From) {
				left = append(left, Stretch{s.Resource, s.From, to})
			}
		}
		s.From = later(s.From, i.To)
	}
	if s.To.After(s.From) {
		left = append(left, s)
	}
	return left
}

// Save puts on disk what is done.
func (p *Progress) Save() error {
	if err := writeFile(p.path, progressFile{progressVersion, p.of, p.done}); err != nil {
		return fmt.Errorf("cloudlogging: store what is done: %w", err)
	}
	return nil
}

// Divide cuts stretches into pieces of about the same length, some n of them, so that several can be read at once. None is
// shorter than least: each takes a request at least.
func Divide(stretches []Stretch, n int, least time.Duration) (out []Stretch) {
	var total time.Duration
	for _, s := range stretches {
		total += s.To.Sub(s.From)
	}
	length := max(total/time.Duration(max(n, 1)), least)
	for _, s := range stretches {
		parts := max(1, int64(s.To.Sub(s.From)/length))
		each := s.To.Sub(s.From) / time.Duration(parts)
		for i := range parts {
			to := s.From.Add(each)
			if i == parts-1 {
				to = s.To
			}
			out = append(out, Stretch{s.Resource, s.From, to})
			s.From = to
		}
	}
	return out
}
