package elastic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/kibana"
)

// rawEvent is what the tests of panels read of a recorded event: not by our own code,
// so that it can tell when that is wrong.
type rawEvent struct {
	AuditID, Stage, Verb string
	User                 struct{ Username string }
	ImpersonatedUser     *struct{ Username string }
	ObjectRef            struct{ Resource, Subresource string }
	Annotations          map[string]string
	StageTimestamp       time.Time
}

func (e *rawEvent) verbIn(verbs ...string) bool { return slices.Contains(verbs, e.Verb) }

// last reports whether the event is the last of its request.
func (e *rawEvent) last() bool { return e.Stage == "ResponseComplete" || e.Stage == "Panic" }

func (e *rawEvent) denied() bool {
	return e.Annotations["authorization.k8s.io/decision"] == "forbid"
}

func (e *rawEvent) session() bool {
	return slices.Contains([]string{"exec", "attach", "portforward"}, e.ObjectRef.Subresource)
}

func (e *rawEvent) rbac() bool {
	return slices.Contains([]string{"roles", "clusterroles", "rolebindings", "clusterrolebindings"}, e.ObjectRef.Resource) &&
		e.verbIn("create", "update", "patch", "delete", "deletecollection")
}

// rawEvents are the events of bodies, each once.
func rawEvents(t *testing.T, bodies [][]byte) (events []rawEvent) {
	t.Helper()
	seen := map[string]bool{}
	for _, b := range bodies {
		r := audit.NewReader(bytes.NewReader(b), "body", audit.Limits{})
		for {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			e.Cluster = "prod"
			if id := e.Identity(); !seen[string(id[:])] {
				seen[string(id[:])] = true
				var raw rawEvent
				require.NoError(t, json.Unmarshal(e.Raw, &raw))
				events = append(events, raw)
			}
		}
	}
	return events
}

// counts are panels and searches whose answer is counted in the recorded events.
var counts = map[string]func(*rawEvent) bool{
	"kubewitness-overview-requests":    (*rawEvent).last,
	"kubewitness-overview-denied":      func(e *rawEvent) bool { return e.last() && e.denied() },
	"kubewitness-search-denied":        func(e *rawEvent) bool { return e.last() && e.denied() },
	"kubewitness-identity-denied":      func(e *rawEvent) bool { return e.last() && e.denied() },
	"kubewitness-identity-anonymous":   func(e *rawEvent) bool { return e.last() && e.User.Username == "system:anonymous" },
	"kubewitness-identity-acting":      func(e *rawEvent) bool { return e.last() && e.ImpersonatedUser != nil },
	"kubewitness-search-impersonation": func(e *rawEvent) bool { return e.last() && e.ImpersonatedUser != nil },
	"kubewitness-secrets-reads": func(e *rawEvent) bool {
		return e.last() && e.ObjectRef.Resource == "secrets" && e.verbIn("get", "list", "watch")
	},
	"kubewitness-search-secrets": func(e *rawEvent) bool {
		return e.last() && e.ObjectRef.Resource == "secrets" && e.verbIn("get", "list", "watch")
	},
	"kubewitness-secrets-rbac":    func(e *rawEvent) bool { return e.last() && e.rbac() },
	"kubewitness-search-rbac":     func(e *rawEvent) bool { return e.last() && e.rbac() },
	"kubewitness-secrets-tokens":  func(e *rawEvent) bool { return e.last() && e.ObjectRef.Subresource == "token" && e.Verb == "create" },
	"kubewitness-pods-sessions":   func(e *rawEvent) bool { return e.last() && e.session() },
	"kubewitness-search-sessions": func(e *rawEvent) bool { return e.last() && e.session() },
	"kubewitness-search-began":    func(e *rawEvent) bool { return e.Stage == "ResponseStarted" && e.session() },
	"kubewitness-pods-debug": func(e *rawEvent) bool {
		return e.last() && e.ObjectRef.Subresource == "ephemeralcontainers" && e.verbIn("update", "patch")
	},
	"kubewitness-pipeline-events":       func(*rawEvent) bool { return true },
	"kubewitness-pipeline-levels":       func(*rawEvent) bool { return true },
	"kubewitness-search-webhooks":       nil, // below: something
	"kubewitness-search-certificates":   nil,
	"kubewitness-secrets-grants":        nil,
	"kubewitness-pods-rights":           nil,
	"kubewitness-identity-accounts":     nil,
	"kubewitness-overview-detections":   nil,
	"kubewitness-search-urgent":         nil,
	"kubewitness-secrets-admins":        nil,
	"kubewitness-pods-privileged":       nil,
	"kubewitness-identity-people-table": nil,
}

// withoutAnswer are panels that find nothing in events that are as they should be.
var withoutAnswer = []string{"kubewitness-pipeline-reduced", "kubewitness-pipeline-faults"}

// oddBody has an event with a text where a pod has a boolean.
const oddBody = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"level":"Request","auditID":"odd-1","stage":"ResponseComplete",
"requestURI":"/api/v1/namespaces/prod/pods","verb":"create","user":{"username":"jane"},"sourceIPs":["10.0.0.1"],"objectRef":{"resource":"pods","namespace":"prod","apiVersion":"v1"},
"responseStatus":{"code":400},"requestObject":{"kind":"Pod","spec":{"hostNetwork":"yes"}},"stageTimestamp":"2026-11-21T10:00:00.000000Z"}]}`

// TestPanels runs, over recorded events, the search that Lens sends for each panel and
// Discover for each saved search.
func TestPanels(t *testing.T) {
	t.Parallel()
	s := server(t)
	all := append(bodies(t, 3_000), []byte(oddBody))
	h := newHouse(t, s, s.URL, "panels")
	h.start()
	for _, b := range all {
		h.post(b)
	}
	h.settled()
	require.NoError(t, h.s.Stop())
	c := open(t, s, nil)
	stream := func(v kibana.View) string { return ecs.Stream(v.Dataset(), "panels") }
	do(t, c, http.MethodPost, "/"+stream(kibana.Events)+","+stream(kibana.Detections)+"/_refresh", "", nil)

	raw := rawEvents(t, all)
	from, to := raw[0].StageTimestamp, raw[0].StageTimestamp
	for _, e := range raw {
		if e.StageTimestamp.Before(from) {
			from = e.StageTimestamp
		}
		if e.StageTimestamp.After(to) {
			to = e.StageTimestamp
		}
	}
	to = to.Add(time.Second) // of the last second too
	requireCount := func(t *testing.T, id string, total int) {
		want, ok := counts[id]
		switch {
		case slices.Contains(withoutAnswer, id):
			assert.Zero(t, total)
		case !ok || want == nil:
			assert.NotZero(t, total, "no event of the corpora is found")
		default:
			n := 0
			for i := range raw {
				if want(&raw[i]) {
					n++
				}
			}
			assert.NotZero(t, n, "a count that shows nothing")
			assert.Equal(t, n, total)
		}
	}
	for _, d := range kibana.Dashboards() {
		for _, p := range d.Panels {
			t.Run(p.ID, func(t *testing.T) {
				a := ask(t, c, stream(p.View), p.Request(from, to))
				requireCount(t, p.ID, a.Hits.Total.Value)
				if a.Hits.Total.Value > 0 {
					requireBuckets(t, p, a.Aggregations, 0)
				}
			})
		}
	}
	for _, search := range kibana.Searches() {
		t.Run(search.ID, func(t *testing.T) {
			a := ask(t, c, stream(search.View), search.Request(from, to))
			requireCount(t, search.ID, a.Hits.Total.Value)
			empty := slices.Clone(search.Columns)
			for _, hit := range a.Hits.Hits {
				empty = slices.DeleteFunc(empty, func(column string) bool { return len(hit.Fields[column]) > 0 })
			}
			assert.Empty(t, empty, "columns without a value in any row")
		})
	}
	t.Run("link", func(t *testing.T) {
		_, query, _ := strings.Cut(kibana.Event("https://k", "0000", from), "kubewitness.id")
		assert.NotEmpty(t, query)
		var found struct {
			Hits struct {
				Hits []struct {
					ID string `json:"_id"`
				}
			}
		}
		do(t, c, http.MethodPost, "/"+stream(kibana.Events)+"/_search", `{"size":1}`, &found)
		id := found.Hits.Hits[0].ID
		a := ask(t, c, stream(kibana.Events), fmt.Appendf(nil, `{"track_total_hits":true,"query":{"kql":{"query":%q}}}`, "kubewitness.id: "+kibana.Quote(id)))
		assert.Equal(t, 1, a.Hits.Total.Value, "the query of a link to an event")
	})
}

// answer is what a search gives.
type answer struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct{ Failed int }
	Hits     struct {
		Total struct{ Value int }
		Hits  []struct{ Fields map[string][]any }
	}
	Aggregations map[string]json.RawMessage
}

func ask(t *testing.T, c *elasticsearch.Client, target string, body []byte) answer {
	t.Helper()
	var a answer
	do(t, c, http.MethodPost, "/"+target+"/_search", string(body), &a)
	assert.False(t, a.TimedOut)
	assert.Zero(t, a.Shards.Failed)
	return a
}

// requireBuckets holds that each bucket has a name and documents, and each measure a
// value. Colours of bars may lack in a bucket.
func requireBuckets(t *testing.T, p kibana.Panel, aggs map[string]json.RawMessage, depth int) {
	t.Helper()
	if depth == len(p.By) {
		for i, m := range p.Show {
			if m.Op == kibana.Count && m.Query == "" {
				continue
			}
			var v struct {
				Value *float64
				Count *int `json:"doc_count"`
			}
			require.NoError(t, json.Unmarshal(aggs[fmt.Sprintf("m%d", i)], &v))
			assert.True(t, v.Value != nil || v.Count != nil, "%s has no value", m.Label)
		}
		return
	}
	var found struct {
		Buckets []map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(aggs[fmt.Sprintf("b%d", depth)], &found))
	if depth == 0 || p.By[depth].Size == 0 {
		require.NotEmpty(t, found.Buckets, p.By[depth].Label)
	}
	if size := p.By[depth].Size; size > 0 {
		assert.LessOrEqual(t, len(found.Buckets), size)
	}
	for _, b := range found.Buckets {
		assert.NotContains(t, []string{"", `""`, "null"}, string(b["key"]), p.By[depth].Label)
		assert.NotEqual(t, "0", string(b["doc_count"]))
		requireBuckets(t, p, b, depth+1)
	}
}
