package audit

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// walker is a way to read one value, or the begin of an EventList.
type walker uint8

const (
	walkValue    walker = iota // any value
	walkEvent                  // any value, and of an object the members that every event needs
	walkDocument               // the same for what can be an EventList: an object with an array of items and no other kind,
	// as far as the kind comes before the items. Of that the begin is read.
)

// read reads from the begin of what the decoder reads. The errors are jsontext's.
func (w walker) read(d *jsontext.Decoder) (walked, error) {
	if w == walkValue {
		return readValue(d)
	}
	return readObject(d, w == walkDocument)
}

// walked is what a walker read.
type walked struct {
	size       int      // bytes
	opensList  bool     // read up to the opening bracket of an EventList's items
	duplicates bool     // some object holds two equal keys
	planted    bool     // a glance has the nodes of it
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

func readValue(d *jsontext.Decoder) (walked, error) {
	_, err := d.ReadValue()
	return walked{size: int(d.InputOffset())}, err
}

func readObject(d *jsontext.Decoder, lists bool) (got walked, err error) {
	if d.PeekKind() != jsontext.KindBeginObject {
		return readValue(d)
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
		got.keep(member, value, span{end - len(value), end})
	}
	_, err = d.ReadToken()
	got.size = int(d.InputOffset())
	return got, err
}

// keep keeps where a member is, and what is in it.
func (w *walked) keep(member *span, value []byte, at span) {
	*member = at
	if member == &w.members.kind {
		w.kind = seen(value)
	}
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
