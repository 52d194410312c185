package webhook

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// hand bounds the bytes of all bodies in hand.
type hand struct {
	most int64
	held atomic.Int64
}

// take makes room for n bytes more.
func (h *hand) take(n int64) bool {
	if h.held.Add(n) <= h.most {
		return true
	}
	h.held.Add(-n)
	return false
}

// buffers keep memory of bodies. Sizes grow by steps, so that who sends little, or
// slowly, holds little; what is larger than the last is not kept.
var (
	steps   = [...]int{4 << 10, 32 << 10, 256 << 10, 2 << 20}
	buffers [len(steps)]sync.Pool // of *[]byte
)

// body is a request's body in memory.
type body struct {
	data  []byte // its capacity is what it takes of hand
	fault error  // it could not be decompressed to its end
	hand  *hand
	step  int     // of the next growth
	kept  *[]byte // memory of data that is to be used again, of the step before
}

// free gives a body's memory back.
func (b *body) free() {
	b.hand.held.Add(-int64(cap(b.data)))
	if b.kept != nil {
		buffers[b.step-1].Put(b.kept)
	}
	b.data, b.kept = nil, nil
}

// grow makes more room behind data. Of most bytes there is room for one more, to see
// that there is too much.
func (b *body) grow(most int64) error {
	next := body{hand: b.hand, step: min(b.step, len(steps)) + 1}
	size := min(2*cap(b.data), int(most)+1)
	if b.step < len(steps) {
		size = steps[b.step]
	}
	if !b.hand.take(int64(size)) {
		return refusal{Status: http.StatusTooManyRequests, Text: "too much is being taken in at once", Retry: true}
	}
	if b.step < len(steps) {
		if next.kept, _ = buffers[b.step].Get().(*[]byte); next.kept == nil {
			space := make([]byte, size)
			next.kept = &space
		}
		next.data = *next.kept
	} else {
		next.data = make([]byte, size)
	}
	next.data = next.data[:copy(next.data, b.data)]
	b.free()
	*b = next
	return nil
}

// fill reads all of r, of which there may be most bytes.
func (b *body) fill(r io.Reader, most int64) error {
	for {
		if len(b.data) == cap(b.data) {
			if err := b.grow(most); err != nil {
				return err
			}
		}
		n, err := r.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case int64(len(b.data)) > most:
			return tooLong(most)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

func tooLong(most int64) error {
	return refusal{Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("the body has more than %d bytes", most)}
}

// read reads a request's body, decompressed. The body is to be freed even after an
// error, which is a refusal.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (*body, error) {
	b := &body{hand: &h.hand}
	if r.ContentLength > h.cfg.MaxBody {
		return b, tooLong(h.cfg.MaxBody)
	}
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity", "gzip", "x-gzip":
	default:
		return b, refusal{Status: http.StatusUnsupportedMediaType, Text: "send the body plain, or with gzip"}
	}
	// A connection without deadlines is one of a test.
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(h.cfg.Now().Add(h.cfg.BodyTimeout))
	err := h.readInto(b, r.Body)
	if err == nil {
		// Left behind it would end the request while it waits for its turn. After an error
		// it stays, for the server reads on.
		_ = deadline.SetReadDeadline(time.Time{})
	}
	return b, err
}

// readInto reads a body, plain or gzip.
func (h *Handler) readInto(b *body, r io.Reader) error {
	raw := &source{r: r, most: h.cfg.MaxBody}
	in := bufio.NewReader(raw)
	magic, err := in.Peek(2)
	if string(magic) != "\x1f\x8b" {
		if err != nil && err != io.EOF {
			return broken(err)
		}
		return broken(b.fill(in, h.cfg.MaxBody))
	}
	return h.decompress(b, raw, in)
}

// decompress reads a compressed body. One that is torn or damaged is taken as far as
// it goes: sent again, it would be no better.
func (h *Handler) decompress(b *body, raw *source, in io.Reader) error {
	z, err := gzip.NewReader(in)
	if err == nil {
		err = b.fill(z, h.cfg.MaxBody)
	}
	switch {
	case err == nil:
		return nil
	case raw.err != nil:
		return broken(raw.err)
	case errors.As(err, new(refusal)):
		return err
	}
	b.fault = fmt.Errorf("compression: %w", err)
	return nil
}

// source is a request's body as it is sent, at most so many bytes of it, and why it
// could not be read.
type source struct {
	r       io.Reader
	n, most int64
	err     error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.n += int64(n); s.n > s.most && (err == nil || err == io.EOF) {
		err = tooLong(s.most)
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// broken is the answer to a body that could not be read.
func broken(err error) error {
	switch {
	case err == nil, errors.As(err, new(refusal)):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal{Status: http.StatusRequestTimeout, Text: "the body took too long"}
	}
	return refusal{Status: http.StatusBadRequest, Text: "the body broke off"}
}
