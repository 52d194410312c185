package output_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// calls keeps each call of Write on its own.
type calls []string

func (c *calls) Write(b []byte) (int, error) {
	*c = append(*c, string(b))
	return len(b), nil
}

func TestParseFormat(t *testing.T) {
	for _, f := range formats {
		got, err := output.ParseFormat(f.String())
		require.NoError(t, err)
		assert.Equal(t, f, got)
	}
	_, err := output.ParseFormat("json")
	require.ErrorContains(t, err, "falco-json, text or answer")
	assert.Equal(t, "format 9", output.Format(9).String())
}

// TestStreamLines: one line for each detection, one call of the writer for each
// delivery, none for a delivery without detections.
func TestStreamLines(t *testing.T) {
	for _, format := range formats {
		t.Run(format.String(), func(t *testing.T) {
			var got calls
			s := output.NewStream(output.StreamConfig{Writer: &got, Format: format})
			first, none, second := delivery(t, 0, 9), delivery(t, 9, 1), delivery(t, 10, 5)
			for _, events := range [][]*record.Event{first, none, nil, second} {
				require.NoError(t, s.Write(t.Context(), events))
			}
			assert.Equal(t, calls{text(wanted(first, format)), text(wanted(second, format))}, got)
			c := s.Counters()
			assert.EqualValues(t, len(ids(first))+len(ids(second)), c.Detections)
			assert.EqualValues(t, len(strings.Join(got, "")), c.Bytes)
			assert.Zero(t, c.Folded)
		})
	}
}

// stopsAt takes so many bytes and then fails, once.
type stopsAt struct {
	left int
	got  bytes.Buffer
}

func (w *stopsAt) Write(b []byte) (int, error) {
	if w.left >= 0 && w.left < len(b) {
		n := w.left
		w.left = -1
		w.got.Write(b[:n])
		return n, errBroken
	}
	if w.left >= 0 {
		w.left -= len(b)
	}
	return w.got.Write(b)
}

// TestStreamGoesOnWhereItStopped: wherever a write is cut, after the repetition
// every line is there once and whole.
func TestStreamGoesOnWhereItStopped(t *testing.T) {
	first, second := delivery(t, 0, 6), delivery(t, 6, 6)
	want := text(append(wanted(first, output.Answer), wanted(second, output.Answer)...))
	for cut := range len(want) {
		w := &stopsAt{left: cut}
		s := output.NewStream(output.StreamConfig{Writer: w, Format: output.Answer})
		failed := 0
		for _, events := range [][]*record.Event{first, second} {
			for s.Write(t.Context(), events) != nil {
				failed++
			}
		}
		require.Equal(t, 1, failed)
		require.Equal(t, want, w.got.String(), "cut after %d bytes", cut)
		require.EqualValues(t, len(ids(first))+len(ids(second)), s.Counters().Detections)
	}
}

// TestStreamBrokenTwice: the rest of a line is cut again.
func TestStreamBrokenTwice(t *testing.T) {
	events := delivery(t, 0, 6)
	want := text(wanted(events, output.Text))
	w := &stopsAt{left: 10}
	s := output.NewStream(output.StreamConfig{Writer: w, Format: output.Text})
	for _, left := range []int{10, 0, 20, 3} {
		w.left = left
		err := requireRecoverable(t, s.Write(t.Context(), events))
		require.ErrorIs(t, err, errBroken)
	}
	require.NoError(t, s.Write(t.Context(), events))
	assert.Equal(t, want, w.got.String())
	assert.NotZero(t, s.Counters().Skipped)
}

// gate lets a write through when it is told to.
type gate struct {
	entered, release chan struct{}
	got              bytes.Buffer
}

func (g *gate) Write(b []byte) (int, error) {
	g.entered <- struct{}{}
	<-g.release
	return g.got.Write(b)
}

// TestStreamReaderStandsStill: the context ends the wait though the write goes on,
// and what it brings out later is not written twice.
func TestStreamReaderStandsStill(t *testing.T) {
	g := &gate{entered: make(chan struct{}), release: make(chan struct{})}
	s := output.NewStream(output.StreamConfig{Writer: g})
	events := delivery(t, 0, 6)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-g.entered
		cancel()
	}()
	require.ErrorIs(t, requireRecoverable(t, s.Write(ctx, events)), context.Canceled)
	require.ErrorContains(t, s.Write(ctx, events), "the write before has not ended")
	assert.Zero(t, s.Counters().Detections, "nothing is known to be out")

	close(g.release)
	require.NoError(t, s.Write(t.Context(), events))
	assert.Equal(t, text(wanted(events, output.FalcoJSON)), g.got.String())
	assert.EqualValues(t, len(ids(events)), s.Counters().Detections)
	assert.EqualValues(t, len(ids(events)), s.Counters().Skipped)
}

// TestStreamCloseDoesNotWait: a process ends though nobody reads its output.
func TestStreamCloseDoesNotWait(t *testing.T) {
	g := &gate{entered: make(chan struct{}), release: make(chan struct{})}
	s := output.NewStream(output.StreamConfig{Writer: g})
	ended := make(chan error)
	go func() { ended <- s.Write(t.Context(), delivery(t, 0, 3)) }()
	<-g.entered
	require.NoError(t, s.Close())
	close(g.release)
	require.NoError(t, <-ended)
}

// TestStreamBrokenPipe: the reader of a real pipe is gone.
func TestStreamBrokenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, r.Close())
	s := output.NewStream(output.StreamConfig{Writer: w})
	err = requireRecoverable(t, s.Write(t.Context(), delivery(t, 0, 3)))
	require.ErrorIs(t, err, syscall.EPIPE)
	require.ErrorContains(t, err, "output: stdout: ")
}

// TestStreamClosed: nothing goes out, nothing is settled.
func TestStreamClosed(t *testing.T) {
	var got calls
	s := output.NewStream(output.StreamConfig{Writer: &got})
	require.NoError(t, s.Close())
	requireRecoverable(t, s.Write(t.Context(), delivery(t, 0, 3)))
	assert.Empty(t, got)
}
