package output

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

// Defaults of HTTPConfig.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultInFlight  = 4
	DefaultUserAgent = "kubewitness"
)

// IDHeader names the header that holds record.DetectionID.
const IDHeader = "X-Kubewitness-Detection-Id"

// HTTPConfig says where detections are posted to. Zero values stand for the
// defaults; URL and Now are required.
type HTTPConfig struct {
	Name      string        // of the sink; "http"
	URL       string        // http or https; user and password in it become basic authentication
	Timeout   time.Duration // of one request, from dialling to the end of the answer
	InFlight  int           // requests under way at once
	UserAgent string
	Headers   []Header // read again for each delivery
	CAFile    string   // PEM; who may sign the server's certificate; the system's if empty
	CertFile  string   // PEM; of the client; with KeyFile. All three are read again for each delivery
	KeyFile   string
	Options   alert.Options
	Remember  int // detections of unfinished deliveries that are known to be taken; DefaultRemember
	Now       func() time.Time
}

// Header is a header of each request whose value is the content of a file, without
// the white space around it: a token.
type Header struct {
	Name, ValueFile string
}

// HTTP posts detections one by one.
type HTTP struct {
	cfg     HTTPConfig
	url     *url.URL
	settled *record.Recent // taken by the receiver

	writing sync.Mutex       // held by Write
	access  access           // of Write
	refused map[string]error // of Write: detections refused in a delivery that comes again

	mu       sync.Mutex
	closed   bool
	counters sink.Counters
}

// NewHTTP checks a configuration and reads its files; it connects to nobody.
func NewHTTP(cfg HTTPConfig) (*HTTP, error) {
	if cfg.Name == "" {
		cfg.Name = "http"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.InFlight <= 0 {
		cfg.InFlight = DefaultInFlight
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = DefaultUserAgent
	}
	if cfg.Remember == 0 {
		cfg.Remember = DefaultRemember
	}
	h := &HTTP{cfg: cfg, settled: record.NewRecent(cfg.Remember)}
	err := h.check()
	if err == nil {
		err = h.access.refresh(&h.cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("output: %s: %w", cfg.Name, err)
	}
	return h, nil
}

// check says of a wrong URL no more than what is wrong: it may hold a password.
func (h *HTTP) check() (err error) {
	h.url, err = url.Parse(h.cfg.URL)
	switch {
	case err != nil:
		return errors.New("the url cannot be read; write it as http://host:port/path")
	case h.url.Scheme != "http" && h.url.Scheme != "https" || h.url.Hostname() == "":
		return errors.New("the url is not one of http or https; write it as http://host:port/path")
	case h.url.Scheme == "http" && h.cfg.CAFile+h.cfg.CertFile+h.cfg.KeyFile != "":
		return errors.New("there are certificates for a url of plain http; write https, or leave them out")
	case (h.cfg.CertFile == "") != (h.cfg.KeyFile == ""):
		return errors.New("a client certificate and its key belong together; name both files or none")
	case h.cfg.Now == nil:
		return errors.New("there is no clock")
	}
	if err := checkValue(h.cfg.UserAgent); err != nil {
		return fmt.Errorf("the user agent %w", err)
	}
	return checkHeaders(h.cfg.Headers)
}

// Name implements sink.Sink.
func (h *HTTP) Name() string { return h.cfg.Name }

// Write implements sink.Sink. The first failure that may pass ends it: what is under
// way is waited for, the rest comes again. What is refused for good is told when all
// others are taken.
func (h *HTTP) Write(ctx context.Context, events []*record.Event) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	if h.isClosed() {
		return h.recoverable(0, errClosed)
	}
	todo, skipped := pick(events, h.settled)
	if len(todo) > 0 {
		if err := h.access.refresh(&h.cfg); err != nil {
			return h.recoverable(0, err)
		}
	}
	t := &tally{refused: make(map[string]error)}
	h.postAll(ctx, h.withoutRefused(todo, t), t)
	if t.again != nil {
		h.refused = t.refused
		return h.recoverable(t.after, t.again)
	}
	h.refused = nil
	h.count(func(c *sink.Counters) { c.Skipped += uint64(skipped) })
	if len(t.refused) > 0 {
		return sink.Permanent{Err: h.named(refusal(todo, t.refused))}
	}
	return nil
}

// withoutRefused leaves out what the receiver refused when this delivery came
// before, and notes it with the refusals of this time.
func (h *HTTP) withoutRefused(todo []pending, t *tally) []*pending {
	var send []*pending
	for i := range todo {
		if err, ok := h.refused[todo[i].id]; ok {
			t.refused[todo[i].id] = err
			continue
		}
		send = append(send, &todo[i])
	}
	return send
}

// postAll sends detections, several at a time.
func (h *HTTP) postAll(ctx context.Context, send []*pending, t *tally) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(h.cfg.InFlight, len(send)) {
		wg.Go(func() {
			for !t.failed() {
				i := int(next.Add(1)) - 1
				if i >= len(send) {
					return
				}
				size, err := h.post(ctx, send[i])
				h.settle(send[i], size, err)
				t.note(send[i], err)
			}
		})
	}
	wg.Wait()
}

// settle remembers at once what is taken, so that nothing that ends the delivery
// later makes it be sent again.
func (h *HTTP) settle(p *pending, size int, err error) {
	var permanent sink.Permanent
	switch {
	case err == nil:
		h.settled.Add(p.key())
		h.count(func(c *sink.Counters) { c.Detections, c.Bytes = c.Detections+1, c.Bytes+uint64(size) })
	case errors.As(err, &permanent):
		h.count(func(c *sink.Counters) { c.Refused++ })
	}
}

// tally is how the requests of one delivery ended.
type tally struct {
	mu      sync.Mutex
	again   error         // the first failure that may pass
	after   time.Duration // the longest time that the receiver asked for
	refused map[string]error
}

func (t *tally) note(p *pending, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var permanent sink.Permanent
	var again sink.Recoverable
	switch {
	case errors.As(err, &permanent):
		t.refused[p.id] = permanent.Err
	case errors.As(err, &again):
		t.after = max(t.after, again.After)
		if t.again == nil {
			t.again = p.named(again.Err)
		}
	}
}

func (t *tally) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.again != nil
}

// named adds which detection an error is about.
func (p *pending) named(err error) error {
	return fmt.Errorf("detection %s (%.100q): %w", p.id, p.alert.Detection.Rule.Name, err)
}

// refusal says what was refused, the first three by name.
func refusal(todo []pending, refused map[string]error) error {
	var errs []error
	for i := range todo {
		if err := refused[todo[i].id]; err != nil && len(errs) < 3 {
			errs = append(errs, todo[i].named(err))
		}
	}
	return fmt.Errorf("refused for good: %d of %d detections; first: %w", len(refused), len(todo), errors.Join(errs...))
}

// Close implements sink.Sink.
func (h *HTTP) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.writing.Lock() // requests under way end with their context or time-out
	defer h.writing.Unlock()
	h.access.client.CloseIdleConnections()
	return nil
}

// Counters implements sink.Counted.
func (h *HTTP) Counters() sink.Counters {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counters
}

func (h *HTTP) count(f func(*sink.Counters)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.counters)
}

func (h *HTTP) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// named adds the sink and the receiver, without the rest of the URL: paths, queries
// and users of it are often secrets.
func (h *HTTP) named(err error) error {
	return fmt.Errorf("output: %s: %s://%s: %w", h.cfg.Name, h.url.Scheme, h.url.Host, err)
}

func (h *HTTP) recoverable(after time.Duration, err error) error {
	return sink.Recoverable{After: after, Err: h.named(err)}
}
