package file

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/spool"
)

// schedule is a random life of a log: what is written to it, rotated and read, in
// any order. A writer writes its lines in pieces of any length.
type schedule struct {
	*rig
	rand    *rand.Rand
	style   int             // of rotations
	names   int             // given so far
	n       int             // lines begun
	to      string          // where the writer writes
	pending string          // the rest of the line that it is writing
	whole   []string        // complete lines, in order
	unread  int             // how many of them were there when the file they are in began
	may     map[string]bool // lines that were cut off unread, in a file that nothing was known of
	unknown bool            // a file was rotated that the tail knew nothing of
	doubles bool            // something happened after which lines may be taken twice
}

func (s *schedule) write(bytes int) {
	for bytes > 0 {
		if s.pending == "" {
			s.n++
			s.pending = line(s.n) + "\n"
		}
		k := min(bytes, len(s.pending))
		s.append(s.to, s.pending[:k])
		bytes -= k
		if s.pending = s.pending[k:]; s.pending == "" {
			s.whole = append(s.whole, line(s.n))
		}
	}
}

// finish completes the line that is being written.
func (s *schedule) finish() { s.write(len(s.pending)) }

// rotate ends a file. One that is renamed may get its last bytes late.
func (s *schedule) rotate() {
	if _, err := os.Stat(s.log); err != nil {
		return // still missing after the last one
	}
	cut := strings.HasPrefix(rotations[s.style].name, "copies")
	late := !cut && !strings.HasSuffix(rotations[s.style].name, "compressed") && s.rand.IntN(2) == 0
	if !late {
		s.finish()
	}
	if !s.known() {
		s.unknown = true
		for _, l := range s.whole[s.unread:] {
			s.may[l] = cut
		}
	}
	s.names++
	if late {
		f, err := os.OpenFile(s.log, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(s.t, err)
		rotations[s.style].rotate(s.rig, s.names)
		for range s.rand.IntN(4) {
			s.rig.step()
		}
		_, err = f.WriteString(s.pending)
		require.NoError(s.t, err)
		require.NoError(s.t, f.Close())
		if s.pending != "" {
			s.whole, s.pending = append(s.whole, line(s.n)), ""
		}
	} else {
		rotations[s.style].rotate(s.rig, s.names)
	}
	s.unread = len(s.whole)
}

// known reports whether the tail can tell the file from others by its content.
func (s *schedule) known() bool {
	info, err := os.Stat(s.log)
	require.NoError(s.t, err)
	if s.tail.src != nil {
		return !os.SameFile(info, s.tail.src.info) || s.tail.src.telling() != nil
	}
	p := s.tail.stored
	return p != nil && (!p.names(sibling{info: info}) || !p.unknown())
}

func (s *schedule) run(ops int) {
	for range ops {
		switch n := s.rand.IntN(100); {
		case n < 35:
			s.write(1 + s.rand.IntN(1500))
		case n < 75:
			for range 1 + s.rand.IntN(5) {
				s.rig.step()
			}
		case n < 88:
			s.rotate()
		case n < 92:
			s.start()
			p := s.tail.stored
			s.doubles = s.doubles || s.taker.stores || p != nil && p.unknown() && !p.Nothing // then by time, which comes in ticks
		case n < 96:
			s.taker.fail = append(s.taker.fail, spool.Full{RetryAfter: 1}, assert.AnError)
		default:
			// Killed between the taker's answer and the position on disk, or an Unknown.
			s.taker.fail, s.taker.stores, s.doubles = append(s.taker.fail, assert.AnError), s.rand.IntN(2) == 0, true
		}
	}
	s.finish()
	s.taker.fail = nil
	s.write(600) // the last file has content
	s.finish()
	s.settle()
}

func (s *schedule) check() {
	seen := map[string]int{}
	var order []string
	for _, l := range s.taker.lines {
		if s.unknown && !slices.Contains(s.whole, l) {
			continue // the begin of a line that was cut off; it is taken whole as well, or was unread
		}
		if seen[l]++; seen[l] == 1 {
			order = append(order, l)
		}
	}
	want := slices.DeleteFunc(slices.Clone(s.whole), func(l string) bool { return s.may[l] && seen[l] == 0 })
	assert.Equal(s.t, brief(want), brief(order), "each complete line, in order, and nothing else")
	if !s.doubles {
		for l, n := range seen {
			assert.Equal(s.t, 1, n, l)
		}
	}
	assert.True(s.t, s.unknown || s.tail.Status().Gaps == 0, "gaps")
	assert.Zero(s.t, s.tail.Status().Lag)
}

// brief returns the numbers of lines, and what is no line as it is.
func brief(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		n := 0
		if _, after, ok := strings.Cut(l, `"auditID":"`); ok && len(after) > 8 {
			n, _ = strconv.Atoi(after[:8])
		}
		if l == line(n) {
			fmt.Fprintf(&b, "%d ", n)
		} else {
			fmt.Fprintf(&b, "%q ", l)
		}
	}
	return b.String()
}

// FuzzSchedule lives through schedules. The ordinary tests do the first ones.
func FuzzSchedule(f *testing.F) {
	for seed := range 90 {
		f.Add(uint64(seed), uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, style uint8) {
		s := &schedule{
			rig:  newRig(t, func(c *Config) { c.FromStart, c.MaxBody = true, 1500 }),
			rand: rand.New(rand.NewPCG(seed, 5)), style: int(style) % len(rotations), may: map[string]bool{},
		}
		s.to = s.log
		s.start()
		s.rig.step() // rotations before the first start are none of its business
		s.run(20 + s.rand.IntN(60))
		s.check()
		if t.Failed() {
			t.Logf("%s: %+v", rotations[s.style].name, s.tail.Status())
		}
	})
}
