package client

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/kubewitness/kubewitness/pkg/api"
)

const ndjson = "application/x-ndjson"

// stream sends a request whose answer is a line for each hit, and at last one that says
// what it came to. It ends with yield's error, where that has one.
func stream[T any](ctx context.Context, c *Client, k call, yield func(*T) error) (api.Summary, error) {
	return c.streamLines(ctx, k, func(text []byte) error {
		hit := new(T)
		if err := decode(text, hit); err != nil {
			return err
		}
		return yield(hit)
	})
}

// streamLines is stream with the hits as they come, without line break; a line is valid
// until yield returns.
func (c *Client) streamLines(ctx context.Context, k call, yield func([]byte) error) (api.Summary, error) {
	k.accept = ndjson
	ctx, cancel := context.WithCancel(ctx) // what the service still has to say is not waited for
	defer cancel()
	res, err := c.send(ctx, k)
	if err != nil {
		return api.Summary{}, err
	}
	defer res.Body.Close()
	from := newLines(res.Body)
	var end api.Last // of both lines that may end a stream
	for {
		text, err := from.next()
		if err != nil {
			return finish(ctx, end, err)
		}
		switch {
		case len(text) == 0:
		case isLast(text):
			if err := decode(text, &end); err != nil {
				return api.Summary{}, err
			}
		default:
			if err := yield(text); err != nil {
				return api.Summary{}, err
			}
		}
	}
}

// isLast tells whether a line is an api.Last, which has one of two keys, and no hit has
// either for its first.
func isLast(text []byte) bool {
	return bytes.HasPrefix(text, []byte(`{"summary":`)) || bytes.HasPrefix(text, []byte(`{"error":`))
}

// finish says how a stream ended that has no more lines.
func finish(ctx context.Context, end api.Last, err error) (sum api.Summary, _ error) {
	if end.Summary != nil {
		sum = *end.Summary
	}
	switch {
	case end.Error != nil:
		return sum, &Error{Status: end.Error.Status, Problem: end.Error}
	case end.Summary != nil:
		return sum, nil
	case ctx.Err() != nil:
		return sum, context.Cause(ctx)
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return sum, Incomplete{err}
}
