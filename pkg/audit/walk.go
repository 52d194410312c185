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
	size      int      // bytes
	opensList bool     // up to the opening bracket of an EventList's items
	kind      kindSeen // of that EventList, so far
}

// kindSeen is what is known of the kind of an object with items.
type kindSeen uint8

const (
	kindAbsent kindSeen = iota
	kindEventList
	kindOther
)

// listKind returns what a kind's text means for an object with items.
func listKind(text string) kindSeen {
	if text == "EventList" {
		return kindEventList
	}
	return kindOther
}

// walkValue reads a value.
func walkValue(d *jsontext.Decoder) (walked, error) {
	_, err := d.ReadValue()
	return walked{size: int(d.InputOffset())}, err
}

// walkDocument reads a value, unless it is an object with an array of items and not of a kind other than EventList: of
// that it reads the begin. So the kind must come before the items only for objects that are no EventList.
func walkDocument(d *jsontext.Decoder) (walked, error) {
	if d.PeekKind() != jsontext.KindBeginObject {
		return walkValue(d)
	}
	if _, err := d.ReadToken(); err != nil {
		return walked{}, err
	}
	kind := kindAbsent
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadValue()
		if err != nil {
			return walked{}, err
		}
		isKind := nameIs(name, "kind")
		if kind != kindOther && nameIs(name, "items") && d.PeekKind() == jsontext.KindBeginArray {
			_, err := d.ReadToken()
			return walked{size: int(d.InputOffset()), opensList: true, kind: kind}, err
		}
		value, err := d.ReadValue()
		if err != nil {
			return walked{}, err
		}
		if isKind {
			kind = kindOther
			if nameIs(value, "EventList") {
				kind = kindEventList
			}
		}
	}
	_, err := d.ReadToken()
	return walked{size: int(d.InputOffset()), kind: kind}, err
}

// nameIs reports whether quoted, which is JSON, is a string with that content. The content must need no escapes.
func nameIs(quoted []byte, content string) bool {
	if len(quoted) == len(content)+2 {
		return string(quoted[1:len(quoted)-1]) == content && quoted[0] == '"'
	}
	return bytes.IndexByte(quoted, '\\') > 0 && quoted[0] == '"' && unquote(quoted) == content
}

// unquote returns the content of a JSON string.
func unquote(quoted []byte) string {
	content, _ := jsontext.AppendUnquote(nil, quoted) // fails only for what is no valid UTF-8, and returns it mended
	return string(content)
}
