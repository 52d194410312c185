package join

import (
	"cmp"
	"slices"
	"time"
)

// half holds the reviews, or the requests.
type half struct {
	limit int
	byID  map[uint64]*side
	at    map[uint64][]*side // by place, in the order of their times
	queue []*side            // in the order in which they came
	head  int                // of the queue
}

func newHalf(limit int) half {
	return half{limit: limit, byID: map[uint64]*side{}, at: map[uint64][]*side{}}
}

// add adds one, and returns how many had to make room.
func (h *half) add(x *side) (evicted int) {
	for len(h.byID) >= h.limit {
		h.drop()
		evicted++
	}
	h.byID[x.id] = x
	h.queue = append(h.queue, x)
	h.enter(x)
	return evicted
}

// enter puts one in its place.
func (h *half) enter(x *side) {
	list := h.at[x.place]
	i := firstAt(list, x.from+1)
	h.at[x.place] = slices.Insert(list, i, x)
}

// leave takes one out of its place.
func (h *half) leave(x *side) {
	list := h.at[x.place]
	i := firstAt(list, x.from)
	for i < len(list) && list[i] != x {
		i++
	}
	if i == len(list) {
		return
	}
	switch {
	case len(list) == 1:
		delete(h.at, x.place)
	case i == 0: // mostly the oldest
		list[0] = nil
		h.at[x.place] = list[1:]
	default:
		h.at[x.place] = slices.Delete(list, i, i+1)
	}
}

// around gives those of a place that begin within a time.
func (h *half) around(place uint64, from, to int64) []*side {
	list := h.at[place]
	list = list[firstAt(list, from):]
	n := 0
	for n < len(list) && list[n].from <= to {
		n++
	}
	return list[:n]
}

func firstAt(list []*side, from int64) int {
	i, _ := slices.BinarySearchFunc(list, from, func(x *side, from int64) int { return cmp.Compare(x.from, from) })
	return i
}

// drop forgets the one that came first.
func (h *half) drop() {
	x := h.queue[h.head]
	h.queue[h.head] = nil
	h.head++
	if h.head > len(h.queue)/2 && h.head > 1024 {
		h.queue = slices.Clone(h.queue[h.head:])
		h.head = 0
	}
	delete(h.byID, x.id)
	h.leave(x)
}

// expire forgets what came before a time.
func (h *half) expire(before time.Time) {
	for h.head < len(h.queue) && h.queue[h.head].came.Before(before) {
		h.drop()
	}
}
