// Package scale measures the embedded store when there is much in it: how fast it
// takes events, what they take on disk, and how long answers take while more come in.
//
// `make scale` prints the figures for a million events; they hang on the machine, so
// nothing is asserted about time. Only the measuring belongs here: history to fill a
// store with, questions, table.
package scale

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// History is made of recorded events, again and again, each time with other
// identities and at other times.
type History struct {
	events [][]byte
	rng    *rand.Rand
}

// stamp is how API servers write times: always of one length.
const stamp = "2006-01-02T15:04:05.000000Z"

// NewHistory takes recorded events, one a line. Those without an auditID or a time
// that can be rewritten in place are left out.
func NewHistory(recorded io.Reader) (*History, error) {
	h := &History{rng: rand.New(rand.NewPCG(1, 2))}
	lines := bufio.NewScanner(recorded)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		e := bytes.Clone(bytes.TrimSpace(lines.Bytes()))
		if placeOf(e, "auditID") >= 0 && len(e) > 0 && timesOf(e) != nil {
			h.events = append(h.events, e)
		}
	}
	if len(h.events) == 0 {
		return nil, fmt.Errorf("scale: no events: %w", lines.Err())
	}
	return h, lines.Err()
}

// placeOf is where the text of a key begins; -1: nowhere, or more than once.
func placeOf(event []byte, key string) int {
	name := []byte(`"` + key + `":"`)
	at := bytes.Index(event, name)
	if at < 0 || bytes.Count(event, name) > 1 {
		return -1
	}
	return at + len(name)
}

// timesOf is where the event's times stand; nil: not as they are expected.
func timesOf(event []byte) (places []int) {
	for _, key := range []string{"requestReceivedTimestamp", "stageTimestamp"} {
		at := placeOf(event, key)
		if at < 0 || at+len(stamp) >= len(event) || event[at+len(stamp)] != '"' {
			return nil
		}
		places = append(places, at)
	}
	return places
}

// Write writes n events, one a line, at even distances from one time to another, and
// returns how many bytes they have.
func (h *History) Write(w io.Writer, n int, from, to time.Time) (bytes int64, err error) {
	buf := bufio.NewWriterSize(w, 1<<20)
	step := to.Sub(from) / time.Duration(n)
	for i := range n {
		e := h.events[i%len(h.events)]
		at := from.Add(time.Duration(i) * step).UTC().Format(stamp)
		for _, place := range timesOf(e) {
			copy(e[place:], at)
		}
		copy(e[placeOf(e, "auditID"):], fmt.Sprintf("%08x-%04x-4", h.rng.Uint32(), h.rng.Uint32()>>16))
		m, err := buf.Write(e)
		if err != nil {
			return bytes, err
		}
		bytes += int64(m) + 1
		if err := buf.WriteByte('\n'); err != nil {
			return bytes, err
		}
	}
	return bytes, buf.Flush()
}
