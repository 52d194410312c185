package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"
)

// items are recorded events as they stand in a body of an API server, which
// leaves out what each would say again.
type items [][]byte

func newItems(recorded []byte) (all items, err error) {
	for line := range bytes.Lines(recorded) {
		line = bytes.Replace(bytes.TrimSpace(line), []byte(`"kind":"Event","apiVersion":"audit.k8s.io/v1",`), nil, 1)
		if len(line) == 0 {
			continue
		}
		if at := placeOfID(line); at < 0 {
			return nil, fmt.Errorf("load: an event without an auditID that can be rewritten: %.80q", line)
		}
		all = append(all, line)
	}
	if len(all) == 0 {
		return nil, errors.New("load: no events")
	}
	return all, nil
}

// digits is how many digits of an auditID are the sender's.
const digits = 16

// placeOfID is where the digits of an event's auditID begin; -1: it has none.
func placeOfID(event []byte) int {
	name := []byte(`"auditID":"`)
	at := bytes.Index(event, name)
	if at += len(name); at < len(name) || len(event) < at+digits {
		return -1
	}
	if end := bytes.IndexByte(event[at:], '"'); end < digits {
		return -1
	}
	return at
}

// request is a prepared HTTP request of which only the digits change.
type request struct {
	bytes  []byte
	places []int // of the digits
}

// newRequest prepares a request with n events, from the one numbered first on.
func newRequest(addr string, all items, first, n int) *request {
	body := []byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`)
	var places []int
	for i := range n {
		if i > 0 {
			body = append(body, ',')
		}
		event := all[(first+i)%len(all)]
		places = append(places, len(body)+placeOfID(event))
		body = append(body, event...)
	}
	body = append(body, "]}\n"...)
	head := fmt.Appendf(nil, "POST /audit/load?timeout=30s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", addr, len(body))
	for i := range places {
		places[i] += len(head)
	}
	return &request{bytes: slices.Concat(head, body), places: places}
}

// mark makes the request's events ones that were not sent before.
func (r *request) mark(number uint64) {
	var raw [digits / 2]byte
	for i := range raw {
		raw[i] = byte(number >> (8 * i))
	}
	var text [digits]byte
	hex.Encode(text[:], raw[:])
	for _, at := range r.places {
		copy(r.bytes[at:], text[:])
	}
}

// sender is a connection with what it sends.
type sender struct {
	conn     net.Conn
	answers  *bufio.Reader
	requests []*request
	turn     int
}

// variety is how many bodies of different events each connection has, at least.
const variety = 2

// dial connects and prepares requests, different ones for every connection.
func dial(ctx context.Context, addr string, all items, events, number int) (*sender, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	s := &sender{conn: conn, answers: bufio.NewReader(conn)}
	// Small bodies go through all the events.
	n := max(variety, min(len(all), 64)/events)
	for i := range n {
		s.requests = append(s.requests, newRequest(addr, all, (number*n+i)*events, events))
	}
	return s, nil
}

// run sends what is due until nothing more is.
func (s *sender) run(ctx context.Context, plan *schedule, r *Result) error {
	defer context.AfterFunc(ctx, func() { _ = s.conn.Close() })()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		number, due, more := plan.take()
		if !more {
			return nil
		}
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return nil
			}
		}
		if err := s.send(number, due, r); err != nil {
			return err
		}
	}
}

// send sends a body and waits for its answer.
func (s *sender) send(number uint64, due time.Time, r *Result) error {
	req := s.requests[s.turn%len(s.requests)]
	s.turn++
	req.mark(number)
	if _, err := s.conn.Write(req.bytes); err != nil {
		return err
	}
	answer, err := http.ReadResponse(s.answers, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		r.Refused++
		return nil
	default:
		return fmt.Errorf("the webhook answers %s: %s", answer.Status, bytes.TrimSpace(text))
	}
	var stored, known, dead int
	if _, err := fmt.Sscanf(string(text), "stored %d, known %d, no events %d", &stored, &known, &dead); err != nil {
		return fmt.Errorf("the webhook answers %q: %w", text, err)
	}
	if known+dead > 0 {
		return fmt.Errorf("all events of a body are new, and the webhook answers %q", text)
	}
	r.Bodies++
	r.Events += stored
	r.Latencies = append(r.Latencies, time.Since(due))
	return nil
}
