package elastic

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// batch is what one bulk request, or a few, will carry: documents of one stream.
type batch struct {
	lane  lane
	docs  []*document
	bytes int
	left  int       // documents that are not settled; the queue's
	since time.Time // when the first of them was taken
	most  int       // documents of a request at most; 0: as many as fit

	unlisted int // times that an index with some of them was not listed
}

// part gives the documents of the next request: one at least, and no more than limit
// bytes of several.
func (b *batch) part(limit int) []*document {
	most, size := len(b.docs), 0
	if b.most > 0 {
		most = min(most, b.most)
	}
	for i, d := range b.docs[:most] {
		if size += d.bytes(); size > limit && i > 0 {
			return b.docs[:i]
		}
	}
	return b.docs[:most]
}

// drop forgets those that are done.
func (b *batch) drop() { b.docs = slices.DeleteFunc(b.docs, func(d *document) bool { return d.done }) }

// queue holds all documents that are not settled, within bounded memory.
type queue struct {
	bulkBytes, bulkDocuments int
	maxMemory                int64
	now                      func() time.Time

	mu        sync.Mutex
	changed   *sync.Cond
	closed    bool
	memory    int64
	unsettled map[key]struct{}
	filling   [lanes]*batch
	ready     []*batch
	carried   map[*batch]struct{}
}

func newQueue(cfg *Config) *queue {
	q := &queue{
		bulkBytes: cfg.BulkBytes, bulkDocuments: cfg.BulkDocuments, maxMemory: cfg.MaxMemory, now: cfg.Now,
		unsettled: map[key]struct{}{}, carried: map[*batch]struct{}{},
	}
	q.changed = sync.NewCond(&q.mu)
	return q
}

var errClosed = errors.New("the sink is closed")

// add takes documents, and waits while there is no room for the next. One that is on
// its way already is joined to that: it would race with itself into two indices.
func (q *queue) add(ctx context.Context, docs []*document) (joined int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range docs {
		full := func() bool { return q.memory > 0 && q.memory+d.size > q.maxMemory }
		if full() {
			q.flushLocked() // what waits for company may be what fills the memory
			if err := q.wait(ctx, full); err != nil {
				return joined, err
			}
		}
		if q.closed {
			return joined, errClosed
		}
		if _, on := q.unsettled[d.key]; on {
			joined++
			continue
		}
		q.put(d)
	}
	return joined, nil
}

func (q *queue) put(d *document) {
	q.unsettled[d.key] = struct{}{}
	q.memory += d.size
	b := q.filling[d.lane]
	if b != nil && (b.bytes+d.bytes() > q.bulkBytes || len(b.docs) >= q.bulkDocuments) {
		q.release(d.lane)
		b = nil
	}
	if b == nil {
		b = &batch{lane: d.lane, since: q.now()}
		q.filling[d.lane] = b
	}
	b.docs = append(b.docs, d)
	b.bytes += d.bytes()
	b.left++
}

func (q *queue) release(l lane) {
	if b := q.filling[l]; b != nil {
		q.filling[l] = nil
		q.ready = append(q.ready, b)
		q.changed.Broadcast()
	}
}

// flush releases what waits for company.
func (q *queue) flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushLocked()
}

func (q *queue) flushLocked() {
	for l := range lanes {
		q.release(l)
	}
}

// take gives the next batch, and waits for it; nil when the queue is closed.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && !q.closed {
		q.changed.Wait()
	}
	if q.closed {
		return nil
	}
	b := q.ready[0]
	q.ready = slices.Delete(q.ready, 0, 1)
	q.carried[b] = struct{}{}
	return b
}

// settle lets go of documents of a batch.
func (q *queue) settle(b *batch, docs []*document) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range docs {
		d.done = true
		delete(q.unsettled, d.key)
		q.memory -= d.size
	}
	if b.left -= len(docs); b.left == 0 {
		delete(q.carried, b)
	}
	q.changed.Broadcast()
}

// drained waits until everything is settled.
func (q *queue) drained(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.wait(ctx, func() bool { return len(q.unsettled) > 0 })
}

// wait returns nil when a condition does not hold any more.
func (q *queue) wait(ctx context.Context, while func() bool) error {
	defer context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})()
	for {
		switch {
		case q.closed:
			return errClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case !while():
			return nil
		}
		q.changed.Wait()
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

// load tells how much there is, and since when: the zero time when there is nothing.
func (q *queue) load() (documents int, memory int64, underWay int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	older := func(b *batch) {
		if b != nil && (oldest.IsZero() || b.since.Before(oldest)) {
			oldest = b.since
		}
	}
	for b := range q.carried {
		older(b)
	}
	for _, b := range q.ready {
		older(b)
	}
	for _, b := range q.filling {
		older(b)
	}
	return len(q.unsettled), q.memory, len(q.carried), oldest
}
