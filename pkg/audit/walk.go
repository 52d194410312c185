package audit

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// walker reads one value, or the begin of an EventList, from the begin of what the decoder reads. The errors are
// jsontext's.
type walker func(d *jsontext.Decoder) (walked, error)

// walked is what a walker read.
type walked struct {
	size       int      // bytes
	opensList  bool     // read up to the opening bracket of an EventList's items
	duplicates bool     // some object holds two equal keys
	kind       kindSeen // of an object
	members    struct { // of an object: where the values are, the last of equal ones
		kind, items, stageTimestamp, auditID, stage, requestObject, responseObject span
	}
}

// span is a piece of a text, empty if there is none.
type span struct{ from, to int }

// in returns the piece of text.
func (s span) in(text []byte) []byte { return text[s.from:s.to] }

// kindSeen is what is known of an object's kind.
type kindSeen uint8

const (
	kindAbsent kindSeen = iota
	kindEvent
	kindEventList
	kindOther
)

// seen returns what a value of kind, as it stands in the source, means.
func seen(value []byte) kindSeen {
	if value[0] != '"' {
		return kindOther
	}
	switch string(plainName(value)) {
	case `"Event"`:
		return kindEvent
	case `"EventList"`:
		return kindEventList
	}
	return kindOther
}

// plainName returns a quoted string without needless escapes, so that it can be compared.
func plainName(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted
	}
	plain, _ := jsontext.AppendQuote(nil, unquote(quoted))
	return plain
}

// walkValue reads any value.
func walkValue(d *jsontext.Decoder) (walked, error) {
	_, err := d.ReadValue()
	return walked{size: int(d.InputOffset())}, err
}

// walkEvent reads any value, and of an object the members that every event needs.
func walkEvent(d *jsontext.Decoder) (walked, error) { return walkObject(d, false) }

// walkDocument is walkEvent for what can be an EventList: an object with an array of items and no other kind, as far as
// the kind comes before the items. Of that it reads the begin.
func walkDocument(d *jsontext.Decoder) (walked, error) { return walkObject(d, true) }

func walkObject(d *jsontext.Decoder, lists bool) (got walked, err error) {
	if d.PeekKind() != jsontext.KindBeginObject {
		return walkValue(d)
	}
	if _, err = d.ReadToken(); err != nil {
		return got, err
	}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadValue()
		if err != nil {
			return got, err
		}
		member := got.member(plainName(name))
		if member == &got.members.items && lists && d.PeekKind() == jsontext.KindBeginArray &&
			(got.kind == kindAbsent || got.kind == kindEventList) {
			_, err = d.ReadToken()
			got.size, got.opensList = int(d.InputOffset()), true
			return got, err
		}
		value, err := d.ReadValue()
		if err != nil {
			return got, err
		}
		if member == nil {
			continue
		}
		end := int(d.InputOffset())
		*member = span{end - len(value), end}
		if member == &got.members.kind {
			got.kind = seen(value)
		}
	}
	_, err = d.ReadToken()
	got.size = int(d.InputOffset())
	return got, err
}

// member returns where to keep the member with that quoted name, nil if it is of no interest.
func (w *walked) member(name []byte) *span {
	switch string(name) {
	case `"kind"`:
		return &w.members.kind
	case `"items"`:
		return &w.members.items
	case `"stageTimestamp"`:
		return &w.members.stageTimestamp
	case `"auditID"`:
		return &w.members.auditID
	case `"stage"`:
		return &w.members.stage
	case `"requestObject"`:
		return &w.members.requestObject
	case `"responseObject"`:
		return &w.members.responseObject
	}
	return nil
}
