package main

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// inProcess is an http.RoundTripper that asks a handler of this process, without a
// network: what a folder answers is then what a service would, to the byte.
type inProcess struct {
	handler http.Handler
	work    sync.WaitGroup
}

// RoundTrip implements http.RoundTripper.
func (t *inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	asked := req.Clone(ctx)
	asked.RequestURI = asked.URL.RequestURI()
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	from, to := io.Pipe()
	a := &streamedAnswer{header: http.Header{}, body: to, begun: make(chan struct{})}
	t.work.Go(func() {
		t.handler.ServeHTTP(a, asked)
		a.WriteHeader(http.StatusOK) // where there is nothing but that
		_ = to.Close()
		_ = asked.Body.Close()
	})
	select {
	case <-a.begun:
	case <-req.Context().Done():
		cancel()
		_ = from.Close() // nobody reads it
		return nil, req.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: &streamedBody{from, cancel}, ContentLength: -1, Request: req,
	}, nil
}

// wait waits until nothing is being answered any more.
func (t *inProcess) wait() { t.work.Wait() }

// streamedAnswer is an http.ResponseWriter whose reader has each byte at once.
type streamedAnswer struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	begun  chan struct{} // closed when status and sent are set
	status int
	sent   http.Header
}

// Header implements http.ResponseWriter.
func (a *streamedAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *streamedAnswer) WriteHeader(status int) {
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.begun)
	})
}

// Write implements http.ResponseWriter.
func (a *streamedAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// Flush implements http.Flusher: nothing is held.
func (a *streamedAnswer) Flush() {}

// streamedBody ends the answering when it is closed.
type streamedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b *streamedBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
