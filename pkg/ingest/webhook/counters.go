package webhook

import (
	"net/http"
	"slices"
	"sync/atomic"
)

// statuses are all that are answered.
var statuses = []int{
	http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
	http.StatusTooManyRequests, http.StatusServiceUnavailable,
}

// Counters count since the Handler was made. What came of the bodies that were taken
// is counted by the intake.
type Counters struct {
	Answers map[int]uint64 // by status; all that there can be are in it
	InHand  int64          // bytes of memory that bodies take now
	Taking  int            // bodies that the intake has now
}

type counts struct {
	answers [16]atomic.Uint64 // by index in statuses
}

func (c *counts) answered(status int) {
	if i := slices.Index(statuses, status); i >= 0 {
		c.answers[i].Add(1)
	}
}

// Counters gives the counts.
func (h *Handler) Counters() Counters {
	c := Counters{Answers: map[int]uint64{}, InHand: h.hand.held.Load(), Taking: int(h.taking.Load())}
	for i, status := range statuses {
		c.Answers[status] = h.counts.answers[i].Load()
	}
	return c
}
