package audit

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// counter counts the bytes read through it; the count may be read at any time.
type counter struct {
	source io.Reader
	n      atomic.Int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.source.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// decompressor reads its source as it is, or through gzip (several members too) when it begins with the magic bytes of
// gzip. It looks when it is first read, so that making one cannot fail or block.
type decompressor struct {
	source io.Reader
	opened io.Reader
}

// Read implements io.Reader.
func (d *decompressor) Read(p []byte) (int, error) {
	if d.opened == nil {
		if err := d.open(); err != nil {
			return 0, err
		}
	}
	n, err := d.opened.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the data break off: %w", err)
	}
	return n, err
}

// open looks at the first bytes.
func (d *decompressor) open() error {
	b := bufio.NewReaderSize(d.source, 16<<10)
	magic, err := b.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	d.opened = b
	if len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return fmt.Errorf("gzip header: %w", err)
		}
		d.opened = z
	}
	return nil
}
