package elastic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/failpoint"
)

// backoff is how long to wait for what may pass by itself.
type backoff struct{ least, most, next time.Duration }

// mostRetryAfter: a server does not decide for longer.
const mostRetryAfter = 5 * time.Minute

// wait is half certain, half chance, so that those who were refused together do not
// come again together. It doubles each time.
func (b *backoff) wait(asked time.Duration) time.Duration {
	d := max(b.next, b.least)
	b.next = min(2*d, b.most)
	return max(d/2+rand.N(d/2+1), min(asked, mostRetryAfter))
}

func (b *backoff) reset() { b.next = b.least }

// carry takes batches and settles them one by one, until the sink closes.
func (s *Sink) carry(ctx context.Context) {
	var body []byte
	for {
		b := s.queue.take()
		if b == nil {
			return
		}
		body = s.carryOne(ctx, b, body)
	}
}

// carryOne returns when a batch is settled or the sink closes. It returns the memory of
// bodies, for the next one.
func (s *Sink) carryOne(ctx context.Context, b *batch, body []byte) []byte {
	back := backoff{least: s.cfg.LeastBackoff, most: s.cfg.MostBackoff}
	for len(b.docs) > 0 && ctx.Err() == nil {
		a := attempt{b: b, st: s.streams[b.lane], body: body[:0]}
		s.attempt(ctx, &a)
		body = a.body
		b.drop()
		if ctx.Err() != nil {
			break
		}
		if a.progress {
			back.reset()
			s.well(b.lane)
		}
		if a.trouble == nil {
			continue
		}
		if a.progress {
			s.count(func() { s.stats.Retried[a.trouble.cause] += uint64(a.again) })
		} else {
			s.troubled(b.lane, *a.trouble, a.again)
		}
		wait := back.wait(a.trouble.after)
		if a.trouble.cause.slow() {
			wait = s.cfg.SlowRetry
		}
		pause(ctx, wait)
	}
	return body
}

// pause waits, and reports whether the context has not ended.
func pause(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt is one round of requests for a batch: at most one of them creates.
type attempt struct {
	b    *batch
	st   *stream
	v    *view
	docs []*document // of the bulk request
	body []byte

	progress bool     // some document is settled, or known better, than before
	trouble  *trouble // why some come again, after a time; nil: what is left may go at once
	again    int      // how many
}

// fail notes why documents come again.
func (a *attempt) fail(t trouble, documents int) {
	if a.trouble == nil || t.cause.slow() {
		a.trouble = &t
	}
	a.again += documents
}

// attempt makes one round.
func (s *Sink) attempt(ctx context.Context, a *attempt) {
	var err error
	if a.v, err = s.view(ctx, a.st); err != nil {
		a.fail(s.problem(a.st, err), len(a.b.docs))
		return
	}
	if err := s.sift(ctx, a); err != nil {
		s.lookUpFailed(a, err)
		return
	}
	if a.b.drop(); len(a.b.docs) == 0 {
		return
	}
	if t := s.wrongPlace(ctx, a); t != nil {
		a.fail(*t, len(a.b.docs))
		return
	}
	part := a.b.part(int(s.limit.Load()))
	if err := s.known(ctx, a.b, a.v, part); err != nil {
		var large *elasticsearch.TooLarge
		if errors.As(err, &large) && len(part) > 1 {
			a.b.most, a.progress = len(part)/2, true
			return
		}
		s.lookUpFailed(a, err)
		return
	}
	for _, d := range part {
		if d.done {
			a.progress = true
		} else {
			a.docs = append(a.docs, d)
		}
	}
	if len(a.docs) > 0 {
		s.bulk(ctx, a)
	}
}

func (s *Sink) lookUpFailed(a *attempt, err error) {
	var refused *elasticsearch.Refused
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		a.st.outdated() // an index, or the whole stream, has gone
		err = &elasticsearch.Unavailable{Err: err}
	}
	a.fail(s.problem(a.st, err), len(a.b.docs))
}

// wrongPlace says why documents are not to be sent: they would make an index that is
// not ours.
func (s *Sink) wrongPlace(ctx context.Context, a *attempt) *trouble {
	if !a.v.missing {
		return nil
	}
	if s.cfg.Missing != nil {
		if err := s.cfg.Missing(ctx, a.st.name); err != nil {
			return &trouble{cause: Missing, text: err.Error()}
		}
	}
	if s.anywhere.Load() {
		return &trouble{cause: Missing, text: notThere(a.st)}
	}
	return nil
}

func notThere(st *stream) string {
	return fmt.Sprintf("the data stream %s is not there, and no index template of ours makes it; run kubewitness elastic setup", st.name)
}

// bulk creates documents.
func (s *Sink) bulk(ctx context.Context, a *attempt) {
	streamsOnly := !s.anywhere.Load()
	body := appendBulk(a.body, a.docs, streamsOnly, s.cfg.Now())
	items, err := s.cfg.Client.Bulk(ctx, a.st.name, body, len(a.docs))
	s.count(func() { s.stats.Requests++; s.stats.Bytes += uint64(len(body)) })
	if err == nil {
		failpoint.Hit("elastic/answered")
		a.body = body
		a.b.most *= 2 // 0 stays 0
		s.judge(ctx, a, items)
		return
	}
	a.body = nil // a connection that is being given up may still read it
	var large *elasticsearch.TooLarge
	var refused *elasticsearch.Refused
	switch {
	case errors.As(err, &large):
		s.halve(ctx, a, len(body))
	case errors.As(err, &refused) && refused.Status == http.StatusBadRequest:
		s.unread(ctx, a, refused, streamsOnly)
	default:
		t := s.problem(a.st, err)
		if now := s.cfg.Now(); !t.cause.slow() {
			for _, d := range a.docs {
				d.tried = now
			}
		}
		a.fail(t, len(a.docs))
	}
}

// leastLimit keeps a server that takes nothing from making requests of single documents
// of all that follow.
const leastLimit = 64 << 10

// halve sends smaller requests from now on, and of a batch that the server does not take
// as a whole. A document that is too large alone gets another shape.
func (s *Sink) halve(ctx context.Context, a *attempt, size int) {
	a.progress = true
	s.count(func() { s.stats.Retried[TooLarge] += uint64(len(a.docs)) })
	if len(a.docs) == 1 {
		d := a.docs[0]
		s.reshape(ctx, a.b, d, fmt.Sprintf("the server takes no document of %d bytes (http.max_content_length, or a proxy's limit)", len(d.body)))
		return
	}
	a.b.most = len(a.docs) / 2
	if to := max(int64(size/2), leastLimit); to < s.limit.Load() {
		s.limit.Store(to)
		s.cfg.Logger.Warn("elasticsearch: bulk requests are larger than the server takes, from now on they are smaller; set bulk_bytes to less",
			"stream", a.st.name, "bytes", size, "limit", to)
	}
}

// unread deals with a bulk request that was refused as a whole: one document may be the
// reason. Nothing of it is indexed.
func (s *Sink) unread(ctx context.Context, a *attempt, why *elasticsearch.Refused, streamsOnly bool) {
	d := a.docs[0]
	switch {
	case streamsOnly && strings.Contains(why.Reason, "require_data_stream"):
		s.anywhere.Store(true) // a server before 8.13
		a.progress = true
	case len(a.docs) > 1:
		a.b.most = len(a.docs) / 2
		a.progress = true
	case d.reducible():
		s.reshape(ctx, a.b, d, reason(why.Type, why.Reason))
		a.progress = true
	default:
		a.fail(s.problem(a.st, why), 1)
	}
}

// problem says in one sentence what is wrong.
func (s *Sink) problem(st *stream, err error) trouble {
	var refused *elasticsearch.Refused
	var again *elasticsearch.Unavailable
	switch {
	case errors.As(err, &refused):
		return refusal(st, refused.Status, refused.Type, refused.Reason)
	case errors.As(err, &again) && again.Status == http.StatusTooManyRequests:
		return trouble{cause: Busy, text: "Elasticsearch takes no more at the moment: 429", after: again.After}
	case errors.As(err, &again):
		return trouble{cause: Unavailable, text: err.Error(), after: again.After}
	}
	return trouble{cause: Unavailable, text: err.Error()}
}

func refusal(st *stream, status int, kind, why string) trouble {
	told := reason(kind, why)
	switch {
	case kind == "cluster_block_exception" || kind == "index_closed_exception":
		return trouble{cause: Target, text: fmt.Sprintf("%s takes no documents until somebody lets it: %s", st.name, told)}
	case status == http.StatusUnauthorized:
		return trouble{cause: Rights, text: "Elasticsearch does not accept the credential; replace it in its file: " + told}
	case status == http.StatusForbidden:
		return trouble{cause: Rights, text: fmt.Sprintf("the credential has no right to create documents in %s; give it create_doc there: %s", st.name, told)}
	case status == http.StatusNotFound:
		return trouble{cause: Missing, text: notThere(st)}
	case status == http.StatusBadRequest && missingPipeline(kind, why):
		return trouble{cause: Target, text: fmt.Sprintf("the ingest pipeline of %s is not there; make it, or take it out of the index template: %s", st.name, told)}
	}
	return trouble{cause: Rejected, text: fmt.Sprintf("Elasticsearch refuses the requests with status %d: %s", status, told)}
}

func missingPipeline(kind, why string) bool {
	return kind == "illegal_argument_exception" && strings.HasPrefix(why, "pipeline with id") && strings.HasSuffix(why, "does not exist")
}

// mostReason is how much of a server's reason is told, in bytes.
const mostReason = 300

// reason is what may be told of an error: no value of a document, which some quote.
func reason(kind, why string) string {
	why, _, _ = strings.Cut(why, " Preview of field's value")
	if at := strings.Index(why, "\n at [Source"); at >= 0 {
		why = why[:at]
	}
	if len(why) > mostReason {
		why = strings.ToValidUTF8(why[:mostReason], "") + "..."
	}
	if kind == "" {
		kind = "no type"
	}
	return kind + ": " + why
}
