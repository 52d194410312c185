package record

import (
	"bytes"
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Events are stored as they came, and the items of an API server's EventList have
// no kind. So that they are read as what they were, they are put into a list again.
const (
	listBegin = `{"kind":"EventList","items":[`
	listEnd   = `]}`
)

// readList reads events in a list.
func readList(items []Item, source string) *audit.Batch {
	size, longest := len(listBegin)+len(listEnd)+len(items), 0
	for i := range items {
		size += len(items[i].Raw)
		longest = max(longest, len(items[i].Raw))
	}
	data := append(make([]byte, 0, size), listBegin...)
	for i := range items {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, items[i].Raw...)
	}
	data = append(data, listEnd...)
	b := new(audit.Batch)
	// What was stored was read before: only its size can exceed today's limits.
	b.Decode(data, audit.Position{Input: source, Line: 1, Offset: -int64(len(listBegin))}, audit.Limits{MaxEvent: int64(longest) + 1})
	return b
}

// readEvents reads the events of all items together, which takes half the time; nil
// when one of them cannot be read, or is more than an event.
func readEvents(items []Item, source string) []*audit.Event {
	b := readList(items, source)
	if len(b.Rejections) > 0 || len(b.Events) != len(items) {
		return nil
	}
	for i, e := range b.Events {
		if !bytes.Equal(e.Raw, items[i].Raw) {
			return nil
		}
		e.Line, e.Offset = 1, 0 // of the event, not of a list that nobody has seen
	}
	return b.Events
}

// readEvent reads the one event that raw must be.
func readEvent(raw []byte, source string) (*audit.Event, error) {
	b := readList([]Item{{Raw: raw}}, source)
	switch {
	case len(b.Rejections) > 0:
		return nil, b.Rejections[0]
	case len(b.Events) != 1 || len(b.Events[0].Raw) != len(raw):
		return nil, fmt.Errorf("%d events in the place of one", len(b.Events))
	}
	return b.Events[0], nil
}
