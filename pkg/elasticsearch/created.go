package elasticsearch

import (
	"bytes"
	"net/http"
)

// The answer of a server that created all documents, as it writes it under bulkFilter.
const (
	createdBegin  = `{"errors":false,"items":[`
	createdItem   = `{"create":{"_index":"`
	createdStatus = `","status":201}}`
	createdEnd    = `]}`
)

// readCreated reads the answer to n creates that all were done, letter by letter as
// Elasticsearch writes it: nearly every answer is one, and this takes a fraction of the
// time of a reader of JSON. ok is false for any other answer, which is read as JSON then.
func readCreated(body []byte, n int) (items []BulkItem, ok bool) {
	body, ok = bytes.CutPrefix(bytes.TrimSpace(body), []byte(createdBegin))
	if !ok || n > len(body)/(len(createdItem)+len(createdStatus)) {
		return nil, false
	}
	items = make([]BulkItem, n)
	index := ""
	for i := range items {
		if i > 0 {
			if body, ok = bytes.CutPrefix(body, []byte{','}); !ok {
				return nil, false
			}
		}
		if body, ok = bytes.CutPrefix(body, []byte(createdItem)); !ok {
			return nil, false
		}
		name := body[:max(0, bytes.IndexByte(body, '"'))]
		if body, ok = bytes.CutPrefix(body[len(name):], []byte(createdStatus)); !ok || !plain(name) {
			return nil, false
		}
		if string(name) != index {
			index = string(name)
		}
		items[i] = BulkItem{Status: http.StatusCreated, Index: index}
	}
	return items, string(body) == createdEnd
}

// plain reports whether a text is in JSON what it is, as names of indices are.
func plain(text []byte) bool {
	for _, b := range text {
		if b <= ' ' || b == '\\' || b > '~' {
			return false
		}
	}
	return true
}
