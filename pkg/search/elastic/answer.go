package elastic

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/store"
)

// answer is that to a search.
type answer struct {
	PIT      string `json:"pit_id"`
	TimedOut bool   `json:"timed_out"`
	Shards   struct {
		Total      int `json:"total"`
		Successful int `json:"successful"`
		Failed     int `json:"failed"`
		Failures   []struct {
			Reason struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"reason"`
		} `json:"failures"`
	} `json:"_shards"`
	Hits struct {
		Total *struct {
			Value    uint64 `json:"value"`
			Relation string `json:"relation"`
		} `json:"total"`
		Hits []hit `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]aggregation `json:"aggregations"`
}

// hit is a document that was found.
type hit struct {
	ID     string             `json:"_id"`
	Source json.RawMessage    `json:"_source"`
	Sort   [2]json.RawMessage `json:"sort"` // by order: time filed under, ID
}

// place is where the document stands in the order.
func (h *hit) place() store.Position {
	n, _ := strconv.ParseInt(string(h.Sort[0]), 10, 64) // null where there is none
	var id string
	_ = json.Unmarshal(h.Sort[1], &id)
	return store.Position{Time: time.Unix(0, n).UTC(), ID: id}
}

// aggregation is what was counted, in one of its forms.
type aggregation struct {
	Value     *float64                   `json:"value"`     // of min and max; null without documents
	Documents uint64                     `json:"doc_count"` // of a filter
	Buckets   []bucket                   `json:"buckets"`
	Error     int64                      `json:"doc_count_error_upper_bound"` // how many documents a value may miss
	After     map[string]json.RawMessage `json:"after_key"`
}

type bucket struct {
	Key       json.RawMessage `json:"key"`
	Documents uint64          `json:"doc_count"`
}

// member is a value of a key of several.
func (b *bucket) member(name string) (json.RawMessage, error) {
	var key map[string]json.RawMessage
	if err := json.Unmarshal(b.Key, &key); err != nil || key[name] == nil {
		return nil, fmt.Errorf("elasticsearch: it counted under the key %.100s, which has no %s", b.Key, name)
	}
	return key[name], nil
}

// text is a key that is a text.
func (b *bucket) text() (text string, err error) {
	if err = json.Unmarshal(b.Key, &text); err != nil {
		err = fmt.Errorf("elasticsearch: it counted under the key %.100s, which is no text", b.Key)
	}
	return text, err
}

// whole holds that an answer is about all that there is.
func (a *answer) whole(target string) error {
	s := &a.Shards
	switch {
	case s.Total == 0:
		return fmt.Errorf("elasticsearch: there is no data stream %s: is the namespace right, and was it set up (kubewitness elastic setup)?", target)
	case a.TimedOut:
		return fmt.Errorf("elasticsearch: it gave up the search before it was done; narrow the time")
	case s.Failed > 0 && len(s.Failures) > 0:
		why := s.Failures[0].Reason
		return fmt.Errorf("elasticsearch: %d of %d shards did not answer: %s: %.300s", s.Failed, s.Total, why.Type, why.Reason)
	case s.Failed > 0 || s.Successful < s.Total:
		return fmt.Errorf("elasticsearch: %d of %d shards did not answer", s.Total-s.Successful, s.Total)
	case a.Hits.Total != nil && a.Hits.Total.Relation != "eq":
		return fmt.Errorf("elasticsearch: it counted up to %d and not to the end", a.Hits.Total.Value)
	}
	return nil
}

func (a *answer) total() uint64 {
	if a.Hits.Total == nil {
		return 0
	}
	return a.Hits.Total.Value
}

// time is that of an aggregation in milliseconds; the zero time without documents.
func (a *answer) time(name string) (time.Time, error) {
	agg, ok := a.Aggregations[name]
	if !ok {
		return time.Time{}, fmt.Errorf("elasticsearch: an answer without %s, which was asked for", name)
	}
	if agg.Value == nil {
		return time.Time{}, nil
	}
	return time.UnixMilli(int64(*agg.Value)).UTC(), nil
}
