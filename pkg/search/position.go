package search

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/store"
)

// positionText writes a position for Summary.Next.
func positionText(p store.Position) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Time.UnixNano(), 10) + " " + p.ID))
}

// parsePosition reads what positionText wrote; the position before all for "".
func parsePosition(text string) (store.Position, error) {
	if text == "" {
		return store.Position{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	nanos, id, ok := strings.Cut(string(b), " ")
	n, noNumber := strconv.ParseInt(nanos, 10, 64)
	if err != nil || noNumber != nil || !ok || id == "" {
		return store.Position{}, badf("search: %.100q is no place to go on from; take the one that the page before gave, or none", text)
	}
	return store.Position{Time: time.Unix(0, n).UTC(), ID: id}, nil
}
