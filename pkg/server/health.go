package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// phase is how far the service is in its life.
type phase int32

const (
	starting phase = iota
	serving
	draining
)

// health answers the questions of orchestrators and monitoring.
type health struct {
	phase atomic.Int32
	// fault is what keeps events from being stored, or nil.
	fault func() error
	// dead is what only a restart can mend, or nil.
	dead func() error
}

func (h *health) enter(p phase) { h.phase.Store(int32(p)) }

// alive answers /healthz: 200 unless only a restart helps. A full disk does not
// make a process unhealthy: a restart would not give it room.
func (h *health) alive(w http.ResponseWriter, _ *http.Request) {
	answer(w, h.dead())
}

// ready answers /readyz: 200 while senders shall send here.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	switch phase(h.phase.Load()) {
	case starting:
		answer(w, fmt.Errorf("starting"))
	case draining:
		answer(w, fmt.Errorf("draining: the process is about to end"))
	default:
		answer(w, h.fault())
	}
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
}

// index is where the rest is.
const index = `
/healthz  200 unless only a restart helps
/readyz   200 while audit events are taken in
/metrics  counters for Prometheus
/status   the state of the durable log and of everything that reads it, as JSON
`

// routes are the pages about the service itself.
func (h *health) routes(metrics prometheus.Gatherer, status func(*http.Request) (any, error)) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.alive)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		s, err := status(r)
		if err != nil {
			answer(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(s) // whoever asked has gone
	})
	return mux
}
