package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// BulkItem is what became of a document of a bulk request, by its place in it.
type BulkItem struct {
	Status int    // 201 created, 409 was there, 429 and 5xx to be tried again, other 4xx refused
	Index  string // the index, behind a data stream, that took it or has it; "" unless told
	Type   string // of the error
	Reason string // of the error, and what is behind it; it may quote the document
}

// bulkFilter has the server leave out of the answer what nobody reads, which is most of
// it.
var bulkFilter = []string{
	"error", "status", "errors", "items.*.status", "items.*._index",
	"items.*.error.type", "items.*.error.reason",
	"items.*.error.caused_by.reason", "items.*.error.caused_by.caused_by.reason",
}

// Bulk sends a body of n pairs of lines, action and document, to a data stream or an
// index, and gives one item for each pair; with the target "" each action names its own.
// An action without a document, a delete, counts as a pair too. An answer that is cut
// short, cannot be read, or does not have n items is *Unavailable: nobody knows then
// what was done, and the same body may be sent again where its actions are creates with
// an _id. With several nodes it is sent again, once to each, when a connection breaks.
// The body may be used again once it returns.
func (c *Client) Bulk(ctx context.Context, target string, body []byte, n int) ([]BulkItem, error) {
	if n == 0 {
		return nil, nil
	}
	conn := c.conn.Load()
	a, err := c.send(ctx, call{method: http.MethodPost, size: len(body), again: true, do: func(ctx context.Context, t esapi.Transport) (*esapi.Response, error) {
		reader, header, err := c.encode(body, "application/x-ndjson")
		if err != nil {
			return nil, err
		}
		return esapi.BulkRequest{Index: escape(target), Body: reader, Header: header, FilterPath: bulkFilter}.Do(ctx, t)
	}})
	if err != nil {
		return nil, err
	}
	items, forbidden, err := readBulk(a.body, n)
	if err != nil {
		return nil, a.unusable(err)
	}
	if forbidden {
		// Rights to single indices are told item by item. New ones count from the next call on.
		_, _ = c.renew(conn) // an unreadable file is told by a call that is refused as a whole
	}
	return items, nil
}

// bulkOutcome is an item of the answer.
type bulkOutcome struct {
	Index  string   `json:"_index"`
	Status int      `json:"status"`
	Error  *failure `json:"error"`
}

// bulkEntry is an item under the name of its action.
type bulkEntry struct {
	Create, Index, Update, Delete *bulkOutcome
}

func (e *bulkEntry) outcome() *bulkOutcome {
	for _, o := range []*bulkOutcome{e.Create, e.Index, e.Update, e.Delete} {
		if o != nil {
			return o
		}
	}
	return nil
}

// readBulk reads the answer to n actions, and reports whether rights were wanting.
func readBulk(body []byte, n int) (items []BulkItem, forbidden bool, err error) {
	if items, ok := readCreated(body, n); ok {
		return items, false, nil
	}
	return readOutcomes(body, n)
}

// readOutcomes reads any answer.
func readOutcomes(body []byte, n int) (items []BulkItem, forbidden bool, err error) {
	answer := struct {
		Errors *bool
		Items  []bulkEntry
	}{Items: make([]bulkEntry, 0, n)}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, false, fmt.Errorf("the answer of %d bytes cannot be read: %w", len(body), err)
	}
	switch {
	case answer.Errors == nil:
		return nil, false, errors.New("the answer is not that of a bulk request")
	case len(answer.Items) != n:
		return nil, false, fmt.Errorf("the answer tells of %d documents, of %d that were sent", len(answer.Items), n)
	}
	items = make([]BulkItem, n)
	for i := range answer.Items {
		o := answer.Items[i].outcome()
		if o == nil || o.Status < 200 || o.Status > 599 {
			return nil, false, fmt.Errorf("the answer does not tell what became of document %d of %d", i+1, n)
		}
		items[i] = BulkItem{Status: o.Status, Index: o.Index}
		if o.Error != nil {
			items[i].Type, items[i].Reason = o.Error.Type, o.Error.text()
		}
		forbidden = forbidden || o.Status == http.StatusUnauthorized || o.Status == http.StatusForbidden
	}
	return items, forbidden, nil
}

// escape makes names of indices, with commas between them, one element of a path.
func escape(target string) string {
	return strings.ReplaceAll(url.PathEscape(target), "%2C", ",")
}
