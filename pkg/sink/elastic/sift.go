package elastic

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// straggling is how long a request may still be at work in the server, or between it and
// us, that the sink has given up.
const straggling = 5 * time.Second

// sift looks at documents that a rollover came between: between look-up and creation,
// or between two attempts. They are looked for in all indices since the look-up. What is
// in one is settled, what is in several is removed from all but the first, and what is
// in none goes on.
func (s *Sink) sift(ctx context.Context, a *attempt) error {
	docs := a.crossed()
	if len(docs) == 0 {
		return nil
	}
	if err := s.seeLanded(ctx, a, docs); err != nil {
		return err
	}
	docs = a.crossed()
	if err := s.awaitStragglers(ctx, a, docs); err != nil {
		return err
	}
	if a.v.unread || a.st.muted() {
		s.believe(a, docs)
		return nil
	}
	var places []place
	for _, d := range docs {
		indices := a.v.from(d.from)
		for _, index := range indices {
			places = append(places, place{index, d})
		}
		if d.landed != "" && !slices.Contains(indices, d.landed) {
			places = append(places, place{d.landed, d})
		}
	}
	has := map[*document][]string{} // in the order of the indices, as the places are
	err := s.ask(ctx, places, func(p place) { has[p.doc] = append(has[p.doc], p.index) })
	if forbidden(err) {
		s.cannotLook(a.st, err)
		s.believe(a, docs)
		return nil
	}
	if err != nil {
		return err
	}
	return s.sort(ctx, a, docs, has)
}

// crossed gives the documents that a rollover came between, as far as is known.
func (a *attempt) crossed() (docs []*document) {
	write := a.v.write()
	for _, d := range a.b.docs {
		if !d.done && (d.landed != "" || d.looked && d.from != write && d.sifted != write) {
			docs = append(docs, d)
		}
	}
	return docs
}

// mostUnlisted is how often a list without an index that documents are in is asked for
// again: another node of the cluster may lag behind. Behind that the index is gone.
const mostUnlisted = 5

// seeLanded has the indices listed again when documents are in one that is not listed.
func (s *Sink) seeLanded(ctx context.Context, a *attempt, docs []*document) (err error) {
	unlisted := func(d *document) bool {
		return d.landed != "" && !a.v.unread && !slices.Contains(a.v.indices, d.landed)
	}
	if !slices.ContainsFunc(docs, unlisted) {
		return nil
	}
	a.st.outdated()
	if a.v, err = s.view(ctx, a.st); err != nil {
		return err
	}
	if slices.ContainsFunc(docs, unlisted) && a.b.unlisted < mostUnlisted {
		a.b.unlisted++
		return &elasticsearch.Unavailable{Err: errors.New("an index that took documents is not listed yet")}
	}
	return nil
}

// awaitStragglers waits until no attempt without an answer can still be at work, and
// has the indices listed again: it may have ended in one that is not listed.
func (s *Sink) awaitStragglers(ctx context.Context, a *attempt, docs []*document) (err error) {
	var last time.Time
	for _, d := range docs {
		if d.tried.After(last) {
			last = d.tried
		}
	}
	if last.IsZero() || a.v.unread || a.st.muted() {
		return nil
	}
	if left := last.Add(straggling).Sub(s.cfg.Now()); left > 0 && !pause(ctx, left) {
		return ctx.Err()
	}
	a.st.outdated()
	a.v, err = s.view(ctx, a.st)
	return err
}

// believe settles what the last answer said, where the key may not look further.
func (s *Sink) believe(a *attempt, docs []*document) {
	var made, conflicts []*document
	var possible uint64
	for _, d := range docs {
		switch {
		case d.landed == "":
			d.sifted, d.blind = a.v.write(), true
		case d.created:
			made = append(made, d)
			if possiblyEarlier(d.landed, d) {
				possible++
			}
		default:
			conflicts = append(conflicts, d)
		}
	}
	s.settle(a.b, made, func() { s.made(a.b.lane, len(made)); s.stats.PossibleDoubles += possible })
	s.settle(a.b, conflicts, func() { s.stats.Conflicts += uint64(len(conflicts)) })
	a.progress = true
}

// sort settles documents by the indices that have them.
func (s *Sink) sort(ctx context.Context, a *attempt, docs []*document, has map[*document][]string) error {
	var made, found, several []*document
	for _, d := range docs {
		switch n := len(has[d]); {
		case n > 1:
			several = append(several, d)
		case d.landed == "" && n == 0:
			d.sifted = a.v.write()
		case d.landed != "" && d.created:
			made = append(made, d)
		default:
			found = append(found, d)
		}
	}
	a.progress = a.progress || len(made)+len(found) > 0
	s.settle(a.b, made, func() { s.made(a.b.lane, len(made)) })
	s.settle(a.b, found, func() { s.stats.Found += uint64(len(found)) })
	if len(several) == 0 {
		return nil
	}
	removed, left, err := s.remove(ctx, several, has)
	s.count(func() { s.stats.Removed += uint64(removed) })
	if err != nil {
		return err
	}
	a.progress = true
	s.settle(a.b, several, func() { s.stats.Conflicts += uint64(len(several)); s.stats.Doubles += uint64(left) })
	if left > 0 {
		s.cfg.Logger.Warn("elasticsearch: documents are indexed twice, since a rollover came between, and the key may not delete the second ones",
			"stream", a.st.name, "documents", left)
	}
	return nil
}

// remove deletes documents from all indices but the first that has them. Left are those
// that the key may not delete.
func (s *Sink) remove(ctx context.Context, docs []*document, has map[*document][]string) (removed, left int, err error) {
	second := map[string][]*document{}
	for _, d := range docs {
		for _, index := range has[d][1:] {
			second[index] = append(second[index], d)
		}
	}
	for index, docs := range second {
		var body []byte
		for _, d := range docs {
			body = append(append(append(body, `{"delete":{"_id":"`...), d.id...), "\"}}\n"...)
		}
		items, err := s.cfg.Client.Bulk(ctx, index, body, len(docs))
		if forbidden(err) {
			left += len(docs)
			continue
		}
		if err != nil {
			return removed, left, err
		}
		for _, it := range items {
			switch it.Status {
			case http.StatusOK, http.StatusNotFound:
				removed++
			case http.StatusForbidden:
				left++
			default:
				return removed, left, &elasticsearch.Unavailable{Status: it.Status, Err: errors.New("a second document was not deleted: " + reason(it.Type, it.Reason))}
			}
		}
	}
	return removed, left, nil
}
