package elastic

import (
	"context"
	"fmt"
	"net/http"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// verdict is what became of a document.
type verdict int

const (
	created verdict = iota
	there           // before
	again           // it may be taken another time
	refused         // for what is in it
)

// verdictOf reads an item of a bulk answer. The trouble is why it is to be sent again.
func verdictOf(it elasticsearch.BulkItem, st *stream) (verdict, trouble) {
	told := func(c Cause, what string) trouble {
		return trouble{cause: c, text: what + ": " + reason(it.Type, it.Reason)}
	}
	switch code := it.Status; {
	case code == http.StatusCreated, code == http.StatusOK:
		return created, trouble{}
	case code == http.StatusConflict && (it.Type == "version_conflict_engine_exception" || it.Type == ""):
		return there, trouble{}
	case code == http.StatusTooManyRequests:
		return again, told(Busy, "Elasticsearch takes no more at the moment")
	case code >= http.StatusInternalServerError, code < http.StatusBadRequest, code == http.StatusConflict, code == http.StatusRequestTimeout:
		return again, told(Failed, fmt.Sprintf("Elasticsearch fails with documents of %s, with status %d", st.name, code))
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusNotFound,
		it.Type == "cluster_block_exception", it.Type == "index_closed_exception", missingPipeline(it.Type, it.Reason):
		return again, refusal(st, code, it.Type, it.Reason)
	}
	return refused, trouble{}
}

// How often a document may fail inside the server until it is tried in another shape:
// one that others of the same request did not fail with, and one that was sent alone.
const (
	mostFailures      = 8
	mostFailuresAlone = 100
)

// judge settles documents by the answer to a bulk request.
func (s *Sink) judge(ctx context.Context, a *attempt, items []elasticsearch.BulkItem) {
	now := s.cfg.Now()
	var made, conflicts []*document
	var possible uint64
	var odd []int
	for i, d := range a.docs {
		v, t := verdictOf(items[i], a.st)
		switch v {
		case created, there:
			a.progress = true
			if s.elsewhere(a, d, items[i].Index) {
				d.landed, d.created = items[i].Index, v == created
				continue
			}
			if v == there {
				conflicts = append(conflicts, d)
				continue
			}
			made = append(made, d)
			if d.blind || a.v.unread && possiblyEarlier(items[i].Index, d) {
				possible++
			}
		case again:
			if !t.cause.slow() { // then it was not taken; of the others a proxy may say so and be wrong
				d.tried = now
			}
			a.fail(t, 1)
			if items[i].Status == http.StatusInternalServerError {
				odd = append(odd, i)
			}
		case refused:
			a.progress = true
			s.reshape(ctx, a.b, d, reason(items[i].Type, items[i].Reason))
		}
	}
	s.settle(a.b, made, func() { s.made(a.b.lane, len(made)); s.stats.PossibleDoubles += possible })
	s.settle(a.b, conflicts, func() { s.stats.Conflicts += uint64(len(conflicts)) })
	for _, i := range odd {
		if d := a.docs[i]; a.failedOften(d) {
			s.reshape(ctx, a.b, d, reason(items[i].Type, items[i].Reason))
		}
	}
}

// elsewhere reports whether a document is in another index than the one that was
// written to when it was looked for, so that the index in between may have it too.
func (s *Sink) elsewhere(a *attempt, d *document, index string) bool {
	a.st.seen(a.v, index)
	return !a.v.unread && index != "" && index != d.from
}

// possiblyEarlier tells by the name of an index alone whether one before it can hold a
// document.
func possiblyEarlier(index string, d *document) bool {
	n, by, ok := generation(index)
	return !ok || n > 1 && (d.born.IsZero() || d.born.Before(by))
}

// failedOften counts a failure inside the server, and reports whether the document seems
// to be the reason of too many. What has no other shape is tried for ever.
func (a *attempt) failedOften(d *document) bool {
	d.failed++
	d.suspect = d.suspect || a.progress
	often := d.suspect && d.failed >= mostFailures || len(a.docs) == 1 && d.failed >= mostFailuresAlone
	return often && d.reducible()
}

// made counts documents that were created; s.mu is held.
func (s *Sink) made(l lane, n int) {
	switch l {
	case events:
		s.stats.EventsCreated += uint64(n)
	case detections:
		s.stats.DetectionsCreated += uint64(n)
	default:
		s.stats.EntriesCreated += uint64(n)
	}
}

// settle lets go of documents, and counts them.
func (s *Sink) settle(b *batch, docs []*document, count func()) {
	if len(docs) == 0 {
		return
	}
	s.count(count)
	s.queue.settle(b, docs)
}

// reshape gives a document that was refused its other shape; that which was refused in
// all that it has goes to the dead letters.
func (s *Sink) reshape(ctx context.Context, b *batch, d *document, why string) {
	if d.reducible() {
		d.reduced = true
		reduced := s.encoder.reduced
		if d.lane == entries {
			reduced = s.encoder.reducedEntry
		}
		d.body = reduced(nil, d.event, &s.cfg.Documents, why)
		s.count(func() { s.stats.Reduced++ })
		return
	}
	st := s.streams[d.lane]
	why = fmt.Sprintf("elasticsearch: %s: %s of ID %s is refused in every shape: %s", st.name, d.what(), d.id, why)
	back := backoff{least: s.cfg.LeastBackoff, most: s.cfg.MostBackoff}
	for {
		err := s.cfg.Dead(ctx, d.event, why)
		if err == nil {
			break
		}
		s.troubled(d.lane, trouble{cause: Undelivered, text: "a dead letter is not taken: " + err.Error()}, 0)
		if !pause(ctx, back.wait(0)) {
			return // it comes again
		}
	}
	s.cfg.Logger.Error("elasticsearch: a document is refused in every shape, and is kept as a dead letter", "stream", st.name, "id", d.id, "problem", why)
	s.settle(b, []*document{d}, func() { s.stats.Dead++ })
}
