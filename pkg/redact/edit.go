package redact

import "slices"

// edit replaces text[start:end] by another text, which needs no escape anywhere.
type edit struct {
	start, end int
	text       string
}

// merged sorts the edits of a text and makes one of those that overlap or touch.
func merged(edits []edit) []edit {
	if len(edits) < 2 {
		return edits
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	out := edits[:1]
	for _, e := range edits[1:] {
		last := &out[len(out)-1]
		if e.start > last.end {
			out = append(out, e)
			continue
		}
		last.end = max(last.end, e.end)
		last.text = Marker
	}
	return out
}

// apply returns a copy of the text with the edits, which are in order, made.
func apply(text []byte, edits []edit) []byte {
	size := len(text)
	for _, e := range edits {
		size += len(e.text) - (e.end - e.start)
	}
	out := make([]byte, 0, size)
	from := 0
	for _, e := range edits {
		out = append(out, text[from:e.start]...)
		out = append(out, e.text...)
		from = e.end
	}
	return append(out, text[from:]...)
}

// idle reports whether the edit changes nothing.
func (e edit) idle(text []byte) bool { return string(text[e.start:e.end]) == e.text }
