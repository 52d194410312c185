package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// client posts bodies and asks pages. Its connections break with each kill.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, ExpectContinueTimeout: patience}, Timeout: 30 * time.Second}

// senders post bodies as API servers do, to whichever process is there now, and
// know what was acknowledged.
type senders struct {
	tries int // attempts for a body; then it is given up, as an API server does

	mu      sync.Mutex
	process *process
	changed chan struct{} // closed with the process
	shared  *body         // one that somebody posted lately
	sent    map[string]string
	acked   map[string]ack
	stored  map[string]bool // identities of events: whether they were acknowledged
	answers map[int]int     // by status; 0: none
	wrong   []string        // answers that cannot be

	retryAfter string // of the last answer
}

// ack is a detection of an event that a 200 was received for.
type ack struct {
	line string
	at   time.Time // when the first one was there
}

func newSenders(tries int) *senders {
	return &senders{tries: tries, changed: make(chan struct{}), sent: map[string]string{}, acked: map[string]ack{}, stored: map[string]bool{}, answers: map[int]int{}}
}

// use tells the senders where to; nil is nowhere.
func (s *senders) use(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = p
	close(s.changed)
	s.changed = make(chan struct{})
}

// target waits until there is a process to send to.
func (s *senders) target(ctx context.Context) *process {
	for {
		s.mu.Lock()
		p, changed := s.process, s.changed
		s.mu.Unlock()
		if p != nil {
			return p
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// feed posts bodies until the context ends: new ones, its own again, and those of
// other senders.
func (s *senders) feed(ctx context.Context, m *maker) {
	rng := rand.New(rand.NewPCG(m.seed, 1))
	for ctx.Err() == nil {
		b := m.next()
		s.mu.Lock()
		if rng.IntN(10) == 0 && s.shared != nil {
			b = s.shared
		}
		s.shared = b
		s.mu.Unlock()
		for range 1 + rng.IntN(10)/9 {
			s.post(ctx, b)
		}
	}
}

// post sends a body until the answer is 200, or the attempts are over.
func (s *senders) post(ctx context.Context, b *body) bool {
	for range s.tries {
		p := s.target(ctx)
		if p == nil {
			return false
		}
		if code, _ := s.once(ctx, p, b); code == http.StatusOK {
			return true
		}
		pause(ctx, 50*time.Millisecond)
	}
	return false
}

// once posts a body once and notes the answer.
func (s *senders) once(ctx context.Context, p *process, b *body) (code int, text string) {
	s.mu.Lock()
	for _, d := range b.found {
		s.sent[d.id] = d.line
	}
	for _, id := range b.ids {
		if !s.stored[id] {
			s.stored[id] = false
		}
	}
	s.mu.Unlock()
	code, text, header := exchange(ctx, p, b.data)
	s.note(b, code, text, header)
	return code, text
}

// note notes an answer.
func (s *senders) note(b *body, code int, text string, header http.Header) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[code]++
	s.retryAfter = header.Get("Retry-After")
	switch code {
	case http.StatusOK:
		for _, d := range b.found {
			if _, ok := s.acked[d.id]; !ok {
				s.acked[d.id] = ack{d.line, now}
			}
		}
		for _, id := range b.ids {
			s.stored[id] = true
		}
	case 0, http.StatusTooManyRequests, http.StatusServiceUnavailable:
	default:
		s.wrong = append(s.wrong, fmt.Sprintf("%d %s", code, text))
	}
}

// counts gives how many answers of a status there were.
func (s *senders) counts(code int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[code]
}

// post posts data once and gives status and text of the answer; 0 if there is none.
func post(ctx context.Context, p *process, data []byte) (code int, text string) {
	code, text, _ = exchange(ctx, p, data)
	return code, text
}

func exchange(ctx context.Context, p *process, data []byte) (code int, text string, header http.Header) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.webhook+"/audit/"+cluster+"?timeout=30s", bytes.NewReader(data))
	if err != nil {
		return 0, err.Error(), nil
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body) // the status is what counts
	return resp.StatusCode, string(b), resp.Header
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
