package client

import (
	"context"
	"errors"
	"io"

	"github.com/kubewitness/kubewitness/pkg/api"
)

const ndjson = "application/x-ndjson"

// stream sends a request whose answer is a line for each hit, and at last one that says
// what it came to. It ends with yield's error, where that has one.
func stream[T any](ctx context.Context, c *Client, k call, yield func(*T) error) (api.Summary, error) {
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
		if len(text) == 0 {
			continue
		}
		var last api.Last
		if err := decode(text, &last); err != nil {
			return api.Summary{}, err
		}
		switch {
		case last.Error != nil:
			end.Error = last.Error
		case last.Summary != nil:
			end.Summary = last.Summary
		default:
			hit := new(T)
			if err := decode(text, hit); err != nil {
				return api.Summary{}, err
			}
			if err := yield(hit); err != nil {
				return api.Summary{}, err
			}
		}
	}
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
