package elastic_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// cluster is as much of Elasticsearch as faults can be laid over: data streams of
// indices that know which IDs they have. What the real one does is tested in
// test/elastic.
type cluster struct {
	t *testing.T

	mu       sync.Mutex
	streams  map[string][]*index
	template bool              // makes streams that are not there
	old      bool              // does not know require_data_stream
	bulk     func(*bulk) error // before a bulk request is answered; may be nil
	do       func(path string) error
	actions  func(target, line string) // each line of a bulk request that creates; may be nil
	bulks    int
	lookUps  int
}

type index struct {
	name       string
	made       time.Time
	docs       map[string]string // body by ID
	searchable map[string]bool   // refreshed
}

// bulk is a bulk request as a fault may change it.
type bulk struct {
	n      int // of all requests, from 1
	target string
	size   int
	ids    []string
	bodies []string
	items  []elasticsearch.BulkItem // nil until it is done
	do     func()                   // does it
}

func newCluster(t *testing.T) *cluster {
	return &cluster{t: t, streams: map[string][]*index{}, template: true}
}

// rollover gives a stream a new write index; what was there before is refreshed only
// as told.
func (c *cluster) rollover(stream string, refreshed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rolloverLocked(stream, refreshed)
}

func (c *cluster) rolloverLocked(stream string, refreshed bool) {
	all := c.streams[stream]
	if refreshed {
		for _, ix := range all {
			for id := range ix.docs {
				ix.searchable[id] = true
			}
		}
	}
	now := time.Now()
	c.streams[stream] = append(all, &index{
		name: fmt.Sprintf(".ds-%s-%s-%06d", stream, now.UTC().Format("2006.01.02"), len(all)+1),
		made: now, docs: map[string]string{}, searchable: map[string]bool{},
	})
}

// found counts documents in all indices of a stream, by ID.
func (c *cluster) found(stream string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]int{}
	for _, ix := range c.streams[stream] {
		for id := range ix.docs {
			all[id]++
		}
	}
	return all
}

func (c *cluster) body(stream, id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ix := range c.streams[stream] {
		if b, ok := ix.docs[id]; ok {
			return b
		}
	}
	return ""
}

var errNoAnswer = &elasticsearch.Unavailable{Err: errors.New("the connection ended without an answer")}

// Bulk implements elastic.Client.
func (c *cluster) Bulk(ctx context.Context, target string, body []byte, n int) ([]elasticsearch.BulkItem, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bulks++
	b := &bulk{n: c.bulks, target: target, size: len(body)}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	if strings.HasPrefix(lines[0], `{"delete"`) {
		for _, l := range lines {
			b.ids = append(b.ids, idOf(c.t, l))
		}
		b.do = func() { c.remove(b) }
	} else {
		for i := 0; i < len(lines); i += 2 {
			b.ids, b.bodies = append(b.ids, idOf(c.t, lines[i])), append(b.bodies, lines[i+1])
			if c.actions != nil {
				c.actions(target, lines[i])
			}
		}
		streamsOnly := strings.Contains(lines[0], `"require_data_stream":true`)
		if streamsOnly && c.old {
			return nil, &elasticsearch.Refused{Status: 400, Type: "illegal_argument_exception", Reason: "Action/metadata line [1] contains an unknown parameter [require_data_stream]"}
		}
		b.do = func() { c.create(b) }
	}
	require.Len(c.t, b.ids, n)
	if c.bulk != nil {
		if err := c.bulk(b); err != nil {
			return nil, err
		}
	}
	if b.items == nil {
		b.do()
	}
	return b.items, ctx.Err()
}

func idOf(t *testing.T, line string) string {
	var action map[string]struct {
		ID string `json:"_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(line), &action), line)
	for _, a := range action {
		return a.ID
	}
	return ""
}

func (c *cluster) create(b *bulk) {
	b.items = nil
	if c.streams[b.target] == nil {
		if !c.template {
			for range b.ids {
				b.items = append(b.items, elasticsearch.BulkItem{Status: 404, Index: b.target, Type: "index_not_found_exception", Reason: "no such index"})
			}
			return
		}
		c.rolloverLocked(b.target, false)
	}
	all := c.streams[b.target]
	ix := all[len(all)-1]
	for i, id := range b.ids {
		it := elasticsearch.BulkItem{Status: 201, Index: ix.name}
		if _, there := ix.docs[id]; there {
			it = elasticsearch.BulkItem{Status: 409, Index: ix.name, Type: "version_conflict_engine_exception"}
		} else {
			ix.docs[id] = b.bodies[i]
		}
		b.items = append(b.items, it)
	}
}

func (c *cluster) remove(b *bulk) {
	b.items = nil
	for _, id := range b.ids {
		status := 404
		if ix := c.index(b.target); ix != nil && ix.docs[id] != "" {
			delete(ix.docs, id)
			status = 200
		}
		b.items = append(b.items, elasticsearch.BulkItem{Status: status, Index: b.target})
	}
}

func (c *cluster) index(name string) *index {
	for _, all := range c.streams {
		for _, ix := range all {
			if ix.name == name {
				return ix
			}
		}
	}
	return nil
}

// Do implements elastic.Client.
func (c *cluster) Do(_ context.Context, method, path string, body []byte, out any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.do != nil {
		if err := c.do(path); err != nil {
			return err
		}
	}
	answer := c.answer(path, body)
	if answer == "" {
		return &elasticsearch.Refused{Status: http.StatusNotFound, Type: "index_not_found_exception", Reason: "no such index"}
	}
	require.NoError(c.t, json.Unmarshal([]byte(answer), out), answer)
	return nil
}

func (c *cluster) answer(path string, body []byte) string {
	if strings.HasPrefix(path, "/_mget?") {
		c.lookUps++
		return c.mget(body)
	}
	name, isResolve := strings.CutPrefix(path, "/_resolve/index/")
	if !isResolve {
		name, _, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	}
	all := c.streams[name]
	switch {
	case all == nil:
		return ""
	case isResolve:
		var names []string
		for _, ix := range all {
			names = append(names, fmt.Sprintf("%q", ix.name))
		}
		return fmt.Sprintf(`{"data_streams":[{"name":%q,"backing_indices":[%s]}]}`, name, strings.Join(names, ","))
	case strings.HasSuffix(path, "/_settings/index.creation_date"):
		var settings []string
		for _, ix := range all {
			settings = append(settings, fmt.Sprintf(`%q:{"settings":{"index":{"creation_date":"%d"}}}`, ix.name, ix.made.UnixMilli()))
		}
		return "{" + strings.Join(settings, ",") + "}"
	}
	c.lookUps++
	var hits []string
	for _, ix := range all {
		for id := range ix.searchable {
			if ix.docs[id] != "" && bytes.Contains(body, []byte(`"`+id+`"`)) {
				hits = append(hits, fmt.Sprintf(`{"_id":%q}`, id))
			}
		}
	}
	return fmt.Sprintf(`{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[%s]}}`, strings.Join(hits, ","))
}

func (c *cluster) mget(body []byte) string {
	var asked struct {
		Docs []struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		} `json:"docs"`
	}
	require.NoError(c.t, json.Unmarshal(body, &asked))
	var docs []string
	for _, d := range asked.Docs {
		ix := c.index(d.Index)
		if ix == nil {
			docs = append(docs, `{"error":{"type":"index_not_found_exception"}}`)
			continue
		}
		docs = append(docs, fmt.Sprintf(`{"found":%v}`, ix.docs[d.ID] != ""))
	}
	return `{"docs":[` + strings.Join(docs, ",") + `]}`
}
