package output

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

const (
	mostAnswer     = 64 << 10        // bytes of an answer that are read
	mostRetryAfter = 5 * time.Minute // a receiver does not decide for longer
)

// post sends one detection and returns the size of its body. Errors are Recoverable
// or Permanent.
func (h *HTTP) post(ctx context.Context, p *pending) (size int, err error) {
	body := alert.AppendFalcoJSON(nil, &p.alert, h.cfg.Options)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.cfg.URL, bytes.NewReader(body))
	if err != nil { // cannot be: the URL was read before
		return 0, sink.Recoverable{Err: errors.New("the url cannot be read")}
	}
	req.Header = h.access.header.Clone()
	req.Header.Set(IDHeader, p.id)
	// Present but empty it is not sent, and lets the transport try again where the
	// server closed a connection that was kept.
	req.Header["Idempotency-Key"] = []string{}
	resp, err := h.access.client.Do(req)
	if err != nil {
		return 0, sink.Recoverable{Err: told(err)}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer) // so that the connection can be used again; the status is what counts
	_ = resp.Body.Close()
	return len(body), h.judge(resp)
}

// judge makes an error of an answer's status, nil of a success.
func (h *HTTP) judge(resp *http.Response) error {
	code := resp.StatusCode
	err := fmt.Errorf("%d %s", code, http.StatusText(code))
	switch {
	case code >= 200 && code < 300:
		return nil
	case code < 400:
		err = fmt.Errorf("%w: redirects are not followed, configure the url that they lead to", err)
	case code == http.StatusUnauthorized, code == http.StatusNotFound, code == http.StatusMethodNotAllowed, code == http.StatusProxyAuthRequired:
		err = fmt.Errorf("%w: correct the url or the credential", err)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
	default:
		return sink.Permanent{Err: err}
	}
	return sink.Recoverable{After: retryAfter(resp.Header.Get("Retry-After"), h.cfg.Now()), Err: err}
}

// retryAfter reads a Retry-After header, seconds or a date; 0 for none, and at most
// mostRetryAfter.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		wait = time.Duration(min(seconds, uint64(mostRetryAfter/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		wait = mostRetryAfter
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), mostRetryAfter)
}

// told is what may be told of a failed exchange: errors of the network and of TLS,
// which name addresses and certificates. All others can quote the URL, or what came
// back, which can be an echo of the headers.
func told(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var operation *net.OpError
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &operation):
		return operation
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer in time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection ended without an answer")
	}
	return errors.New("no answer in HTTP; is the scheme of the url right?")
}
