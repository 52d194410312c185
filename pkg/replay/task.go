package replay

import (
	"context"
	"errors"
	"io"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/correlate"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// task is a part of the input on its way: read, decoded and judged by a
// worker, then taken by the sequencer in the order of the input.
type task struct {
	input string
	piece piece          // to be decoded
	batch *audit.Batch   // what was decoded from the piece
	list  []*audit.Event // events already decoded, where the input is streamed
	read  int64          // bytes of the input read so far, as stored
	err   error          // set in the last task of an input; io.EOF at its proper end

	before chan mark // from the task before
	after  chan mark // to the next one
	done   chan struct{}

	begin mark      // before the first event
	seen  []sighted // by event, for the stateful rules; none where there are none

	events     int64
	rejections []*audit.Rejection
	lines      []byte
	hits       []*rules.Rule // one for each alert
	faults     []faultAt
}

// sighted is what an event is for stateful rules, and where behind its alerts is.
type sighted struct {
	observation *correlate.Observation
	end         int
}

// faultAt is a fault with the place of the event.
type faultAt struct {
	input string
	line  int64
	fault match.Fault
}

// memory is what a task leaves behind for later ones.
type memory struct {
	buf   []byte
	batch *audit.Batch
	lines []byte
	hits  []*rules.Rule
}

// work judges tasks until there are no more.
func (r *run) work(ctx context.Context, tasks <-chan *task) {
	for t := range tasks {
		if ctx.Err() == nil {
			r.judge(t)
		} else {
			t.after <- <-t.before
		}
		close(t.done)
	}
}

func (r *run) judge(t *task) {
	if t.piece.data != nil {
		t.batch.Decode(t.piece.data, audit.Position{Input: t.input, Line: t.piece.line, Offset: t.piece.offset}, r.Limits)
		t.rejections = t.batch.Rejections
		t.forgetCut()
	}
	n := t.count()
	// Only the number of events must be known before the next task can go on.
	m := <-t.before
	next := mark{num: m.num + uint64(n), first: m.first}
	if m.num == 0 && n > 0 {
		var c field.Context
		first := m
		r.context(&c, t.event(0), &first)
		next.first = first.first
	}
	t.after <- next
	t.events, t.begin = int64(n), m
	for i := range n {
		var c field.Context
		r.context(&c, t.event(i), &m)
		r.match(t, &c)
	}
}

// forgetCut forgets the rejection of what an input that could not be read on
// broke off in: the input's error tells it.
func (t *task) forgetCut() {
	last := len(t.rejections) - 1
	if t.err != nil && t.err != io.EOF && last >= 0 && errors.Is(t.rejections[last], io.ErrUnexpectedEOF) {
		t.rejections = t.rejections[:last]
	}
}

func (t *task) count() int {
	if t.batch != nil {
		return len(t.batch.Events)
	}
	return len(t.list)
}

func (t *task) event(i int) *audit.Event {
	if t.batch != nil {
		return t.batch.Events[i]
	}
	return t.list[i]
}

func (r *run) match(t *task, c *field.Context) {
	res, o := r.judging.Look(c, audit.Identity{})
	for _, f := range res.Faults {
		t.faults = append(t.faults, faultAt{c.Event.Input, c.Event.Line, f})
	}
	for _, d := range res.Detections {
		t.hits = append(t.hits, d.Rule)
		t.lines = append(r.Line(t.lines, &alert.Alert{Event: c.Event, Detection: d}), '\n')
	}
	if r.judging.Stateful() {
		t.seen = append(t.seen, sighted{o, len(t.lines)})
	}
}

// feed reads the inputs and hands out tasks, in order, to the workers and the
// sequencer.
type feed struct {
	*run
	toWork chan *task
	inTurn chan *task
	free   chan memory
	last   chan mark // from the task handed out last
}

func (f *feed) read(ctx context.Context) {
	defer close(f.toWork)
	defer close(f.inTurn)
	for _, name := range f.Inputs {
		if !f.input(ctx, name) {
			return
		}
	}
}

func (f *feed) input(ctx context.Context, name string) bool {
	src, closeInput, err := f.open(name)
	if err != nil {
		return f.hand(ctx, &task{input: name, err: err})
	}
	defer closeInput()
	counted := &countingReader{r: src}
	c := cutter{src: audit.Decompress(counted), line: 1}
	for {
		mem := f.memory()
		p, err := c.next(mem.buf)
		if p.stream == nil && f.Entries != nil && f.Entries.Concerns(p.data) {
			p = c.remains(p) // parts of an entry can be far from each other, so one reader must see them all
		}
		if p.stream != nil {
			return f.stream(ctx, name, p, counted)
		}
		t := &task{input: name, piece: p, batch: mem.batch, lines: mem.lines[:0], hits: mem.hits[:0], read: counted.n, err: err}
		if !f.hand(ctx, t) {
			return false
		}
		if err != nil {
			return true
		}
	}
}

// streamEvents is how many events of a streamed input make a task.
const (
	streamEvents = 256
	streamBytes  = 256 << 10
)

// stream reads an input document by document: one that has longer ones than a
// piece may be, or entries of a log service.
func (f *feed) stream(ctx context.Context, name string, p piece, counted *countingReader) bool {
	r := audit.NewReader(p.stream, name, f.Limits)
	r.StartAt(audit.Position{Input: name, Line: p.line, Offset: p.offset})
	if f.Entries != nil {
		r.ConvertWith(f.Entries)
	}
	for {
		t := &task{input: name}
		// What is there is handed out before more is waited for.
		for size := 0; size < streamBytes && len(t.list) < streamEvents && t.err == nil && (size == 0 || r.Buffered()); {
			e, err := r.Next()
			var rej *audit.Rejection
			switch {
			case err == nil:
				t.list = append(t.list, e)
				size += len(e.Raw)
			case errors.As(err, &rej):
				t.rejections = append(t.rejections, rej)
				size += streamBytes / streamEvents
			default:
				t.err = err
			}
		}
		t.read = counted.n
		end := t.err != nil
		if !f.hand(ctx, t) {
			return false
		}
		if end {
			return true
		}
	}
}

// hand hands a task out; false when the replay has ended.
func (f *feed) hand(ctx context.Context, t *task) bool {
	if t.err != nil && t.err != io.EOF {
		t.err = &InputError{Input: t.input, Err: t.err}
	}
	t.before, t.after, t.done = f.last, make(chan mark, 1), make(chan struct{})
	f.last = t.after
	select {
	case f.inTurn <- t:
	case <-ctx.Done():
		return false
	}
	f.toWork <- t // workers take every task, also after the end
	return true
}

func (f *feed) memory() memory {
	select {
	case m := <-f.free:
		return m
	default:
		return memory{buf: make([]byte, 0, pieceSize), batch: new(audit.Batch)}
	}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
