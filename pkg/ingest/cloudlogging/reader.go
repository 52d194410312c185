package cloudlogging

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

// pageSize is the most that a request may ask for.
const pageSize = 1000

const (
	callTimeout  = time.Minute
	firstBackoff = time.Second
	lastBackoff  = 30 * time.Second
	waitsTold    = 5 * time.Minute // how often it is told at most that requests wait
)

// Refused is the error for what the API will not do however often it is asked, until somebody changes something.
type Refused struct {
	Resource string
	Code     string // PermissionDenied, InvalidArgument, ...
	Err      error
}

// Error tells what was refused, and what can be done.
func (e *Refused) Error() string {
	text := fmt.Sprintf("cloudlogging: %s: %s", e.Resource, status.Convert(e.Err).Message())
	switch e.Code {
	case codes.PermissionDenied.String():
		return text + "; the role roles/logging.privateLogViewer has the permissions that are needed"
	case codes.Unauthenticated.String():
		return text + "; the credentials are not accepted"
	case codes.InvalidArgument.String():
		return text + "; see to the filter and to the name of the resource"
	case codes.NotFound.String():
		return text + "; see to the name of the resource"
	}
	return text
}

// Unwrap gives the cause.
func (e *Refused) Unwrap() error { return e.Err }

// reader reads the pages of a resource's log.
type reader struct {
	client   *Client
	quota    *Quota
	resource string
	priority Priority
	logger   *slog.Logger
	backoff  time.Duration // after the first error; 0: firstBackoff
	newest   bool          // the newest entries come first
	told     func(error)   // is told of errors that are waited out, and with nil that it goes on; may be nil

	waits  sync.Mutex
	waited time.Time // when it was told last that requests wait

	mu    sync.Mutex
	count ReadCounters
}

// ReadCounters count requests.
type ReadCounters struct {
	Requests int64 `json:"requests"` // entries.list
	Empty    int64 `json:"empty"`    // of these, pages without entries that were not the last
	Retries  int64 `json:"retries"`  // requests that failed and were made again
	Quota    int64 `json:"quota"`    // of these, since the quota was used up
	Restarts int64 `json:"restarts"` // readings begun again where they were, since their page token was not taken
	Entries  int64 `json:"entries"`  // that came, those that were known included
}

func (r *reader) counters() ReadCounters {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

func (r *reader) add(change func(*ReadCounters)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.count)
}

// read hands over all pages of a query, in the order of the entries' times. Errors that pass are waited out; the others are
// a [Refused], the context's, or that of page.
func (r *reader) read(ctx context.Context, q query.Query, page func([]*loggingpb.LogEntry) error) error {
	var token string // good for the query that it came from, and for no other
	from := q.From   // where a restart begins
	for {
		resp, err := r.patient(ctx, q, token)
		if token != "" && status.Code(err) == codes.InvalidArgument {
			// Tokens do not live for ever. What was taken ends at from.
			r.add(func(c *ReadCounters) { c.Restarts++ })
			r.logger.Info("cloudlogging: a page token was not taken; reading goes on by time", "resource", r.resource, "from", from)
			token, q.From = "", from
			continue
		}
		if err != nil {
			return r.refusal(ctx, err)
		}
		token = resp.GetNextPageToken()
		n := len(resp.GetEntries())
		r.add(func(c *ReadCounters) {
			c.Entries += int64(n)
			if n == 0 && token != "" {
				c.Empty++
			}
		})
		if n > 0 {
			if err := page(resp.GetEntries()); err != nil {
				return err
			}
			if last := resp.GetEntries()[n-1].GetTimestamp(); last.IsValid() && last.AsTime().After(from) {
				from = last.AsTime()
			}
		}
		if token == "" {
			return nil
		}
	}
}

// patient asks for a page until there is an answer, or an error that does not pass.
func (r *reader) patient(ctx context.Context, q query.Query, token string) (*loggingpb.ListLogEntriesResponse, error) {
	for tries := 0; ; tries++ {
		resp, err := r.once(ctx, q, token)
		wait, again := r.again(err, tries)
		if !again || ctx.Err() != nil {
			if err == nil && tries > 0 {
				r.tell(nil)
			}
			return resp, err
		}
		r.add(func(c *ReadCounters) { c.Retries++ })
		r.logger.Warn("cloudlogging: a request failed and is made again", "resource", r.resource, "in", wait, "error", err)
		r.tell(err)
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// waiting tells, not too often, that the quota is waited for.
func (r *reader) waiting(d time.Duration) {
	r.waits.Lock() // history reads several stretches with one reader
	defer r.waits.Unlock()
	now := r.quota.now()
	if now.Sub(r.waited) < waitsTold {
		return
	}
	r.waited = now
	r.logger.Info("cloudlogging: requests wait for the quota; who has more sets cloudlogging.requests_per_minute",
		"resource", r.resource, "at_least", d, "per_minute", r.quota.perMinute)
}

func (r *reader) tell(err error) {
	if r.told != nil {
		r.told(err)
	}
}

func (r *reader) once(ctx context.Context, q query.Query, token string) (*loggingpb.ListLogEntriesResponse, error) {
	err := r.quota.Take(ctx, r.priority, r.waiting)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r.add(func(c *ReadCounters) { c.Requests++ })
	order := "timestamp asc"
	if r.newest {
		order = "timestamp desc"
	}
	resp, err := r.client.api.ListLogEntries(ctx, &loggingpb.ListLogEntriesRequest{
		ResourceNames: []string{r.resource}, Filter: q.String(), OrderBy: order, PageSize: pageSize, PageToken: token,
	})
	if err == nil {
		r.quota.answered()
	}
	return resp, err
}

// again tells whether an error passes, and when to ask again.
func (r *reader) again(err error, tries int) (wait time.Duration, again bool) {
	first := r.backoff
	if first <= 0 {
		first = firstBackoff
	}
	switch status.Code(err) {
	case codes.ResourceExhausted:
		r.add(func(c *ReadCounters) { c.Quota++ })
		r.logger.Warn("cloudlogging: the quota is used up", "resource", r.resource, "blocked", r.quota.refused(retryAfter(err)))
		return 0, true // it is waited for with the next token
	case codes.Unavailable, codes.Internal, codes.DeadlineExceeded, codes.Aborted, codes.Unknown:
		return min(first<<min(tries, 10), lastBackoff), true
	}
	return 0, false
}

// retryAfter is when the API says that it may be asked again; 0: it does not.
func retryAfter(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

func (r *reader) refusal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &Refused{Resource: r.resource, Code: status.Code(err).String(), Err: err}
}
