package page

import (
	"context"

	"github.com/kubewitness/kubewitness/pkg/search"
)

// empty is what to say, and to do next, where nothing was found.
type empty struct {
	Title   string
	Why     string
	Connect bool // there is nothing at all: tell how events come in
	Links   []choice
}

// empty finds out why a list is empty.
func (p *pages) empty(ctx context.Context, who search.Principal, q query, sum search.Summary) (*empty, error) {
	any, err := p.exists(ctx, who, search.Request{})
	if err != nil {
		return nil, err
	}
	switch {
	case !any:
		return firstRun(who), nil
	case sum.Partial:
		return &empty{Title: "Nothing found so far", Why: "Not all of the time was looked at.", Links: wayOut(q)}, nil
	case q.After != "":
		return &empty{Title: "Nothing more", Links: []choice{{Text: "Back to the newest", Link: q.with(func(*query) {}).link()}}}, nil
	case q.detections():
		return &empty{Title: "No rule fired on what you ask for", Links: wayOut(q)}, nil
	}
	return &empty{Title: "No event is like this", Links: wayOut(q)}, nil
}

func firstRun(who search.Principal) *empty {
	if !who.Scope.All {
		return &empty{Title: "Nothing for you yet", Why: "No event is stored of the clusters and namespaces that you may see."}
	}
	return &empty{Title: "No events yet", Connect: true}
}

// wayOut are searches that find more.
func wayOut(q query) (links []choice) {
	if q.detections() {
		links = append(links, choice{Text: "See all events instead", Link: q.with(func(q *query) { q.Show = "events" }).link()})
	}
	if q.Since != allTime {
		links = append(links, choice{Text: "Look at all time", Link: q.with(func(q *query) { q.spanning(allTime) }).link()})
	}
	for _, f := range filtersOf(q) {
		if f.Name != "time" {
			links = append(links, choice{Text: "Without " + onOneLine(f.text()), Link: f.Off})
		}
	}
	return links
}
