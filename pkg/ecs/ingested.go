package ecs

import (
	"bytes"
	"time"
)

// What the time stands behind in a document. Inside of a text its quotes would be escaped.
const ingestedKey = `,"ingested":"`

// ingestedLayout has one width, so that a time can be written over another.
const ingestedLayout = "2006-01-02T15:04:05.000Z"

// ingested appends event.ingested: when the event was received, until [Ingest] knows better.
func (w *writer) ingested(dst []byte) []byte {
	dst = append(dst, ingestedKey...)
	dst = within(w.e.Received).UTC().AppendFormat(dst, ingestedLayout)
	return append(dst, '"')
}

// Ingest writes event.ingested into a document of any of this package's shapes. It is for
// who sends the document, just before: that can be hours after it was made, and a rule of
// Elastic's looks at what was ingested since it last ran.
func Ingest(document []byte, at time.Time) {
	i := bytes.Index(document, []byte(ingestedKey))
	if i < 0 {
		return
	}
	var text [2 * len(ingestedLayout)]byte
	copy(document[i+len(ingestedKey):], within(at).UTC().AppendFormat(text[:0], ingestedLayout))
}
