package cloudlogging

import (
	"sync"

	"cloud.google.com/go/logging/apiv2/loggingpb"
)

// tail is an open session.
type tail struct {
	resources []string
	filter    filter
	wake      chan struct{} // something is waiting

	mu      sync.Mutex
	waiting []*loggingpb.LogEntry
	left    int   // entries left out since the last answer
	err     error // it ends with
}

// add gives entries to the session, but for those that are left out.
func (t *tail) add(entries []*loggingpb.LogEntry, suppress *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries {
		switch {
		case !t.filter.matches(t.resources, e):
		case *suppress > 0:
			*suppress--
			t.left++
		default:
			t.waiting = append(t.waiting, e)
		}
	}
	t.signal()
}

func (t *tail) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *tail) take() (resp *loggingpb.TailLogEntriesResponse, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, t.err
	}
	if len(t.waiting) == 0 && t.left == 0 {
		return nil, nil
	}
	resp = &loggingpb.TailLogEntriesResponse{Entries: t.waiting}
	if t.left > 0 {
		resp.SuppressionInfo = []*loggingpb.TailLogEntriesResponse_SuppressionInfo{{
			Reason: loggingpb.TailLogEntriesResponse_SuppressionInfo_RATE_LIMIT, SuppressedCount: int32(t.left),
		}}
	}
	t.waiting, t.left = nil, 0
	return resp, nil
}

// TailLogEntries implements the service.
func (s *Server) TailLogEntries(stream loggingpb.LoggingServiceV2_TailLogEntriesServer) error {
	req, err := stream.Recv()
	if err != nil {
		return err
	}
	f, err := parse(req.GetFilter())
	if err != nil {
		return err
	}
	t := &tail{resources: req.GetResourceNames(), filter: f, wake: make(chan struct{}, 1)}
	s.mu.Lock()
	s.tailed++
	if s.refuse != nil {
		defer s.mu.Unlock()
		return s.refuse
	}
	s.tails[t] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.tails, t)
	}()
	for {
		resp, err := t.take()
		if err != nil {
			return err
		}
		if resp != nil {
			if err := stream.Send(resp); err != nil {
				return err
			}
			continue
		}
		select {
		case <-t.wake:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// Suppress lets tails leave out so many of the entries that come next, and say so.
func (s *Server) Suppress(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suppress = n
}

// RefuseTails lets tails be refused from now on; with nil they are not.
func (s *Server) RefuseTails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// BreakTails ends all open tails with an error.
func (s *Server) BreakTails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.tails {
		t.mu.Lock()
		t.err = err
		t.mu.Unlock()
		t.signal()
	}
}

// Tails tells how many tails are open, and how many were asked for.
func (s *Server) Tails() (open, asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tails), s.tailed
}
