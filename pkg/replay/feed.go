package replay

import (
	"context"
	"errors"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// item is an event, or what was refused.
type item struct {
	event     *audit.Event
	rejection *audit.Rejection
}

// batch is a few items with how far the input was read; err is set in the
// last batch of an input, io.EOF at its proper end.
type batch struct {
	items  []item
	offset int64
	err    error
}

// batchBytes bounds what waits between reading and matching, besides one
// event.
const (
	batchBytes = 256 << 10
	batchItems = 256
)

// feed reads an input in a goroutine of its own, so that an input that gives
// nothing (a terminal, a pipe) does not keep the replay from being cancelled.
type feed struct {
	batches chan batch
	quit    chan struct{}
}

func newFeed(ctx context.Context, r *audit.Reader) *feed {
	f := &feed{batches: make(chan batch, 1), quit: make(chan struct{})}
	go f.read(ctx, r)
	return f
}

func (f *feed) read(ctx context.Context, r *audit.Reader) {
	for {
		b := fill(r)
		select {
		case f.batches <- b:
		case <-f.quit:
			return
		case <-ctx.Done():
			return
		}
		if b.err != nil {
			return
		}
	}
}

func fill(r *audit.Reader) batch {
	var b batch
	for size := 0; size < batchBytes && len(b.items) < batchItems; {
		e, err := r.Next()
		var rej *audit.Rejection
		switch {
		case err == nil:
			b.items = append(b.items, item{event: e})
			size += len(e.Raw)
		case errors.As(err, &rej):
			b.items = append(b.items, item{rejection: rej})
		default:
			b.err = err
		}
		b.offset = r.Offset()
		if b.err != nil {
			break
		}
	}
	return b
}

// next waits for a batch or for the context's end.
func (f *feed) next(ctx context.Context) (batch, error) {
	select {
	case <-ctx.Done():
		return batch{}, context.Cause(ctx)
	default:
	}
	select {
	case b := <-f.batches:
		return b, nil
	case <-ctx.Done():
		return batch{}, context.Cause(ctx)
	}
}

func (f *feed) stop() { close(f.quit) }
