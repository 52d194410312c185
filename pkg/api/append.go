package api

import (
	"bytes"
	"encoding/json"
)

// AppendEvent appends an event as JSON. The raw event in it, its last member, keeps every
// byte; with line set, line breaks between its tokens become spaces, so that all of it is
// one line. (encoding/json would take out the white space between tokens.)
func AppendEvent(dst []byte, e *Event, line bool) ([]byte, error) {
	rest := *e
	rest.Event = json.RawMessage("0")
	return appendAround(dst, rest, e.Event, line)
}

// AppendHuntHit appends a hit of a hunt as JSON, with its raw event as AppendEvent does.
func AppendHuntHit(dst []byte, h *HuntHit, line bool) ([]byte, error) {
	dst, err := AppendEvent(dst, &h.Event, line)
	if err != nil {
		return dst, err
	}
	return appendMembers(dst, struct {
		Found []Detection `json:"found"`
	}{h.Found})
}

// AppendEventList appends a page of events as JSON, with the raw events as AppendEvent
// does.
func AppendEventList(dst []byte, l *EventList) ([]byte, error) {
	dst, err := appendList(append(dst, `{"events":`...), l.Events, func(dst []byte, e *Event) ([]byte, error) {
		return AppendEvent(dst, e, false)
	})
	if err != nil {
		return dst, err
	}
	return appendMembers(append(dst, '}'), l.Summary)
}

// AppendListEnd appends what follows the last event of a page: the end of the list, and
// the summary.
func AppendListEnd(dst []byte, sum Summary) ([]byte, error) {
	return appendMembers(append(dst, "]}"...), sum)
}

// AppendHistory appends a history as JSON, with the raw events as AppendEvent does.
func AppendHistory(dst []byte, h *History) ([]byte, error) {
	dst, err := appendList(append(dst, `{"entries":`...), h.Entries, func(dst []byte, e *HistoryEntry) ([]byte, error) {
		dst, err := AppendEvent(dst, &e.Event, false)
		if err != nil {
			return dst, err
		}
		return appendMembers(dst, e.Effect)
	})
	if err != nil {
		return dst, err
	}
	dst = append(dst, '}')
	if dst, err = appendMembers(dst, struct {
		Object Object `json:"object"`
		Folded int    `json:"folded"`
		Reads  uint64 `json:"reads"`
	}{h.Object, h.Folded, h.Reads}); err != nil {
		return dst, err
	}
	return appendMembers(dst, h.Summary)
}

// AppendEntity appends an entity as JSON, with the raw events as AppendEvent does.
func AppendEntity(dst []byte, e *Entity) ([]byte, error) {
	rest := *e
	rest.Recent, rest.Detected, rest.Changes = nil, nil, nil
	dst, err := appendJSON(dst, struct {
		*Entity
		Recent   any `json:"recent,omitempty"` // in place of those of Entity
		Detected any `json:"detected,omitempty"`
		Changes  any `json:"changes,omitempty"`
	}{Entity: &rest})
	for _, list := range []struct {
		name   string
		events []Event
	}{{"recent", e.Recent}, {"detected", e.Detected}, {"changes", e.Changes}} {
		if err != nil {
			return dst, err
		}
		dst = append(dst[:len(dst)-1], `,"`+list.name+`":`...)
		dst, err = appendList(dst, list.events, func(dst []byte, e *Event) ([]byte, error) { return AppendEvent(dst, e, false) })
		dst = append(dst, '}')
	}
	return dst, err
}

// appendList appends a list of what one appends.
func appendList[T any](dst []byte, list []T, one func([]byte, *T) ([]byte, error)) ([]byte, error) {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = one(dst, &list[i]); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendMembers puts the members of a struct into the object, with members of its own,
// that dst ends with. The struct has one that is never left out.
func appendMembers(dst []byte, v any) ([]byte, error) {
	at := len(dst) - 1
	dst, err := appendJSON(dst[:at], v)
	if err != nil {
		return dst, err
	}
	dst[at] = ','
	return dst, nil
}

// appendAround appends an object whose last member is the raw event, which shape has as 0.
func appendAround(dst []byte, shape any, raw json.RawMessage, line bool) ([]byte, error) {
	dst, err := appendJSON(dst, shape)
	if err != nil {
		return dst, err
	}
	dst = dst[:len(dst)-len("0}")]
	if len(raw) == 0 {
		return append(dst, "null}"...), nil
	}
	at := len(dst)
	dst = append(dst, raw...)
	if line {
		for i, c := range dst[at:] {
			if c == '\n' || c == '\r' { // in valid JSON these stand between tokens only
				dst[at+i] = ' '
			}
		}
	}
	return append(dst, '}'), nil
}

// appendJSON appends v without the escapes that only pages of HTML need.
func appendJSON(dst []byte, v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return append(dst, bytes.TrimRight(b.Bytes(), "\n")...), nil
}
