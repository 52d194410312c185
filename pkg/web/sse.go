package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// sse writes server-sent events.
type sse struct {
	c     *call
	rc    *http.ResponseController
	begun bool
	buf   bytes.Buffer
}

func (c *call) sse() *sse { return &sse{c: c, rc: http.NewResponseController(c.w)} }

// send sends one with a value as data. The error is that the reader is gone, or did not
// read in time.
func (s *sse) send(event, id string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.text(event, id, data)
}

// text sends one with data of one line. Neither event nor id has line breaks.
func (s *sse) text(event, id string, data []byte) error {
	if !s.begun {
		s.begun = true
		s.c.w.Header().Set("Content-Type", typeSSE)
		s.c.w.Header().Set("X-Accel-Buffering", "no") // proxies hand it on at once
	}
	s.buf.Reset()
	if id != "" {
		s.buf.WriteString("id: " + id + "\n")
	}
	s.buf.WriteString("event: " + event + "\ndata: ")
	s.buf.Write(data)
	s.buf.WriteString("\n\n")
	_ = s.rc.SetWriteDeadline(s.c.cfg.Now().Add(s.c.cfg.Limits.Write))
	if _, err := s.c.w.Write(s.buf.Bytes()); err != nil {
		return gone{err}
	}
	if err := s.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return gone{err}
	}
	return nil
}

// end sends the error with which a stream breaks off. What fails before the first event
// is given back.
func (s *sse) end(err error) error {
	if !s.begun {
		return err
	}
	if errors.As(err, new(gone)) {
		return nil
	}
	p := problemOf(err)
	if p.Type == api.ProblemInternal {
		s.c.cfg.Logger.Error("a tail broke off", "error", err)
	}
	_ = s.send("error", "", p)
	return nil
}
