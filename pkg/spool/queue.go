package spool

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
)

// smallRecord is the length up to which records share a block, so that events that
// come one by one are compressed together. Larger ones are compressed by whoever
// appends them, on as many cores as there are.
const smallRecord = 16 << 10

// States of a pending record.
const (
	waiting int32 = iota
	taken
	abandoned
)

// pending is a record on its way to the store.
type pending struct {
	cluster string
	raw     []byte // a framed record that shares a block; or
	block   []byte // a block of its own
	state   atomic.Int32
	done    chan error // gets one value
}

var rawBuffers = sync.Pool{New: func() any { return new([]byte) }}

// newPending encodes a record.
func newPending(r *Record, limit int) (*pending, error) {
	p := &pending{cluster: r.Cluster, done: make(chan error, 1)}
	buf := rawBuffers.Get().(*[]byte)
	defer rawBuffers.Put(buf)
	const room = binary.MaxVarintLen64
	if need := room + sizeHint(r); cap(*buf) < need {
		*buf = make([]byte, 0, need)
	}
	b := appendRecord((*buf)[:room], r)
	size := len(b) - room
	if size > limit {
		return nil, TooLarge{Size: size, Limit: limit}
	}
	// The length goes right in front of the record.
	var length [room]byte
	n := binary.PutUvarint(length[:], uint64(size))
	copy(b[room-n:], length[:n])
	raw := b[room-n:]
	if len(raw) <= smallRecord {
		p.raw = append([]byte(nil), raw...)
	} else {
		p.block = appendBlock(nil, raw)
	}
	return p, nil
}

// size is what the record takes of the queue and of its cluster's share.
func (p *pending) size() int64 { return int64(len(p.raw) + len(p.block)) }

// take makes the record one that is being written; false if it was given up.
func (p *pending) take() bool { return p.state.CompareAndSwap(waiting, taken) }

// abandon gives the record up; false if it is being written already.
func (p *pending) abandon() bool { return p.state.CompareAndSwap(waiting, abandoned) }

// queue holds the records that wait for the next message.
type queue struct {
	mu     sync.Mutex
	items  []*pending
	bytes  int64
	limit  int64
	closed bool
	some   chan struct{} // holds a token when something has changed
}

func newQueue(limit int64) *queue { return &queue{limit: limit, some: make(chan struct{}, 1)} }

func (q *queue) push(p *pending) (detail string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	// A record larger than the limit may pass when it is alone.
	if q.bytes > 0 && q.bytes+p.size() > q.limit {
		return fmt.Sprintf("%d bytes wait to be written, the limit is %d", q.bytes, q.limit), false
	}
	q.items = append(q.items, p)
	q.bytes += p.size()
	q.signal()
	return "", true
}

func (q *queue) signal() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// written takes the bytes of records that were written, or given up, off the queue.
func (q *queue) written(items ...*pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range items {
		q.bytes -= p.size()
	}
}

// wait returns when something is in the queue; false when it is closed and empty.
func (q *queue) wait() bool {
	for {
		q.mu.Lock()
		n, closed := len(q.items), q.closed
		q.mu.Unlock()
		if n > 0 || closed {
			return n > 0
		}
		<-q.some
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// next takes what fits into a message of limit bytes off the queue, or one record
// that does not.
func (q *queue) next(limit int) []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	room := limit - groupLen - maxBlock(0)
	var out []*pending
	for len(q.items) > 0 {
		p := q.items[0]
		if len(out) > 0 && int64(room) < p.size() {
			break
		}
		q.items[0], q.items = nil, q.items[1:]
		if !p.take() {
			q.bytes -= p.size()
			continue
		}
		room -= int(p.size())
		out = append(out, p)
		if room < 0 {
			break
		}
	}
	return out
}

// group makes one message of records, and nil if there is no room for them in it.
func group(writer uint64, items []*pending, limit int) []byte {
	var small []byte
	size := groupLen + maxBlock(0)
	for _, p := range items {
		small = append(small, p.raw...)
		size += int(p.size())
	}
	if size > limit {
		return nil
	}
	b := appendHead(make([]byte, 0, size), kindGroup, writer)
	if len(small) > 0 {
		b = appendBlock(b, small)
	}
	for _, p := range items {
		b = append(b, p.block...)
	}
	return seal(b)
}

// messages makes the messages that hold records: one group, or the chunks of the
// only record. number counts the writer's chunked records.
func messages(writer uint64, items []*pending, limit int, number func() uint64) [][]byte {
	if m := group(writer, items, limit); m != nil {
		return [][]byte{m}
	}
	block := items[0].block
	if len(block) == 0 {
		block = appendBlock(nil, items[0].raw)
	}
	return chunks(writer, number(), block, limit)
}
