package pubsub

import (
	"context"
	"sync"
	"time"
)

// storers is how many batches are converted and stored at once: while one waits for the disk, another is judged.
const storers = 2

// flow is what messages pass through between one connection and the taker.
type flow struct {
	s       *Subscription
	room    *room
	in      chan *message
	batches chan []*message
	parts   *parts

	watch  sync.Once
	once   sync.Once
	stop   chan struct{}   // closed: nothing new is begun, what waits is handed back
	taking context.Context // of what is being stored; ends a while after stop
	cancel context.CancelFunc
	forget func() bool // lets go of what was waited for

	front sync.WaitGroup // what collects and stores
	apart sync.WaitGroup // lots that wait by themselves
}

func (s *Subscription) start(ctx context.Context) *flow {
	f := &flow{
		s: s, room: newRoom(s.cfg.Outstanding, s.cfg.OutstandingBytes),
		in: make(chan *message), batches: make(chan []*message), stop: make(chan struct{}),
		parts: newParts(s.cfg.Outstanding/2, s.cfg.OutstandingBytes/2),
	}
	s.mu.Lock()
	s.parts = f.parts
	s.mu.Unlock()
	f.taking, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.forget = context.AfterFunc(ctx, f.halt)
	f.front.Go(f.collect)
	for range storers {
		f.front.Go(f.store)
	}
	f.front.Go(f.expire)
	return f
}

// halt lets everything come to an end.
func (f *flow) halt() {
	f.once.Do(func() {
		close(f.stop)
		time.AfterFunc(f.s.cfg.Grace, f.cancel)
		for _, p := range f.parts.close() {
			f.s.nack(f, p.messages)
		}
	})
}

// end waits until nothing is under way.
func (f *flow) end() {
	f.halt()
	f.forget()
	f.front.Wait()
	f.apart.Wait()
	f.cancel()
}

func (f *flow) stopped() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

// accept takes a message in.
func (f *flow) accept(ctx context.Context, in incoming) {
	// An error that stays ends the connection, which then waits for what was received.
	f.watch.Do(func() { context.AfterFunc(ctx, f.halt) })
	m := &message{data: in.data, published: in.published, from: in.from}
	if !f.s.take(f, m, in.id, in.attempt) {
		return
	}
	select {
	case f.in <- m:
	case <-f.stop:
		f.s.nack(f, []*message{m})
	}
}

// collect makes batches: of what comes within a few milliseconds, and more while nobody has time for it.
func (f *flow) collect() {
	defer close(f.batches)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var batch []*message
	bytes, due := 0, false
	for {
		in, out := f.in, f.batches
		if len(batch) >= batchMessages || bytes >= batchBytes {
			in, due = nil, true
		}
		if !due {
			out = nil
		}
		select {
		case m := <-in:
			if len(batch) == 0 {
				timer.Reset(f.s.cfg.Linger)
			}
			batch, bytes = append(batch, m), bytes+len(m.data)
		case <-timer.C:
			due = len(batch) > 0
		case out <- batch:
			batch, bytes, due = nil, 0, false
		case <-f.stop:
			f.s.nack(f, batch)
			return
		}
	}
}

// store converts and stores batches.
func (f *flow) store() {
	for batch := range f.batches {
		if f.stopped() {
			f.s.nack(f, batch)
			continue
		}
		for _, l := range f.convert(batch) {
			f.deliver(l)
		}
	}
}

// expire gives up the entries whose parts do not come.
func (f *flow) expire() {
	tick := time.NewTicker(max(f.s.cfg.PartWait/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, p := range f.parts.expired(f.s.cfg.Now().Add(-f.s.cfg.PartWait)) {
				f.deliver(f.incomplete(p))
			}
		case <-f.stop:
			return
		}
	}
}

// incomplete makes a lot of an entry of which there are some parts.
func (f *flow) incomplete(p *split) *lot {
	s := sorter{f: f}
	s.split(p, p.parts.Flush())
	return s.lots[0]
}
