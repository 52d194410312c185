package ingest

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

const (
	letterBytes = 4 << 10 // of a dead letter that are kept
	reasonBytes = 300     // of its reason
	// redactBytes is how much of a text is looked at to redact what is kept of it: what
	// makes a value a secret may be said far behind it. More would take memory of many
	// times its length.
	redactBytes = 1 << 20
	// maxLetters is how many dead letters a body makes; what is more shares one, which
	// is of the whole body. A body of 64 MiB has room for 30 million.
	maxLetters = 256
	// maxRejected is after how many rejections the rest of a body is not read: it is
	// something else, and reading all of it would take a minute.
	maxRejected = 10_000
)

// Why something became a dead letter, besides the reasons of package audit; in counters.
const (
	DeadBody     = "body"      // the body as a whole, with a Body.Fault, or the rest of one that is something else
	DeadTooLarge = "too_large" // an event that the log never will take
)

// letters makes the dead letters of a body. It is told of everything in the body in
// its order.
type letters struct {
	data  []byte
	text  func(string) string // takes secrets out
	whole bool                // keep all of a letter
	count *count

	from   int // end of what was told of
	made   int
	joined int // rejections that are in the letter of the one before
	beyond int // rejections without a letter of their own
	open   *opened
	unread int // the rest of the body, from there on, is not read; 0: all is
	dead   []spool.DeadLetter
}

// opened is a letter of what is no JSON, whose end is not known yet. Lines of YAML or of
// HTML, each of them rejected, are one text: only as a whole do they tell that there is a
// secret among them.
type opened struct {
	reason     string
	begin, end int
}

// passed tells of an event.
func (l *letters) passed(e *audit.Event) {
	l.close(int(e.Offset))
	l.from = int(e.Offset) + len(e.Raw)
}

// reject makes a letter of something that was rejected.
func (l *letters) reject(rej *audit.Rejection) {
	l.count.deadLetter(string(rej.Reason))
	if l.made == maxLetters && l.open == nil || int(rej.Offset) < l.from { // or a letter has it already
		l.beyond++
		l.from = max(l.from, int(rej.Offset))
		return
	}
	before := l.from
	begin, end := l.rejected(rej)
	if rej.Reason == audit.ReasonSyntax && l.open != nil && !l.item(begin) && len(bytes.TrimSpace(l.data[before:begin])) == 0 {
		l.open.end = end
		l.joined++
		return
	}
	l.close(begin)
	if l.made == maxLetters {
		l.beyond++
		return
	}
	l.made++
	// The excerpt stays out: what is cut out of a secret does not look like one.
	reason := fmt.Sprintf("%s: line %d, byte %d: %v", rej.Reason, rej.Line, rej.Offset, rej.Err)
	if rej.Reason == audit.ReasonSyntax {
		l.open = &opened{reason, begin, end}
		return
	}
	l.add(reason, l.data[begin:end])
}

// item reports whether what begins at a place is meant to be an item, or some of them.
func (l *letters) item(at int) bool {
	return at < len(l.data) && (l.data[at] == '{' || l.data[at] == '[')
}

// close makes the letter that is open, if one is. A broken item goes as far as where the
// next thing begins, since it was passed over until there.
func (l *letters) close(next int) {
	o := l.open
	if o == nil {
		return
	}
	l.open = nil
	if l.item(o.begin) {
		o.end = max(o.end, o.begin+len(bytes.TrimRight(l.data[o.begin:max(next, o.end)], " \t\r\n")))
	}
	l.from = max(l.from, o.end)
	l.add(o.reason, l.data[o.begin:o.end])
}

// body makes a letter of the whole body.
func (l *letters) body(fault error) {
	l.count.deadLetter(DeadBody)
	l.add(fmt.Sprintf("%s: %v", DeadBody, fault), l.data)
}

// oversize makes a letter of an event, redacted before, that the log never will take.
func (l *letters) oversize(raw []byte, why error) spool.DeadLetter {
	l.count.deadLetter(DeadTooLarge)
	sum := sha256.Sum256(raw)
	return spool.DeadLetter{
		Reason: fmt.Sprintf("%s: %v", DeadTooLarge, why), Raw: raw[:min(len(raw), letterBytes)],
		Size: uint64(len(raw)), Digest: sum[:],
	}
}

// givenUp tells whether there is too much that is no event to go on.
func (l *letters) givenUp() bool {
	if l.made+l.joined+l.beyond < maxRejected {
		return false
	}
	l.close(l.from)
	l.beyond, l.joined = l.beyond+l.joined, 0
	l.unread = l.from
	return true
}

// take gives the letters made since the last call.
func (l *letters) take() []spool.DeadLetter {
	dead := l.dead
	l.dead = nil
	return dead
}

// rest gives the letter for all that has none of its own.
func (l *letters) rest() []spool.DeadLetter {
	l.close(len(l.data))
	if l.beyond > 0 {
		reason := fmt.Sprintf("%d more things in this body are no events", l.beyond)
		if l.unread > 0 {
			l.count.deadLetter(DeadBody)
			reason += fmt.Sprintf("; what follows byte %d was not read", l.unread)
		}
		l.add(reason, l.data)
		l.beyond = 0
	}
	return l.take()
}

// add makes a letter of a text.
func (l *letters) add(reason string, text []byte) {
	sum := sha256.Sum256(text)
	l.dead = append(l.dead, spool.DeadLetter{
		Reason: cut(l.redact(reason), reasonBytes), Raw: []byte(l.kept(text)), Size: uint64(len(text)), Digest: sum[:],
	})
}

// kept is what of a text is kept. Secrets are taken out before it is cut: half a
// secret does not look like one.
func (l *letters) kept(text []byte) string {
	if l.whole {
		return l.redact(string(text))
	}
	return cut(l.redact(string(text[:min(len(text), redactBytes)])), letterBytes)
}

// redact takes the secrets out of a text; all of it when that fails.
func (l *letters) redact(text string) (redacted string) {
	defer func() {
		if recover() != nil {
			l.count.faults.Add(1)
			redacted = ""
		}
	}()
	return l.text(text)
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

// rejected is where the text is that a rejection is about: from where the item began to
// where it ends, or to the end of the line when it is no JSON.
func (l *letters) rejected(rej *audit.Rejection) (begin, end int) {
	at := min(max(int(rej.Offset), 0), len(l.data))
	begin, end = at, len(l.data)
	switch rej.Reason {
	case audit.ReasonType, audit.ReasonKind, audit.ReasonTime, audit.ReasonSize: // at is where it begins
		end = valueEnd(l.data, at)
	case audit.ReasonSyntax:
		begin = l.itemAround(at)
		if n := bytes.IndexByte(l.data[at:], '\n'); n >= 0 {
			end = at + n
		}
	default:
		begin = l.itemAround(at)
		end = max(valueEnd(l.data, begin), at)
	}
	l.from = max(end, l.from)
	return begin, end
}

// itemAround returns where the item begins that has a fault at a position.
func (l *letters) itemAround(at int) int {
	begin := min(l.from, at)
	if n := bytes.LastIndexByte(l.data[begin:at], '\n'); n >= 0 && bytes.IndexByte(l.data[begin:begin+n], '{') < 0 {
		begin += n // what is between is the end of a list
	}
	text := l.data[begin:at]
	trimmed := bytes.TrimLeft(text, " \t\r\n,")
	for bytes.HasPrefix(trimmed, []byte{'['}) {
		trimmed = bytes.TrimLeft(trimmed[1:], " \t\r\n,")
	}
	begin = at - len(trimmed)
	return begin + listOpening(trimmed)
}

// listOpening returns the length of what opens a list of events, up to its first item; 0
// when the text begins with something else.
func listOpening(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return 0
			}
		case '"':
			end := stringEnd(text, i)
			if depth == 1 && string(text[i:end]) == `"items"` {
				rest := bytes.TrimLeft(text[end:], " \t\r\n:")
				if bytes.HasPrefix(rest, []byte{'['}) {
					return len(text) - len(bytes.TrimLeft(rest[1:], " \t\r\n"))
				}
			}
			i = end - 1
		}
	}
	return 0
}
