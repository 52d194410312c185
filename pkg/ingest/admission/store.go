package admission

import (
	"context"
	"errors"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// judged is the ingest.Judge of an event that is judged already.
type judged Judgement

// Judge implements ingest.Judge.
func (j judged) Judge([]*audit.Event, []audit.Identity) (items []record.Item, ruleset []byte) {
	return []record.Item{j.Item}, j.Ruleset
}

// Text implements ingest.Judge. There is nothing to ask it for: one event makes no letter
// but when it is too large, and then it is redacted already.
func (j judged) Text(s string) string { return s }

// retryEvery is how long a log that took nothing is left alone.
const retryEvery = time.Second

// store stores what is given, and tells whether it is on disk within the deadline. What is
// not goes on behind the answer.
func (h *Handler) store(deadline time.Duration, g ingest.Given) bool {
	size := sizeOf(&g)
	select {
	case h.behind <- struct{}{}:
	default:
		h.counts.lose(LostRoom)
		return false
	}
	leave := func() {
		h.behindBytes.Add(-size)
		<-h.behind
	}
	if h.behindBytes.Add(size) > h.cfg.MaxInHand {
		leave()
		h.counts.lose(LostRoom)
		return false
	}
	done := make(chan bool, 1)
	h.work.Go(func() {
		defer leave()
		done <- h.try(g)
	})
	late := time.NewTimer(deadline)
	defer late.Stop()
	select {
	case ok := <-done:
		return ok
	case <-late.C:
		h.counts.late.Add(1)
		return false
	}
}

func sizeOf(g *ingest.Given) (n int64) {
	for _, e := range g.Events {
		n += int64(len(e.Raw))
	}
	for _, r := range g.Refused {
		n += int64(len(r.Raw))
	}
	return n
}

// try stores what is given, again and again as long as it makes sense: nobody else has it.
func (h *Handler) try(g ingest.Given) bool {
	ctx, cancel := context.WithTimeout(context.Background(), h.cfg.Patience)
	defer cancel()
	again := time.NewTicker(retryEvery)
	defer again.Stop()
	for {
		_, err := h.cfg.Intake.TakeGiven(ctx, g)
		switch {
		case err == nil:
			return true
		case errors.As(err, new(ingest.RateLimited)):
			h.counts.lose(LostRate)
			return false
		}
		select {
		case <-h.closed:
			h.counts.lose(LostClosing)
			return false
		case <-ctx.Done():
			h.counts.lose(LostLog)
			return false
		case <-again.C:
		}
	}
}

// refuse keeps a body that is no review as a dead letter.
func (h *Handler) refuse(deadline time.Duration, o Origin, body []byte, err error) {
	r := ingest.Refused{Cluster: o.Cluster, Reason: audit.ReasonType, Err: err, Raw: body}
	var bad *Malformed
	if errors.As(err, &bad) {
		r.Reason, r.Err = bad.Reason, bad.Err
	}
	h.store(deadline, ingest.Given{Source: Source, Received: o.Received, Refused: []ingest.Refused{r}})
}

// Close waits until what goes on behind answers is stored, or the context ends. What the log
// refuses is not tried again. No request may be under way or come.
func (h *Handler) Close(ctx context.Context) error {
	h.close.Do(func() { close(h.closed) })
	done := make(chan struct{})
	go func() {
		h.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
