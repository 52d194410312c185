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
	dst = append(dst[:len(dst)-1], `,"found":`...)
	if dst, err = appendJSON(dst, h.Found); err != nil {
		return dst, err
	}
	return append(dst, '}'), nil
}

// AppendEventList appends a page of events as JSON, with the raw events as AppendEvent
// does.
func AppendEventList(dst []byte, l *EventList) ([]byte, error) {
	var err error
	dst = append(dst, `{"events":[`...)
	for i := range l.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = AppendEvent(dst, &l.Events[i], false); err != nil {
			return dst, err
		}
	}
	return AppendListEnd(dst, l.Summary)
}

// AppendListEnd appends what follows the last event of a page: the end of the list, and
// the summary.
func AppendListEnd(dst []byte, sum Summary) ([]byte, error) {
	dst = append(dst, "],"...)
	at := len(dst)
	dst, err := appendJSON(dst, sum)
	if err != nil {
		return dst, err
	}
	return append(dst[:at], dst[at+1:]...), nil // two objects become one
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
