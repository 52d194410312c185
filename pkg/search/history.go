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

	State      json.RawMessage // the object after it; nil: not known, or not changed
	StateAsked bool            // State is what was asked for: what the server made of it is not recorded
	Redacted   []string        // JSON pointers of the places in State where secrets were; whether those changed is not known
	// Against is the ID of the event whose state Changes is against, the newest known one before; "": none is known.
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
	var hits []*Hit
	stages := requests{}
	sum, after := &b.h.Summary, b.r.After
	ask := b.request()
	if !b.r.Reads {
		ask = b.request(notOnlyRead)
	}
	for found := 0; found < b.r.Limit; found = b.count(hits) {
		page, err := b.s.Search(ctx, b.p, ask, Page{Limit: b.r.Limit - found, After: after}, func(hit *Hit) error {
			if i, known := stages.place(hit, len(hits)); known {
				b.h.Folded++
				hits[i] = later(hits[i], hit)
			} else {
				hits = append(hits, hit)
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
	for _, hit := range slices.Backward(hits) {
		if b.r.Object.concerned(hit) {
			b.h.Entries = append(b.h.Entries, HistoryEntry{Hit: hit})
		}
	}
	return nil
}

// count counts the events that are about the object.
func (b *historian) count(hits []*Hit) (n int) {
	for _, hit := range hits {
		if b.r.Object.concerned(hit) {
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
	early := requests{}
	var ids []string
	for i, e := range b.h.Entries {
		if stageRank(e.Hit) < rankComplete && e.Event.Event.AuditID != "" {
			early[requestOf(e.Hit)] = i
			ids = append(ids, e.Event.Event.AuditID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	ask := b.request("ka.auditid in "+literals(ids...), "not ka.stage = RequestReceived")
	ask.From, ask.To = b.h.Entries[0].Event.Filed(), time.Time{}
	drop := map[int]bool{}
	_, err := b.s.Search(ctx, b.p, ask, Page{Limit: 4 * len(ids)}, func(hit *Hit) error {
		if i, known := early[requestOf(hit)]; known && stageRank(hit) > stageRank(b.h.Entries[i].Hit) {
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
	var hits []*Hit
	stages := requests{}
	sum, err := b.s.Search(ctx, b.p, ask, Page{Limit: maxBefore}, func(hit *Hit) error {
		if _, known := stages.place(hit, 0); !known && b.r.Object.concerned(hit) {
			hits = append(hits, hit)
		}
		return nil
	})
	b.h.Scanned += sum.Scanned
	for _, hit := range slices.Backward(hits) {
		t.tell(&HistoryEntry{Hit: hit})
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
