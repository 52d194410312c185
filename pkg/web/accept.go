package web

import (
	"mime"
	"strconv"
	"strings"
)

// Media types of answers and bodies.
const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
	typeCSV   = "text/csv"
	typeSSE   = "text/event-stream"
)

// accept chooses among the media types on offer what Accept headers like best; of those
// that they like as much, the one on offer first. It gives "" where they like none.
func accept(headers, offers []string) string {
	if len(headers) == 0 {
		return offers[0]
	}
	best, liking := "", 0.0
	for _, offer := range offers {
		if q := likes(headers, offer); q > liking {
			best, liking = offer, q
		}
	}
	return best
}

// likes gives how much Accept headers like a type: what they say of it most exactly.
func likes(headers []string, offer string) float64 {
	exact, q := 0, 0.0
	for _, part := range strings.Split(strings.Join(headers, ","), ",") {
		name, attrs, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		major, _, _ := strings.Cut(offer, "/")
		fits := map[string]int{"*/*": 1, major + "/*": 2, offer: 3}[name]
		if fits <= exact {
			continue
		}
		exact, q = fits, 1
		if v, ok := attrs["q"]; ok {
			if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 && n <= 1 {
				q = n
			}
		}
	}
	return q
}

// list puts words into a sentence.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
