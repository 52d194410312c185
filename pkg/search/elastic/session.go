package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// keepAlive is how long the server keeps a point in time that nobody asks for. Whoever
// takes rows more slowly gets another one: what comes next is told by its place in
// the order.
const keepAlive = 2 * time.Minute

var keepAliveText = strconv.FormatInt(keepAlive.Milliseconds(), 10) + "ms"

// maxReopened is how often a point in time may be gone before anything came of it.
const maxReopened = 3

// session asks about documents as they were at one point in time.
type session struct {
	rows *Rows
	pit  string
}

// with calls f with a session.
func (r *Rows) with(ctx context.Context, f func(*session) error) error {
	s := &session{rows: r}
	defer s.close(ctx)
	return f(s)
}

// open opens a point in time. A stream or a shard that is missing is an error.
func (s *session) open(ctx context.Context) (err error) {
	if s.pit, err = s.rows.cfg.Client.OpenPIT(ctx, s.rows.target, keepAlive); err != nil {
		return s.rows.told(err)
	}
	return nil
}

// close lets go of the point in time, also when the search was given up.
func (s *session) close(ctx context.Context) {
	if s.pit == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.rows.cfg.Client.ClosePIT(ctx, s.pit) // or it ends by itself
	s.pit = ""
}

// request is a search.
type request struct {
	Query  json.RawMessage
	Size   int
	Count  bool     // all documents that are found
	After  []any    // values of the order that the documents come behind
	Oldest bool     // in the opposite order
	Source []string // what is wanted of them
	Aggs   object
}

// order is that of rows: newest first, of one time the higher ID first.
var order = orderOf("desc")

func orderOf(direction string) []object {
	return []object{
		{filedField: object{"order": direction, "unmapped_type": "long"}},
		{idField: object{"order": direction, "unmapped_type": "keyword"}},
	}
}

func (q *request) body(pit string) []byte {
	body := object{
		"pit": object{"id": pit, "keep_alive": keepAliveText}, "query": q.Query, "size": q.Size, "track_total_hits": q.Count,
	}
	if q.Size > 0 {
		body["sort"], body["_source"] = order, q.Source
		if q.Oldest {
			body["sort"] = orderOf("asc")
		}
	}
	if q.After != nil {
		body["search_after"] = q.After
	}
	if q.Aggs != nil {
		body["aggs"] = q.Aggs
	}
	text, _ := json.Marshal(body) // texts and numbers: it cannot fail
	return text
}

// search asks, of the whole of what there is: an answer that lacks a shard, or the time
// for it, is an error.
func (s *session) search(ctx context.Context, q request) (*answer, error) {
	for reopened := 0; ; reopened++ {
		if s.pit == "" {
			if err := s.open(ctx); err != nil {
				return nil, err
			}
		}
		text, err := s.rows.cfg.Client.Search(ctx, "", q.body(s.pit))
		switch {
		case err != nil && gone(err) && reopened < maxReopened:
			s.pit = ""
			continue
		case err != nil:
			return nil, s.rows.told(err)
		}
		a := new(answer)
		if err := json.Unmarshal(text, a); err != nil {
			return nil, fmt.Errorf("elasticsearch: its answer to a search cannot be read: %w", err)
		}
		if a.PIT != "" {
			s.pit = a.PIT
		}
		return a, a.whole(s.rows.target)
	}
}

// gone tells whether a point in time has ended.
func gone(err error) bool {
	var r *elasticsearch.Refused
	return errors.As(err, &r) && r.Status == http.StatusNotFound && r.Type != "index_not_found_exception"
}

// told says what to do about a failure, where that is known.
func (r *Rows) told(err error) error {
	var refused *elasticsearch.Refused
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Status {
	case http.StatusNotFound:
		return fmt.Errorf("%w; there is no data stream %s: is the namespace right, and was it set up (kubewitness elastic setup)?", err, r.target)
	case http.StatusUnauthorized:
		return fmt.Errorf("%w; the credentials are not known there", err)
	case http.StatusForbidden:
		return fmt.Errorf("%w; to search, the user or API key needs the privilege read on %s", err, r.target)
	}
	return err
}
