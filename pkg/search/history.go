package search

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/diff"
)

// MaxHistory bounds the entries of one page of a history.
const MaxHistory = 500

// HistoryRequest asks what happened to an object.
type HistoryRequest struct {
	Object   ObjectRef
	From, To time.Time // as in Request
	Limit    int       // entries, the newest ones; 0: DefaultLimit
	After    string    // Summary.Next of the page before, which has newer entries; "": from the newest on
	// Reads has requests told too that only read. Those that failed, and those that opened a stream, are always told.
	Reads bool
}

// History is what happened to an object.
type History struct {
	Object  ObjectRef
	Entries []HistoryEntry // oldest first
	Folded  int            // events left out since a later stage of the same request is there
	Reads   uint64         // events left out since they only read; counted on the first page
	Summary
}

// HistoryEntry is a request about the object.
type HistoryEntry struct {
	*Hit
	UID string // of the object, where the event tells
	// Review is the admission review of the same request, if Hit is another event of it: it has
	// the object before, and as it was to be stored. nil: none is known.
	Review *Hit

	State      json.RawMessage // the object after it; nil: not known, or not changed
	StateAsked bool            // State is what was asked for: what the server made of it is not recorded
	Redacted   []string        // JSON pointers of the places in State where secrets were; whether those changed is not known
	// Against is the ID of the event whose state Changes is against, the newest known one before; where a review shows
	// the object before, that of the review. "": none is known.
	Against string
	Changes diff.Result
	Missed  int             // changes between the two whose states are not known, so that theirs are in Changes too
	Patch   json.RawMessage // what a patch asked for, where State is not known

	Created  bool // made by this request
	Deleted  bool // gone with this request, or with one of the moments after it
	Replaced bool // another object than in the entries before, of the same name: another UID
	// Unknown is why the state is not known though the request changed it, in a few words.
	Unknown string
}

// History gives what happened to an object: the newest requests about it, the oldest of
// them first, with what each changed. Next of its Summary leads to the older ones. A
// request that cannot be carried out is a [BadRequest].
func (s *Searcher) History(ctx context.Context, p Principal, r HistoryRequest) (*History, error) {
	if r.Limit == 0 {
		r.Limit = DefaultLimit
	}
	if r.Limit < 0 || r.Limit > MaxHistory {
		return nil, badf("search: a history of %d entries; ask for 1 to %d", r.Limit, MaxHistory)
	}
	about, err := r.Object.condition()
	if err != nil {
		return nil, err
	}
	b := historian{s: s.withoutLists(), p: p, r: r, about: about, h: &History{Object: r.Object}}
	if err := b.collect(ctx); err != nil {
		return nil, err
	}
	if err := b.foldLater(ctx); err != nil {
		return nil, err
	}
	if err := b.addReviews(ctx); err != nil {
		return nil, err
	}
	if err := b.countReads(ctx); err != nil {
		return nil, err
	}
	t, err := b.before(ctx)
	if err != nil {
		return nil, err
	}
	for i := range b.h.Entries {
		t.tell(&b.h.Entries[i])
	}
	b.h.Hits = len(b.h.Entries)
	return b.h, nil
}

// withoutLists is a searcher whose conditions mean what they say: lists of the rules are
// put into conditions as text, in quotes too, and an object may have the name of a list.
func (s *Searcher) withoutLists() *Searcher {
	cfg := s.cfg
	cfg.Rules = nil
	return New(cfg)
}

// historian puts a history together.
type historian struct {
	s     *Searcher
	p     Principal
	r     HistoryRequest
	about string // the condition that an event is about the object
	h     *History
}

func (b *historian) request(conditions ...string) Request {
	return Request{Condition: allHold(append([]string{b.about}, conditions...)...), Clusters: []string{b.r.Object.Cluster}, From: b.r.From, To: b.r.To}
}

// collect finds the entries, page by page, since some events come to nothing.
func (b *historian) collect(ctx context.Context) error {
	var hits []HistoryEntry
	stages := newRequests()
	sum, after := &b.h.Summary, b.r.After
	ask := b.request()
	if !b.r.Reads {
		ask = b.request(notOnlyRead)
	}
	for found := 0; found < b.r.Limit; found = b.count(hits) {
		page, err := b.s.Search(ctx, b.p, ask, Page{Limit: b.r.Limit - found, After: after}, func(hit *Hit) error {
			if i, known := stages.place(hit, len(hits)); known {
				b.h.Folded++
				hits[i].join(hit)
			} else {
				hits = append(hits, HistoryEntry{Hit: hit})
			}
			return nil
		})
		if err != nil {
			return err
		}
		sum.add(page)
		if after = page.Next; after == "" || page.Partial {
			break
		}
	}
	for _, e := range slices.Backward(hits) {
		if b.r.Object.concerned(e.Hit) {
			b.h.Entries = append(b.h.Entries, e)
		}
	}
	return nil
}

// count counts the events that are about the object.
func (b *historian) count(hits []HistoryEntry) (n int) {
	for _, e := range hits {
		if b.r.Object.concerned(e.Hit) {
			n++
		}
	}
	return n
}

// foldLater leaves out the early stages of requests whose later ones are on the page
// before, or beyond the time asked for.
func (b *historian) foldLater(ctx context.Context) error {
	if b.r.After == "" && b.r.To.IsZero() {
		return nil
	}
	early := newRequests()
	var ids, uids []string
	for i, e := range b.h.Entries {
		if stageRank(e.Hit) < rankComplete && e.Event.Event.AuditID != "" {
			early.place(e.Hit, i)
			ids = append(ids, e.Event.Event.AuditID)
			if uid := e.Answer.What.ReviewUID; uid != "" {
				uids = append(uids, uid)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	same := "ka.auditid in " + literals(ids...)
	if len(uids) > 0 {
		same = "(" + same + " or kw.admission.uid in " + literals(uids...) + ")"
	}
	ask := b.request(same, "not ka.stage = RequestReceived")
	ask.From, ask.To = b.h.Entries[0].Event.Filed().Add(-clocks), time.Time{}
	drop := map[int]bool{}
	_, err := b.s.Search(ctx, b.p, ask, Page{Limit: 4 * len(ids)}, func(hit *Hit) error {
		if i, known := early.find(hit); known && stageRank(hit) > stageRank(b.h.Entries[i].Hit) {
			drop[i] = true
		}
		return nil
	})
	kept := b.h.Entries[:0]
	for i, e := range b.h.Entries {
		if drop[i] {
			b.h.Folded++
			continue
		}
		kept = append(kept, e)
	}
	b.h.Entries = kept
	return err
}

// clocks is by how much the times of a review and of the audit events of its request may be
// in the wrong order.
const clocks = 2 * time.Second

// addReviews finds the reviews of entries that were joined with one which is not on this page.
func (b *historian) addReviews(ctx context.Context) error {
	missing := map[string]int{}
	var uids []string
	for i, e := range b.h.Entries {
		if uid := e.Answer.What.ReviewUID; uid != "" && e.Review == nil && !isReview(e.Hit) {
			missing[uid] = i
			uids = append(uids, uid)
		}
	}
	if len(uids) == 0 {
		return nil
	}
	ask := b.request("kw.admission.uid in " + literals(uids...))
	ask.From, ask.To = time.Time{}, time.Time{}
	sum, err := b.s.Search(ctx, b.p, ask, Page{Limit: 4 * len(uids)}, func(hit *Hit) error {
		if i, known := missing[hit.Answer.What.ReviewUID]; known && isReview(hit) {
			b.h.Entries[i].Review = hit
		}
		return nil
	})
	b.h.Scanned += sum.Scanned
	return err
}

// countReads counts what is left out.
func (b *historian) countReads(ctx context.Context) error {
	if b.r.Reads || b.r.After != "" {
		return nil
	}
	n, sum, err := b.s.Count(ctx, b.p, b.request("not "+notOnlyRead))
	b.h.Reads = n
	b.h.Scanned += sum.Scanned
	return err
}

// maxBefore bounds the events that are looked at for a state before the first entry.
const maxBefore = 50

// before finds the newest known state before the first entry.
func (b *historian) before(ctx context.Context) (*tracker, error) {
	t := &tracker{object: b.r.Object}
	if len(b.h.Entries) == 0 {
		return t, nil
	}
	ask := b.request("ka.verb in (create, update, patch, delete, deletecollection)", "kw.response.code < 400", "not ka.stage = RequestReceived")
	ask.From, ask.To = time.Time{}, b.h.Entries[0].Event.Filed()
	var hits []HistoryEntry
	stages := newRequests()
	for _, e := range b.h.Entries {
		stages.place(e.Hit, -1) // its review, and its early stages, are not another change
	}
	sum, err := b.s.Search(ctx, b.p, ask, Page{Limit: maxBefore}, func(hit *Hit) error {
		switch i, known := stages.place(hit, len(hits)); {
		case !known:
			hits = append(hits, HistoryEntry{Hit: hit})
		case i >= 0:
			hits[i].join(hit)
		}
		return nil
	})
	b.h.Scanned += sum.Scanned
	for _, e := range slices.Backward(hits) {
		if b.r.Object.concerned(e.Hit) {
			t.tell(&e)
		}
	}
	return t, err
}

// add adds what a further page came to.
func (s *Summary) add(page Summary) {
	s.Scanned += page.Scanned
	s.Hidden += page.Hidden
	s.Next, s.Reached = page.Next, page.Reached
	if page.Partial {
		s.Partial, s.Why = true, page.Why
	}
}
