package backfill

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// Stdin is the name of the input that stands for standard input.
const Stdin = "-"

// Input is an audit log: JSON lines, single events, EventLists, arrays, any mix of
// them, gzipped or not.
type Input struct {
	Name string // in messages and in the positions of rejected items
	Size int64  // bytes, as stored; 0: not known
	Open func() (io.ReadCloser, error)
}

// Files makes inputs of files, and of stdin where a name is [Stdin].
func Files(names []string, stdin io.Reader) []Input {
	inputs := make([]Input, 0, len(names))
	for _, name := range names {
		in := Stream(name, stdin)
		if name != Stdin {
			in.Open = func() (io.ReadCloser, error) { return os.Open(name) }
			if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
				in.Size = st.Size()
			}
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// Stream makes an input of what a reader gives.
func Stream(name string, r io.Reader) Input {
	return Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}
}

// InputError is an input that could not be read, or not to its end.
type InputError struct {
	Input string
	Err   error
}

// Error names the input.
func (e *InputError) Error() string {
	if pe := (*fs.PathError)(nil); errors.As(e.Err, &pe) && pe.Path == e.Input {
		return e.Err.Error() // it names the file itself
	}
	return e.Input + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *InputError) Unwrap() error { return e.Err }

// totalSize adds the inputs up; 0 when one of them has no size.
func totalSize(inputs []Input) (total int64) {
	for _, in := range inputs {
		if in.Size <= 0 {
			return 0
		}
		total += in.Size
	}
	return total
}

// countingReader counts what is read of all inputs.
type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
