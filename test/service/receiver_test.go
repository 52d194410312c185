package service

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// receiver takes detections over HTTP.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    map[string][]time.Time // when each detection came
	moody  *rand.Rand             // nil: takes everything
	refuse bool                   // takes nothing
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{got: map[string][]time.Time{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body) // a sender that was killed is tried again
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse || r.moody != nil && r.moody.IntN(50) == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	id := req.Header.Get("X-Kubewitness-Detection-Id")
	r.got[id] = append(r.got[id], time.Now())
}

// setRefuse makes the receiver refuse everything for now, or take it again.
func (r *receiver) setRefuse(refuse bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = refuse
}

// counts is how often each detection came.
func (r *receiver) counts() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := make(map[string]int, len(r.got))
	for id, at := range r.got {
		n[id] = len(at)
	}
	return n
}

// before gives the detections that came before a time.
func (r *receiver) before(t time.Time) map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := map[string]int{}
	for id, at := range r.got {
		for _, a := range at {
			if a.Before(t) {
				n[id]++
			}
		}
	}
	return n
}
