package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// script is a server that answers searches one after the other, as it is told: for
// what a real one does only when something is wrong with it.
type script struct {
	answers        []any // texts and errors
	bodies         []map[string]any
	opened, closed int
}

func (s *script) OpenPIT(context.Context, string, time.Duration) (string, error) {
	s.opened++
	return fmt.Sprint("pit", s.opened), nil
}

func (s *script) ClosePIT(context.Context, string) error {
	s.closed++
	return nil
}

func (s *script) Search(_ context.Context, _ string, body []byte) ([]byte, error) {
	var b map[string]any
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, err
	}
	s.bodies = append(s.bodies, b)
	if len(s.answers) == 0 {
		return nil, errors.New("nobody expected a search more")
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	if err, is := a.(error); is {
		return nil, err
	}
	return []byte(a.(string)), nil
}

func rowsOf(t *testing.T, s *script) *Rows {
	t.Helper()
	r, err := New(Config{Client: s, Namespace: "test", Kind: search.ColumnKind})
	require.NoError(t, err)
	return r
}

// page is an answer with events, named by number.
func page(t *testing.T, from, to int) string {
	t.Helper()
	var hits []string
	for i := from; i < to; i++ {
		e := eventOf(t, i)
		hits = append(hits, fmt.Sprintf(`{"_id":%q,"_source":%s,"sort":[%d,%q]}`, ecs.ID(e), ecs.AppendEvent(nil, e, &ecs.Options{Namespace: "test"}), e.Filed().UnixNano(), ecs.ID(e)))
	}
	return answered(`"hits":{"hits":[` + strings.Join(hits, ",") + `]}`)
}

func answered(inside string) string {
	return `{"pit_id":"next","timed_out":false,"_shards":{"total":2,"successful":2,"failed":0},` + inside + `}`
}

func eventOf(t *testing.T, i int) *record.Event {
	t.Helper()
	raw := fmt.Sprintf(`{"kind":"Event","auditID":"a%d","stage":"ResponseComplete","verb":"get","stageTimestamp":"2026-11-21T19:17:56.%09dZ"}`, i, 999_999_999-i)
	var b audit.Batch
	b.Decode([]byte(raw), audit.Position{Input: "test", Line: 1}, audit.Limits{})
	require.Len(t, b.Events, 1)
	e := b.Events[0].Clone()
	e.Cluster = "prod"
	return &record.Event{Event: e, ID: e.Identity(), Source: "webhook", Received: time.Date(2026, 11, 21, 19, 17, 57, 123456789, time.UTC)}
}

var missing = &elasticsearch.Refused{Status: http.StatusNotFound, Type: "search_phase_execution_exception", Reason: "No search context found"}

// TestPointInTimeEnds: another one goes on behind the last document.
func TestPointInTimeEnds(t *testing.T) {
	s := &script{answers: []any{page(t, 0, firstPage), missing, page(t, firstPage, firstPage+3)}}
	var got []store.Row
	require.NoError(t, rowsOf(t, s).Newest(t.Context(), store.Query{}, store.Scan{}, func(r store.Row) error {
		got = append(got, r)
		return nil
	}))
	require.Len(t, got, firstPage+3)
	for i, r := range got {
		require.Equal(t, row.Encode(eventOf(t, i)), r)
	}
	assert.Equal(t, 2, s.opened)
	last := got[firstPage-1]
	assert.Equal(t, []any{float64(last.Time.UnixNano()), last.ID}, s.bodies[2]["search_after"])
	assert.Equal(t, map[string]any{"id": "pit2", "keep_alive": "120000ms"}, s.bodies[2]["pit"])
	assert.Equal(t, 1, s.closed)
}

// TestNotWhole: an answer that is about a part of what there is, is none.
func TestNotWhole(t *testing.T) {
	for answer, want := range map[string]string{
		`{"timed_out":true,"_shards":{"total":2,"successful":2}}`:                                                   "gave up the search",
		`{"_shards":{"total":2,"successful":1,"failed":1,"failures":[{"reason":{"type":"io","reason":"broken"}}]}}`: "1 of 2 shards did not answer: io: broken",
		`{"_shards":{"total":3,"successful":2,"failed":0}}`:                                                         "1 of 3 shards did not answer",
		`{"_shards":{"total":0}}`: "no data stream logs-kubernetes.audit_logs-test",
		`{"_shards":{"total":1,"successful":1},"hits":{"total":{"value":10000,"relation":"gte"}}}`: "counted up to 10000",
		`{"_shards":{"total":1,"successful":1},"hits":{"hits":[`:                                   "cannot be read",
	} {
		s := &script{answers: []any{answer, answer}}
		_, err := rowsOf(t, s).Count(t.Context(), store.Query{Filter: store.Exists{Column: "ka.verb"}})
		assert.ErrorContains(t, err, want)
		s = &script{answers: []any{answer, answer}}
		err = rowsOf(t, s).Newest(t.Context(), store.Query{}, store.Scan{}, func(store.Row) error { return nil })
		assert.ErrorContains(t, err, want)
	}
}

// TestTooMuchForTheServer: what is refused is asked for with less, and judged here.
func TestTooMuchForTheServer(t *testing.T) {
	refused := &elasticsearch.Refused{Status: http.StatusBadRequest, Type: "search_phase_execution_exception", Reason: "too complex to determinize"}
	q := store.Query{Filter: store.And{store.Equal{Column: "ka.verb", Values: []string{"get"}}, store.Contains{Column: "ka.auditid", Text: "1"}}}
	s := &script{answers: []any{refused, refused, page(t, 0, 12)}}
	n := 0
	require.NoError(t, rowsOf(t, s).Newest(t.Context(), q, store.Scan{}, func(store.Row) error {
		n++
		return nil
	}))
	assert.Equal(t, 3, n, "a1, a10, a11")
	text := func(i int) string {
		b, err := json.Marshal(s.bodies[i]["query"])
		require.NoError(t, err)
		return string(b)
	}
	assert.Contains(t, text(0), "wildcard")
	assert.NotContains(t, text(1), "wildcard")
	assert.Contains(t, text(1), `"get"`)
	assert.NotContains(t, text(2), `"get"`)

	s = &script{answers: []any{refused, refused, refused}}
	err := rowsOf(t, s).Newest(t.Context(), q, store.Scan{}, func(store.Row) error { return nil })
	assert.ErrorIs(t, err, error(refused))
}

// TestErrorOfYield: what a taker of rows says is no failure of the server.
func TestErrorOfYield(t *testing.T) {
	mine := &elasticsearch.Refused{Status: http.StatusBadRequest}
	s := &script{answers: []any{page(t, 0, 3)}}
	err := rowsOf(t, s).Newest(t.Context(), store.Query{}, store.Scan{}, func(store.Row) error { return mine })
	assert.Equal(t, error(mine), err)
	assert.Len(t, s.bodies, 1)
	s = &script{answers: []any{page(t, 0, 3)}}
	assert.NoError(t, rowsOf(t, s).Newest(t.Context(), store.Query{}, store.Scan{}, func(store.Row) error { return store.ErrStop }))
}

// TestTooLargeAnAnswer: fewer documents are asked for where none of an answer came.
func TestTooLargeAnAnswer(t *testing.T) {
	failed := &elasticsearch.Unavailable{Err: errors.New("larger than is read")}
	s := &script{answers: []any{failed, page(t, 0, leastPage), page(t, leastPage, leastPage+1)}}
	n := 0
	require.NoError(t, rowsOf(t, s).Newest(t.Context(), store.Query{}, store.Scan{}, func(store.Row) error {
		n++
		return nil
	}))
	assert.Equal(t, leastPage+1, n)
	assert.EqualValues(t, leastPage, s.bodies[1]["size"])

	s = &script{answers: []any{failed, failed}}
	err := rowsOf(t, s).Newest(t.Context(), store.Query{}, store.Scan{}, func(store.Row) error { return nil })
	assert.ErrorIs(t, err, error(failed))
}

// TestLost: a document that is no event any more has its place, and is not counted in
// silence.
func TestLost(t *testing.T) {
	lost := answered(`"hits":{"hits":[{"_id":"ab","_source":{"kubewitness":{"id":"ab","filed":5}},"sort":[5,"ab"]}]}`)
	s := &script{answers: []any{lost}}
	var got []store.Row
	require.NoError(t, rowsOf(t, s).Newest(t.Context(), store.Query{Filter: store.Exists{Column: "ka.verb"}}, store.Scan{}, func(r store.Row) error {
		got = append(got, r)
		return nil
	}))
	require.Equal(t, []store.Row{{ID: "ab", Time: time.Unix(0, 5).UTC(), Lost: true}}, got)

	one := answered(`"hits":{"total":{"value":1,"relation":"eq"},"hits":[]},"aggregations":{"sure":{"doc_count":0}}`)
	s = &script{answers: []any{one, lost}}
	_, err := rowsOf(t, s).Count(t.Context(), store.Query{Filter: store.Exists{Column: "ka.verb"}})
	assert.ErrorContains(t, err, "no event.original that can be read")
}

func TestNamespace(t *testing.T) {
	for name, ok := range map[string]bool{"prod": true, "*": true, "team_1.x": true, "": false, "a,b": false, "../x": false, "a-b": false, "A": false, "a b": false} {
		_, err := New(Config{Client: &script{}, Namespace: name, Kind: search.ColumnKind})
		assert.Equal(t, ok, err == nil, name)
	}
}

func TestTimeOf(t *testing.T) {
	at := time.Unix(0, 1_700_000_000_123_456_789)
	for _, c := range []struct {
		q    store.Query
		want string
	}{
		{store.Query{}, `{"match_all":{}}`},
		{store.Query{From: at}, `{"bool":{"filter":[{"range":{"@timestamp":{"format":"epoch_millis","gte":1700000000123}}},{"range":{"kubewitness.filed":{"gte":1700000000123456789}}}]}}`},
		{store.Query{To: at}, `{"bool":{"filter":[{"range":{"@timestamp":{"format":"epoch_millis","lte":1700000000123}}},{"range":{"kubewitness.filed":{"lte":1700000000123456788}}}]}}`},
		{store.Query{From: at, To: at}, `{"match_none":{}}`},
		{store.Query{From: time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), To: at}, `{"match_none":{}}`},
		{store.Query{To: time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)}, `{"match_all":{}}`},
	} {
		assert.Equal(t, c.want, string(encode(timeOf(c.q))))
	}
}
