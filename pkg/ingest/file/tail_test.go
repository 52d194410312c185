package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

func TestFirstStartFollowsFromTheEnd(t *testing.T) {
	r := newRig(t, nil)
	r.write(text(1, 3) + line(4)[:20])
	r.settle()
	assert.Empty(t, r.taker.lines)
	r.start() // and that is the place from now on
	r.write(line(4)[20:] + "\n" + text(5, 6))
	r.settle()
	assert.Equal(t, lines(4, 6), r.taker.lines)
	b := r.taker.bodies[0]
	assert.Equal(t, []string{ingest.SourceFile, "prod", r.log}, []string{b.Source, b.Cluster, b.Peer})
	assert.False(t, b.Received.IsZero())
}

func TestFirstStartFromTheFirstLine(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 3))
	r.settle()
	r.start()
	r.settle()
	assert.Equal(t, lines(1, 3), r.taker.lines)
	s := r.tail.Status()
	assert.Equal(t, int64(len(text(1, 3))), s.Offset)
	assert.Equal(t, []int64{0, 0, 0}, []int64{s.Lag, s.Gaps, s.Bodies})
}

func TestFirstStartInsideOfAnEndlessLine(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxBody, c.MaxLine = 100, 1000 })
	r.write(strings.Repeat("x", 200_000))
	r.settle()
	r.start()
	r.write("yyy\n" + text(1, 1))
	r.settle()
	assert.Equal(t, lines(1, 1), r.taker.lines)
}

func TestFileThatAppearsLaterIsReadWhole(t *testing.T) {
	r := newRig(t, nil)
	r.append(r.at("audit.log.1"), text(90, 99)) // of another time
	r.settle()
	assert.Empty(t, r.tail.Status().LastError)
	r.start()
	r.settle()
	r.stop()
	require.NoError(t, os.Chtimes(r.at("audit.log.1"), time.Unix(1, 0), time.Unix(1, 0)))
	r.write(text(1, 2))
	r.rename("audit.log", "audit.log.1")
	r.write(text(3, 4))
	r.settle()
	assert.Equal(t, lines(1, 4), r.taker.lines)
	assert.Zero(t, r.tail.Status().Gaps)
}

func TestHalfWrittenLineWaits(t *testing.T) {
	r := newRig(t, fromStart)
	whole := text(1, 1)
	for i := range whole {
		r.write(whole[i : i+1])
		r.settle()
		assert.Equal(t, i == len(whole)-1, len(r.taker.lines) == 1)
	}
	assert.Equal(t, lines(1, 1), r.taker.lines)
}

func TestBodiesHoldWholeLinesUpToALimit(t *testing.T) {
	r := newRig(t, func(c *Config) { c.FromStart, c.MaxBody, c.MaxLine = true, 2000, 100_000 })
	long := `{"auditID":"long","pad":"` + strings.Repeat("x", 5000) + `"}`
	r.write(text(1, 40) + long + "\n" + text(41, 50))
	r.settle()
	assert.Equal(t, append(append(lines(1, 40), long), lines(41, 50)...), r.taker.lines)
	for _, b := range r.taker.bodies {
		assert.Equal(t, byte('\n'), b.Data[len(b.Data)-1])
		assert.True(t, len(b.Data) <= 2000 || string(b.Data) == long+"\n", len(b.Data))
	}
}

func TestLineAboveTheLimitIsCut(t *testing.T) {
	r := newRig(t, func(c *Config) { c.FromStart, c.MaxBody, c.MaxLine = true, 500, 1000 })
	exact := strings.Repeat("e", 1000)
	r.write(text(1, 1) + strings.Repeat("x", 700_000))
	r.settle()
	r.start() // in the middle of it
	r.settle()
	r.write(strings.Repeat("y", 1000) + "\n" + exact + "\n" + text(2, 2))
	r.settle()
	assert.Equal(t, []string{line(1), strings.Repeat("x", 1000), exact, line(2)}, r.taker.lines)
	s := r.tail.Status()
	assert.Zero(t, s.CutLines, "counted before the restart")
	assert.Equal(t, int64(1000), s.CutBytes)
}

func TestZeroBytesAfterACrash(t *testing.T) {
	r := newRig(t, fromStart)
	zeros := strings.Repeat("\x00", 5000)
	r.write(text(1, 2) + line(3)[:50] + zeros)
	r.settle()
	assert.Equal(t, lines(1, 2), r.taker.lines, "zeros at the end may be bytes that have not arrived")
	r.write(text(4, 5) + zeros + text(6, 6) + strings.Repeat(zeros, 100) + text(7, 7))
	r.settle()
	assert.Equal(t, append(append(lines(1, 2), line(3)[:50]), lines(4, 7)...), r.taker.lines)
	assert.Equal(t, int64(102*5000), r.tail.Status().Zeros)
	for _, b := range r.taker.bodies {
		assert.NotContains(t, string(b.Data), "\x00")
	}
}

func TestZeroBytesThatBecomeALine(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 1))
	at := int64(len(text(1, 1)))
	require.NoError(t, os.Truncate(r.log, at+100))
	r.settle()
	f, err := os.OpenFile(r.log, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte(text(2, 3)), at)
	require.NoError(t, errors.Join(err, f.Close()))
	r.settle()
	assert.Equal(t, lines(1, 3), r.taker.lines)
}

func TestTakerThatRefusesIsAskedForEver(t *testing.T) {
	r := newRig(t, func(c *Config) { c.FromStart, c.Poll = true, 0 })
	r.write(text(1, 3))
	r.start()
	refusals := []struct {
		err  error
		wait time.Duration
	}{
		{spool.Full{RetryAfter: 3 * time.Second}, 3 * time.Second},
		{ingest.RateLimited{RetryAfter: 7 * time.Second}, 7 * time.Second},
		{errors.Join(errors.New("wrapped"), spool.Full{RetryAfter: time.Minute}), time.Minute},
		{spool.Unknown{Cause: errors.New("time out")}, 2 * time.Second}, // the fourth in a row
		{spool.Full{}, 4 * time.Second},
		{spool.Draining{}, 8 * time.Second},
		{errors.New("whatever"), 16 * time.Second},
		{errors.New("whatever"), maxBackoff},
		{errors.New("whatever"), maxBackoff},
	}
	require.Zero(t, r.step())
	for i, refusal := range refusals {
		r.taker.fail = []error{refusal.err}
		assert.Equal(t, refusal.wait, r.step(), "refusal %d", i)
		s := r.tail.Status()
		assert.Equal(t, refusal.err.Error(), s.LastError)
		assert.Equal(t, []int64{0, int64(len(text(1, 3+i))), int64(i + 1)}, []int64{s.Offset, s.Lag, s.Retries})
		r.write(text(4+i, 4+i)) // comes after it, not into it
	}
	r.settle()
	assert.Equal(t, lines(1, 12), r.taker.lines)
	assert.Equal(t, text(1, 3), string(r.taker.bodies[0].Data))
	assert.Empty(t, r.tail.Status().LastError)
}

func TestUnknownMayDoubleAndLosesNothing(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 3))
	r.taker.stores, r.taker.fail = true, []error{spool.Unknown{Cause: errors.New("time out")}}
	r.settle()
	assert.Equal(t, append(lines(1, 3), lines(1, 3)...), r.taker.lines)
}

func TestPositionMovesOnlyAfterTheTaker(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 3))
	r.start()
	r.step()
	r.taker.fail = []error{errors.New("no")}
	r.step()
	p, err := loadPosition(r.cfg.Position)
	require.NoError(t, err)
	assert.Zero(t, p.Offset)
	r.start()
	r.settle()
	assert.Equal(t, lines(1, 3), r.taker.lines)
	p, err = loadPosition(r.cfg.Position)
	require.NoError(t, err)
	assert.Equal(t, int64(len(text(1, 3))), p.Offset)
}

func TestPositionThatCannotBeStoredIsToldAndTriedAgain(t *testing.T) {
	r := newRig(t, fromStart)
	require.NoError(t, os.Mkdir(r.cfg.Position+".new", 0o700)) // in the way
	r.write(text(1, 3))
	r.settle()
	assert.Equal(t, lines(1, 3), r.taker.lines)
	assert.Contains(t, r.tail.Status().LastError, "file: store the position: ")
	require.NoError(t, os.Remove(r.cfg.Position+".new"))
	r.settle()
	assert.Empty(t, r.tail.Status().LastError)
	r.start()
	r.settle()
	assert.Equal(t, lines(1, 3), r.taker.lines)
}

func TestFileThatMayNotBeReadIsTriedAgain(t *testing.T) {
	if os.Geteuid() == 0 {
		// Permissions do not hold root up; a link to itself holds up everyone.
		r := newRig(t, fromStart)
		require.NoError(t, os.Symlink("audit.log", r.log))
		r.settle()
		require.NoError(t, os.Remove(r.log))
		r.write(text(1, 1))
		r.settle()
		assert.Equal(t, lines(1, 1), r.taker.lines)
		return
	}
	r := newRig(t, fromStart)
	r.write(text(1, 1))
	require.NoError(t, os.Chmod(r.log, 0))
	r.settle()
	assert.ErrorContains(t, errors.New(r.tail.Status().LastError), syscall.EACCES.Error())
	require.NoError(t, os.Chmod(r.log, 0o600))
	r.settle()
	assert.Equal(t, lines(1, 1), r.taker.lines)
	assert.Empty(t, r.tail.Status().LastError)
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	now := func() time.Time { return time.Unix(0, 0) }
	broken := filepath.Join(dir, "broken")
	require.NoError(t, os.WriteFile(broken, []byte(`{"version":2}`), 0o600))
	tests := []struct {
		cfg  Config
		want string
	}{
		{Config{Position: "p", Taker: &taker{}, Now: now}, "no file to follow"},
		{Config{Path: "f", Taker: &taker{}, Now: now}, "no file to keep the position in"},
		{Config{Path: "f", Position: "p", Now: now}, "must be set"},
		{Config{Path: "f", Position: "p", Taker: &taker{}}, "must be set"},
		{Config{Path: "f", Position: broken, Taker: &taker{}, Now: now}, "version 2, this program knows version 1"},
		{Config{Path: "f", Position: dir, Taker: &taker{}, Now: now}, "is a directory"},
	}
	for _, tt := range tests {
		_, err := New(tt.cfg)
		assert.ErrorContains(t, err, tt.want)
	}
}

func TestEndOfTheContextEndsWaiting(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 1))
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{}, 1)
	r.cfg.Taker = takerFunc(func(ctx context.Context, _ ingest.Body) (ingest.Receipt, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return ingest.Receipt{}, ctx.Err()
	})
	tail, err := New(r.cfg)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tail.Run(ctx)
	}()
	<-asked
	stop()
	<-done
	assert.Empty(t, tail.Status().LastError)
}

type takerFunc func(context.Context, ingest.Body) (ingest.Receipt, error)

func (f takerFunc) Take(ctx context.Context, b ingest.Body) (ingest.Receipt, error) {
	return f(ctx, b)
}
