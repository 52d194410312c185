package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// known looks for documents that were not tried yet in the indices before the write
// index, and settles those that are there.
func (s *Sink) known(ctx context.Context, b *batch, v *view, docs []*document) error {
	st, now := s.streams[b.lane], s.cfg.Now()
	var search []*document
	var ask []place
	for _, d := range docs {
		if d.looked {
			continue
		}
		searched, asked := v.earlier(d.born, now)
		d.blind = st.muted() && (searched || len(asked) > 0)
		if searched {
			search = append(search, d)
		}
		for _, index := range asked {
			ask = append(ask, place{index, d})
		}
	}
	found, err := s.lookUp(ctx, st, search, ask)
	if err != nil {
		return err
	}
	var there []*document
	for _, d := range docs {
		if !d.looked {
			d.looked, d.from = true, v.write()
			if found[d.id] {
				there = append(there, d)
			}
		}
	}
	s.settle(b, there, func() { s.stats.Found += uint64(len(there)) })
	return nil
}

// lookUp tells which documents are there. Where the key may not look, none is, and
// those that it was to look for are marked.
func (s *Sink) lookUp(ctx context.Context, st *stream, search []*document, ask []place) (map[string]bool, error) {
	if st.muted() || len(search)+len(ask) == 0 {
		return nil, nil
	}
	found := map[string]bool{}
	err := s.search(ctx, st.name, search, found)
	if err == nil {
		err = s.ask(ctx, ask, func(p place) { found[p.doc.id] = true })
	}
	if !forbidden(err) {
		return found, err
	}
	s.cannotLook(st, err)
	for _, d := range search {
		d.blind = true
	}
	for _, p := range ask {
		p.doc.blind = true
	}
	return nil, nil
}

func forbidden(err error) bool {
	var refused *elasticsearch.Refused
	return errors.As(err, &refused) && refused.Status == http.StatusForbidden
}

// cannotLook goes on without look-ups until the indices are listed again.
func (s *Sink) cannotLook(st *stream, err error) {
	st.mute(true)
	st.mu.Lock()
	told := st.told
	st.told = true
	st.mu.Unlock()
	if !told {
		s.cfg.Logger.Warn("elasticsearch: the key may not look documents up, so that one may be indexed twice when it comes again behind a rollover; give it view_index_metadata and read",
			"stream", st.name, "problem", err)
	}
}

// lookedFor counts a request for look-ups.
func (s *Sink) lookedFor(documents int) {
	s.count(func() { s.stats.LookUps++; s.stats.LookedUp += uint64(documents) })
}

// drift is how much earlier than a document's own time its @timestamp may be: the clock
// of an API server can have been ahead so much that it was filed under another one.
const drift = 24 * time.Hour

// search finds documents in all indices of a stream, as far as those are refreshed.
func (s *Sink) search(ctx context.Context, target string, docs []*document, found map[string]bool) error {
	if len(docs) == 0 {
		return nil
	}
	ids, least, bounded := make([]string, len(docs)), docs[0].born, true
	for i, d := range docs {
		ids[i] = d.id
		bounded = bounded && !d.born.IsZero()
		if d.born.Before(least) {
			least = d.born
		}
	}
	filter := []any{map[string]any{"ids": map[string]any{"values": ids}}}
	if bounded { // shards that hold nothing so late are left out unseen
		at := least.Add(-drift).UTC().Format(time.RFC3339)
		filter = append(filter, map[string]any{"range": map[string]any{"@timestamp": map[string]any{"gte": at, "format": "strict_date_time_no_millis"}}})
	}
	body, err := json.Marshal(map[string]any{
		"size": 2 * len(docs), // in case of doubles
		"sort": []string{"_doc"}, "_source": false, "track_total_hits": false,
		"query": map[string]any{"bool": map[string]any{"filter": filter}},
	})
	if err != nil { // cannot be: texts
		return err
	}
	var answer struct {
		TimedOut bool `json:"timed_out"`
		Shards   struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			} `json:"hits"`
		} `json:"hits"`
	}
	s.lookedFor(len(docs))
	path := "/" + url.PathEscape(target) + "/_search?allow_partial_search_results=false&filter_path=timed_out,_shards.failed,hits.hits._id"
	if err := s.cfg.Client.Do(ctx, http.MethodPost, path, body, &answer); err != nil {
		return err
	}
	if answer.TimedOut || answer.Shards.Failed > 0 {
		return &elasticsearch.Unavailable{Err: errors.New("a look-up was not answered by all shards")}
	}
	for _, h := range answer.Hits.Hits {
		found[h.ID] = true
	}
	return nil
}

// place is a document, and an index that may have it.
type place struct {
	index string
	doc   *document
}

// mostAsked is how many places one request asks for.
const mostAsked = 10_000

// ask calls for each place that has its document, refreshed or not.
func (s *Sink) ask(ctx context.Context, places []place, has func(place)) error {
	for len(places) > 0 {
		n := min(len(places), mostAsked)
		if err := s.askSome(ctx, places[:n], has); err != nil {
			return err
		}
		places = places[n:]
	}
	return nil
}

func (s *Sink) askSome(ctx context.Context, places []place, has func(place)) error {
	type doc struct {
		Index  string `json:"_index"`
		ID     string `json:"_id"`
		Source bool   `json:"_source"`
	}
	docs := make([]doc, len(places))
	for i, p := range places {
		docs[i] = doc{Index: p.index, ID: p.doc.id}
	}
	body, err := json.Marshal(map[string]any{"docs": docs})
	if err != nil { // cannot be: texts
		return err
	}
	var answer struct {
		Docs []struct {
			Found bool `json:"found"`
			Error *struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"docs"`
	}
	s.lookedFor(len(places))
	if err := s.cfg.Client.Do(ctx, http.MethodPost, "/_mget?filter_path=docs.found,docs.error.type,docs.error.reason", body, &answer); err != nil {
		return err
	}
	if len(answer.Docs) != len(places) {
		return &elasticsearch.Unavailable{Err: errors.New("a look-up was answered for another number of documents")}
	}
	for i, d := range answer.Docs {
		switch {
		case d.Error == nil:
			if d.Found {
				has(places[i])
			}
		case d.Error.Type == "index_not_found_exception": // its time was over
		case d.Error.Type == "security_exception":
			return &elasticsearch.Refused{Status: http.StatusForbidden, Type: d.Error.Type, Reason: d.Error.Reason}
		default:
			return &elasticsearch.Unavailable{Err: errors.New("a look-up failed: " + d.Error.Type)}
		}
	}
	return nil
}
