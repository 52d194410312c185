package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRenamedFileIsFinishedFirst(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 2))
	r.settle()
	r.rename("audit.log", "audit-2026-11-21T10-00-00.000.log")
	r.append(r.at("audit-2026-11-21T10-00-00.000.log"), text(3, 4))
	r.settle() // for a minute: there is no new file yet
	r.append(r.at("audit-2026-11-21T10-00-00.000.log"), text(5, 5))
	r.write("")
	r.settle() // the new one is empty: the writer may not know of it yet
	r.append(r.at("audit-2026-11-21T10-00-00.000.log"), text(6, 6))
	r.step()
	r.write(text(8, 9))
	r.step()
	r.append(r.at("audit-2026-11-21T10-00-00.000.log"), text(7, 7)) // within the time it is left
	r.settle()
	assert.Equal(t, lines(1, 9), r.taker.lines)
	s := r.tail.Status()
	assert.Equal(t, []int64{1, 0, 0}, []int64{s.Rotations, s.Gaps, s.Lag})
	assert.Equal(t, r.log, s.Reading)
}

func TestWhatIsWrittenBetweenTheLastReadAndTheRotationIsRead(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 2))
	r.settle()
	end, err := r.tail.fill()
	require.NoError(t, err)
	require.True(t, end)
	r.write(text(3, 4))
	r.rename("audit.log", "audit-2026-11-21T10-00-00.000.log")
	r.write(text(5, 6))
	r.rename("audit.log", "audit-2026-11-21T10-00-00.001.log")
	r.write(text(7, 8))
	_, err = r.tail.look()
	require.NoError(t, err)
	r.settle()
	assert.Equal(t, lines(1, 8), r.taker.lines)
}

func TestLineThatTheFileEndsInIsHandedOn(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 2) + line(3)[:40])
	r.settle()
	r.rename("audit.log", "audit.log.1")
	r.write(text(4, 4))
	r.settle()
	assert.Equal(t, append(lines(1, 2), line(3)[:40], line(4)), r.taker.lines)
	assert.Equal(t, int64(1), r.tail.Status().Torn)
}

// stamped, numbered and the rest are how files are rotated.
var rotations = []struct {
	name   string
	rotate func(r *rig, n int)
}{
	{"stamps of lumberjack", func(r *rig, n int) {
		r.rename("audit.log", fmt.Sprintf("audit-2026-11-21T10-%02d-00.000.log", n))
	}},
	{"dates of logrotate", func(r *rig, n int) { r.rename("audit.log", fmt.Sprintf("audit.log-202611%02d", n)) }},
	{"numbers", func(r *rig, _ int) {
		shift(r, "audit.log.%d")
		r.rename("audit.log", "audit.log.1")
	}},
	{"numbers before the extension", func(r *rig, _ int) {
		shift(r, "audit.%d.log")
		r.rename("audit.log", "audit.1.log")
	}},
	{"numbers, compressed", func(r *rig, _ int) {
		shift(r, "audit.log.%d.gz")
		r.rename("audit.log", "audit.log.1")
		r.compress("audit.log.1")
	}},
	{"stamps, compressed", func(r *rig, n int) {
		name := fmt.Sprintf("audit-2026-11-21T10-%02d-00.000.log", n)
		r.rename("audit.log", name)
		r.compress(name)
	}},
	{"numbers, the first not compressed", func(r *rig, _ int) {
		shift(r, "audit.log.%d.gz")
		if _, err := os.Stat(r.at("audit.log.1")); err == nil {
			r.compress("audit.log.1")
			r.rename("audit.log.1.gz", "audit.log.2.gz")
		}
		r.rename("audit.log", "audit.log.1")
	}},
	{"copies", func(r *rig, _ int) {
		shift(r, "audit.log.%d")
		r.copyTruncate("audit.log.1")
	}},
	{"copies, compressed", func(r *rig, _ int) {
		shift(r, "audit.log.%d.gz")
		r.copyTruncate("audit.log.1")
		r.compress("audit.log.1")
	}},
}

// shift makes room for a new number 1.
func shift(r *rig, format string) {
	for n := 20; n > 0; n-- {
		if _, err := os.Stat(r.at(fmt.Sprintf(format, n))); err == nil {
			r.rename(fmt.Sprintf(format, n), fmt.Sprintf(format, n+1))
		}
	}
}

func TestRotationsWhileItIsDown(t *testing.T) {
	for _, tt := range rotations {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, fromStart)
			r.append(r.at("audit.log.bak"), text(900, 910)) // of no rotation
			r.write(text(1, 5))
			r.settle()
			r.stop()
			r.write(text(6, 9))
			for n := 1; n <= 12; n++ {
				tt.rotate(r, n)
				r.write(text(10*n, 10*n+9))
			}
			r.settle()
			assert.Equal(t, append(lines(1, 9), lines(10, 129)...), r.taker.lines)
			assert.Zero(t, r.tail.Status().Gaps)
		})
	}
}

func TestRotationsWhileTheTakerRefuses(t *testing.T) {
	for _, tt := range rotations {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, fromStart)
			r.write(text(1, 5))
			r.start()
			r.step()
			r.taker.fail = []error{assert.AnError, assert.AnError}
			r.step()
			r.write(text(6, 9))
			for n := 1; n <= 5; n++ {
				tt.rotate(r, n)
				r.write(text(10*n, 10*n+9))
			}
			r.step()
			assert.Positive(t, r.tail.Status().Lag)
			r.settle()
			assert.Equal(t, append(lines(1, 9), lines(10, 59)...), r.taker.lines)
			assert.Zero(t, r.tail.Status().Gaps)
		})
	}
}

func TestRotationsUnderItsEyes(t *testing.T) {
	for _, tt := range rotations {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, fromStart)
			for n := range 5 {
				r.write(text(10*n, 10*n+8))
				r.settle()
				r.write(text(10*n+9, 10*n+9))
				tt.rotate(r, n+1)
				r.settle()
			}
			r.write(text(50, 50))
			r.settle()
			assert.Equal(t, lines(0, 50), r.taker.lines)
			s := r.tail.Status()
			assert.Equal(t, []int64{5, 0}, []int64{s.Rotations, s.Gaps})
		})
	}
}

func TestCutOffWithoutACopy(t *testing.T) {
	tests := []struct {
		name string
		cut  func(r *rig)
		down bool
	}{
		{"shorter", func(r *rig) {}, false},
		{"longer than before", func(r *rig) { r.write(text(100, 300)) }, false},
		{"shorter, while it was down", func(r *rig) {}, true},
		{"longer than before, while it was down", func(r *rig) { r.write(text(100, 300)) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, fromStart)
			r.append(r.at("audit.log.1"), text(900, 910)) // older
			require.NoError(t, os.Chtimes(r.at("audit.log.1"), time.Unix(1, 0), time.Unix(1, 0)))
			r.write(text(1, 20))
			r.settle()
			if tt.down {
				r.stop()
			}
			require.NoError(t, os.Truncate(r.log, 0))
			want := lines(1, 20)
			if tt.cut(r); strings.HasPrefix(tt.name, "longer") {
				want = append(want, lines(100, 300)...)
			}
			r.settle()
			r.write(text(301, 302))
			r.settle()
			assert.Equal(t, append(want, lines(301, 302)...), r.taker.lines)
			assert.Equal(t, int64(1), r.tail.Status().Gaps)
		})
	}
}

func TestReusedInodeIsNotMistaken(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 3))
	r.settle()
	r.stop()
	// The same inode with other content, and the old file beside it as a copy: the same
	// that a file system does that gives numbers again.
	old, err := os.ReadFile(r.log)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.at("audit.log.1"), append(old, text(4, 4)...), 0o600))
	require.NoError(t, os.WriteFile(r.log, []byte(text(5, 50)), 0o600))
	r.settle()
	assert.Equal(t, lines(1, 50), r.taker.lines)
}

// All lines begin alike: the little that was there must not make another file pass
// for this one.
func TestFileThatWasHardlyBegunIsNotMistaken(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(line(1)[:60])
	r.settle()
	r.stop()
	r.write(line(1)[60:] + "\n" + text(2, 3))
	for n, to := range []string{"audit-2026-11-21T10-01-00.000.log", "audit-2026-11-21T10-02-00.000.log"} {
		r.rename("audit.log", to)
		r.compress(to)
		r.write(text(10*n+4, 10*n+13))
	}
	r.settle()
	assert.Equal(t, lines(1, 23), r.taker.lines)
	assert.Zero(t, r.tail.Status().Gaps)
}

func TestPositionThatIsGoneIsAGap(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 3))
	r.settle()
	r.stop()
	require.NoError(t, os.Remove(r.log))
	r.settle() // nothing there
	r.append(r.at("audit.log.2"), text(10, 12))
	r.append(r.at("audit.log.1"), text(13, 15))
	r.write(text(16, 17))
	r.settle()
	assert.Equal(t, append(lines(1, 3), lines(10, 17)...), r.taker.lines)
	assert.Equal(t, int64(1), r.tail.Status().Gaps)
}

func TestFileIsFinishedAfterItWasRemoved(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 3))
	r.start()
	r.step()
	r.write(text(4, 6))
	require.NoError(t, os.Remove(r.log))
	r.settle()
	r.write(text(7, 9))
	r.settle()
	assert.Equal(t, lines(1, 9), r.taker.lines)
}

func TestNamesOfRotatedFiles(t *testing.T) {
	tests := []struct {
		base, name string
		want       scheme
		gz, ok     bool
	}{
		{"audit.log", "audit.log.1", numbered, false, true},
		{"audit.log", "audit.log.12.gz", numbered, true, true},
		{"audit.log", "audit.3.log", numbered, false, true},
		{"audit.log", "audit-2026-11-21T10-00-00.000.log", stamped, false, true},
		{"audit.log", "audit-2026-11-21T10-00-00.000.log.gz", stamped, true, true},
		{"audit.log", "audit.log-20261121", stamped, false, true},
		{"audit.log", "audit.log-20261121.gz", stamped, true, true},
		{"audit.log", "audit.log-2026-11-21-1700000000", stamped, false, true},
		{"audit.log", "audit.log.20261121", stamped, false, true},
		{"audit.log", "audit-20261121.log", stamped, false, true},
		{"audit", "audit.1", numbered, false, true},
		{"audit", "audit-2026-11-21T10-00-00.000", stamped, false, true},
		{"audit.log", "audit.log", 0, false, false},
		{"audit.log", "audit.log.gz", 0, true, false},
		{"audit.log", "audit.log.bak", 0, false, false},
		{"audit.log", "audit.log~", 0, false, false},
		{"audit.log", "audit.log.1.bak", 0, false, false},
		{"audit.log", "audit-other.log", 0, false, false},
		{"audit.log", "audit2.log", 0, false, false},
		{"audit.log", "other.log.1", 0, false, false},
		{"audit.log", "audit-1.log", 0, false, false},
	}
	for _, tt := range tests {
		s, ok := parseName(tt.base, tt.name)
		assert.Equal(t, tt.ok, ok, tt.name)
		if ok {
			assert.Equal(t, []any{tt.want, tt.gz}, []any{s.scheme, s.gz}, tt.name)
		}
	}
}

func TestCompressionUnderWayIsNotRead(t *testing.T) {
	r := newRig(t, fromStart)
	r.write(text(1, 3))
	r.settle()
	r.stop()
	r.rename("audit.log", "audit.log.1")
	r.append(r.at("audit.log.1.gz"), "\x1f\x8b\x08") // begun
	r.append(r.at("audit.log.2.gz"), "not compressed at all")
	r.append(r.at("audit.log.1"), text(4, 4))
	r.write(text(5, 5))
	r.settle()
	assert.Equal(t, lines(1, 5), r.taker.lines)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(r.cfg.Position), "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{r.cfg.Position}, left)
}
