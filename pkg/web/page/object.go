package page

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// objectPage is the history of one object, newest first.
type objectPage struct {
	frame
	Object  string
	Cluster string
	Times   []choice
	During  string
	Entries []chapter
	Gone    *chapter // it was deleted last by this
	Notes   []string
	Reads   choice // with the requests that only read, or without
	About   string // address of its summary
	Next    string
	Empty   *empty
}

// chapter is a request about an object with what it changed.
type chapter struct {
	listed
	Class      string   // "created", "deleted", "changed" or "other"
	Marks      []string // what it did to the object as a whole
	Changes    []change
	More       int
	Reordered  []string
	Notes      []string
	State      string // laid out; "" where it is not known
	StateCut   bool
	StateTitle string
}

// change is a difference between two states.
type change struct {
	Pointer  string
	Op       string
	Old, New string
}

const (
	stateShown = 32 << 10 // bytes of a state
	longGone   = "too long to be shown here"
)

// objectLink is the address of an object's history.
func objectLink(o search.ObjectRef) string {
	v := url.Values{}
	for name, s := range map[string]string{"cluster": o.Cluster, "apigroup": o.APIGroup, "resource": o.Resource, "namespace": o.Namespace, "name": o.Name} {
		if s != "" {
			v.Set(name, s)
		}
	}
	return "/object?" + v.Encode()
}

// objectOf is the object that an event is about; false for one that has no history.
func objectOf(a audit.Answer) (search.ObjectRef, bool) {
	o := search.ObjectRef{Cluster: a.Where.Cluster, APIGroup: a.What.APIGroup, Resource: a.What.Resource, Namespace: a.Where.Namespace, Name: a.What.Name}
	if o.Resource == "namespaces" && o.APIGroup == "" {
		o.Namespace = ""
	}
	for _, s := range []string{o.APIGroup, o.Namespace} {
		if s != "" && !askable(s) {
			return o, false
		}
	}
	return o, askable(o.Cluster) && askable(o.Resource) && askable(o.Name)
}

func (p *pages) object(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q, err := parseQuery(v)
	if err != nil {
		p.failed(w, r, search.BadRequest{Err: err})
		return
	}
	if q.Since == "" {
		q.Since = allTime
	}
	o := search.ObjectRef{Cluster: v.Get("cluster"), APIGroup: v.Get("apigroup"), Resource: v.Get("resource"), Namespace: v.Get("namespace"), Name: v.Get("name")}
	req := q.request(p.Now())
	hist, err := p.Search.History(r.Context(), p.Principal(r), search.HistoryRequest{
		Object: o, From: req.From, To: req.To, Limit: rowsShown, After: q.After, Reads: v.Get("reads") == "true",
	})
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "object.html", p.objectPage(r, q, o, hist))
}

// linkFor gives the address of the same page with other parameters.
func linkFor(r *http.Request, change func(url.Values)) string {
	v := r.URL.Query()
	v.Del("after")
	change(v)
	return r.URL.EscapedPath() + "?" + v.Encode()
}

// spansFor are links to the same page over other times.
func spansFor(r *http.Request, q query) (times []choice) {
	for _, s := range spans {
		times = append(times, choice{Text: s.Text, Chosen: q.Since == s.Name, Link: linkFor(r, func(v url.Values) {
			v.Del("from")
			v.Del("to")
			v.Set("since", s.Name)
		})})
	}
	return times
}

func (p *pages) objectPage(r *http.Request, q query, o search.ObjectRef, hist *search.History) *objectPage {
	page := &objectPage{
		frame: p.frame(r, onOneLine(o.String())), Object: o.String(), Cluster: o.Cluster, Times: spansFor(r, q), During: q.TimeText(),
		Notes: summaryNotes(hist.Summary), About: entityLink(search.EntityObject, o.Cluster, o.String()),
	}
	for _, e := range slices.Backward(hist.Entries) {
		c := chapterOf(q, e)
		page.Entries = append(page.Entries, c)
		if e.Deleted && page.Gone == nil && len(page.Entries) > 0 && !returned(page.Entries) {
			page.Gone = &c
		}
	}
	marked := make([]listed, len(page.Entries))
	for i, e := range page.Entries {
		marked[i] = e.listed
	}
	days(marked)
	for i := range page.Entries {
		page.Entries[i].Day = marked[i].Day
	}
	if reads := r.URL.Query().Get("reads") == "true"; reads {
		page.Reads = choice{Text: "Leave out requests that only read", Link: linkFor(r, func(v url.Values) { v.Del("reads") })}
	} else if hist.Reads > 0 {
		page.Reads = choice{Text: "Show " + plural(hist.Reads, "request that only read it", "requests that only read it"), Link: linkFor(r, func(v url.Values) { v.Set("reads", "true") })}
	}
	if hist.Next != "" {
		page.Next = linkFor(r, func(v url.Values) { v.Set("after", hist.Next) })
	}
	if len(page.Entries) == 0 {
		page.Empty = &empty{Title: "No request changed this object " + q.TimeText(), Why: "The name may be spelled otherwise, or the audit policy may not record it."}
	}
	return page
}

// returned reports whether an object lives after its deletion, which is the last entry.
func returned(entries []chapter) bool {
	return slices.ContainsFunc(entries[:len(entries)-1], func(c chapter) bool { return c.Class == "created" || c.Class == "changed" })
}

func chapterOf(q query, e search.HistoryEntry) chapter {
	c := chapter{listed: rowOf(q, e.Hit), Class: "other"}
	mark := func(is bool, class, text string) {
		if is {
			c.Class, c.Marks = class, append(c.Marks, text)
		}
	}
	first := e.State != nil && e.Against == "" && !e.Created && !e.Deleted // nothing to compare it with
	mark(len(e.Changes.Changes) > 0 || e.Unknown != "" || e.Patch != nil || first, "changed", "changed")
	mark(e.Replaced, "created", "another object of this name")
	mark(e.Created, "created", "created")
	mark(e.Deleted, "deleted", "deleted")
	for _, d := range e.Changes.Changes {
		c.Changes = append(c.Changes, change{Pointer: d.Pointer, Op: string(d.Op), Old: side(d.Old, d.OldBytes), New: side(d.New, d.NewBytes)})
	}
	c.More, c.Reordered = e.Changes.More, e.Changes.Reordered
	c.note(e)
	switch {
	case len(e.State) > 0:
		c.StateTitle = "The object after it"
		if e.StateAsked {
			c.StateTitle = "The object as it was asked for"
		}
		c.State, c.StateCut = indented(e.State, stateShown)
	case len(e.Patch) > 0:
		c.StateTitle = "What the patch asked for"
		c.State, c.StateCut = indented(e.Patch, stateShown)
	}
	return c
}

// note says in words what is not known.
func (c *chapter) note(e search.HistoryEntry) {
	if e.Unknown != "" {
		c.Notes = append(c.Notes, "What it changed is not known: "+e.Unknown+".")
	}
	if e.Missed > 0 {
		c.Notes = append(c.Notes, plural(uint64(e.Missed), "request", "requests")+" in between changed it too, so these differences are not of this request alone.")
	}
	if e.Against != "" && e.Changes.Same() {
		c.Notes = append(c.Notes, "Nothing that matters differs from the state before.")
	}
	if len(e.Redacted) > 0 {
		c.Notes = append(c.Notes, "Secrets were taken out of this state; whether they changed is not known.")
	}
}

// side is one side of a difference.
func side(value []byte, left int) string {
	if left > 0 {
		return bytesText(left) + ", " + longGone
	}
	text, _ := indented(value, stateShown)
	return text
}

// summaryNotes says in words what a search did not do.
func summaryNotes(sum search.Summary) (notes []string) {
	if sum.Partial {
		note := "Not all of the time was looked at"
		if !sum.Reached.IsZero() {
			note += ", only back to " + sum.Reached.UTC().Format(time.DateTime) + " UTC"
		}
		if note += "."; sum.Why != "" {
			note += " " + asSentence(sum.Why)
		}
		notes = append(notes, note)
	}
	if sum.Hidden > 0 {
		notes = append(notes, plural(sum.Hidden, "event is", "events are")+
			" left out: the condition asks for a secret there, which was taken out before the event was stored. "+
			"What the rules found in such events when they came in can still be searched, by rule.")
	}
	return notes
}
