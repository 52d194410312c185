package page

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/kubewitness/kubewitness/pkg/search"
)

// rowsShown is how many events a page lists.
const rowsShown = 50

// frontPage is the page at /.
type frontPage struct {
	frame
	Query    query
	Times    []choice
	Levels   []choice
	Tabs     []choice
	Filters  []filter
	Rules    []string // in force, to choose from
	Asks     []ask
	Problem  *problem // the request cannot be carried out
	Narrowed bool     // there is something to take off

	Heading string
	Chart   *chart
	Rows    []listed
	Folded  int // events that are not shown since they repeat others
	Rail    []rail
	Notes   []string // partial, hidden, widened
	Next    string
	Empty   *empty
}

// choice is a value to choose in a form, or a tab.
type choice struct {
	Value, Text, Link string
	Chosen            bool
}

func (p *pages) front(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.Query())
	page := &frontPage{frame: p.frame(r, "What happened"), Query: q}
	if err == nil {
		who := p.Principal(r)
		page.Query, err = p.widen(r.Context(), who, q)
		if err == nil {
			err = p.answer(r.Context(), who, page)
		}
	} else {
		err = search.BadRequest{Err: err}
	}
	var bad search.BadRequest
	switch {
	case errors.As(err, &bad):
		page.Problem = problemOf(page.Query.Condition, bad)
		p.controls(page)
		p.render(w, r, http.StatusBadRequest, "front.html", page)
	case err != nil:
		p.failed(w, r, err)
	default:
		p.controls(page)
		p.render(w, r, http.StatusOK, "front.html", page)
	}
}

// errFound ends a search that only asks whether there is something.
var errFound = errors.New("found")

// exists reports whether a search finds something.
func (p *pages) exists(ctx context.Context, who search.Principal, r search.Request) (bool, error) {
	_, err := p.Search.Search(ctx, who, r, search.Page{Limit: 1}, func(*search.Hit) error { return errFound })
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// widen chooses the time where the address says none: a day, or longer where nothing is
// in that.
func (p *pages) widen(ctx context.Context, who search.Principal, q query) (query, error) {
	if q.Since != "" {
		return q, nil
	}
	for _, s := range spans[1:] {
		wider := q
		wider.Since = s.Name
		found, err := p.exists(ctx, who, wider.request(p.Now()))
		if err != nil {
			return q, err
		}
		if found {
			return wider, nil
		}
	}
	q.Since = spans[1].Name
	return q, nil
}

// answer fills in what the search finds.
func (p *pages) answer(ctx context.Context, who search.Principal, page *frontPage) error {
	q := page.Query
	req := q.request(p.Now())
	sum, err := p.Search.Search(ctx, who, req, search.Page{Limit: rowsShown, After: q.After}, func(h *search.Hit) error {
		page.Rows = append(page.Rows, rowOf(q, h))
		return nil
	})
	if err != nil {
		return err
	}
	if q.detections() && !q.Each {
		n := len(page.Rows)
		page.Rows = fold(page.Rows)
		page.Folded = n - len(page.Rows)
	}
	days(page.Rows)
	page.summarize(sum)
	if page.Chart, err = p.chart(ctx, who, q, req); err != nil {
		return err
	}
	if page.Rail, err = p.rail(ctx, who, q, req); err != nil {
		return err
	}
	page.heading()
	if len(page.Rows) == 0 {
		page.Empty, err = p.empty(ctx, who, q, sum)
	}
	return err
}

// summarize says what comes next, and what the search did not do.
func (page *frontPage) summarize(sum search.Summary) {
	if sum.Next != "" {
		next := page.Query
		next.After = sum.Next
		page.Next = next.link()
	}
	page.Notes = summaryNotes(sum)
}

func (page *frontPage) heading() {
	n, noun, nouns := uint64(0), "event", "events"
	if page.Chart != nil {
		n = page.Chart.Total
	}
	if page.Query.detections() {
		noun, nouns = "event with a detection", "events with detections"
	}
	page.Heading = plural(n, noun, nouns)
	if page.Chart != nil && page.Chart.Partial {
		page.Heading = "At least " + page.Heading
	}
}

// controls fills in the form.
func (p *pages) controls(page *frontPage) {
	q := page.Query
	for _, s := range spans {
		page.Times = append(page.Times, choice{Value: s.Name, Text: s.Text, Chosen: q.Since == s.Name || q.Since == "" && s == spans[1]})
	}
	page.Times = append(page.Times, choice{Value: fromTo, Text: "from – to", Chosen: q.Since == fromTo})
	for _, l := range []struct{ value, text string }{
		{"", "any"}, {"critical", "Critical or above"}, {"error", "Error or above"}, {"warning", "Warning or above"},
		{"notice", "Notice or above"}, {"informational", "Informational or above"},
	} {
		page.Levels = append(page.Levels, choice{Value: l.value, Text: l.text, Chosen: q.Priority == l.value})
	}
	tab := func(show, text string) choice {
		return choice{Text: text, Link: q.with(func(q *query) { q.Show = show }).link(), Chosen: q.detections() == (show == "detections")}
	}
	page.Tabs = []choice{tab("detections", "Detections"), tab("events", "All events")}
	page.Filters = filtersOf(q)
	page.Narrowed = len(page.Filters) > 0
	page.Asks = asks(q)
	for _, r := range p.inForce() {
		page.Rules = append(page.Rules, r.Name)
	}
}

// inputTime is a time as a form field for times takes it.
func inputTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

// FromInput and ToInput are the bounds for the form.
func (q query) FromInput() string { return inputTime(q.From) }

// ToInput is the upper bound for the form.
func (q query) ToInput() string { return inputTime(q.To) }

// FurtherRules and FurtherClusters are those that have no field in the form.
func (q query) FurtherRules() []string { return q.Rules[min(1, len(q.Rules)):] }

// FurtherClusters are the clusters besides the first.
func (q query) FurtherClusters() []string { return q.Clusters[min(1, len(q.Clusters)):] }
