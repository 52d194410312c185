package elastic

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// question is a question in KQL with the ids of the events that answer it, NAME:LINE. A
// kind that ends in "none" is of a question that nothing may answer.
type question struct {
	Kind string
	KQL  string `json:"kql"`
	IDs  []string
}

// kqlCorpora are the raw events that are asked about, by name.
func kqlCorpora(t *testing.T) map[string]string {
	return map[string]string{
		"a": corpora.Shared(t, "corpora", "attacks-a.jsonl.gz"),
		"w": filepath.Join(corpora.Root(t), "pkg", "ecs", "testdata", "events.jsonl"),
	}
}

const expectedKQL = "expected/kql.json"

// TestExpectedOfKQL holds that the answers are those which the script finds in the raw
// events: it reads audit logs and knows nothing of documents.
func TestExpectedOfKQL(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	files := kqlCorpora(t)
	cmd := exec.Command(python, "expected/kql.py", "a="+files["a"], "w="+files["w"])
	cmd.Stderr = os.Stderr
	got, err := cmd.Output()
	require.NoError(t, err)
	want, err := os.ReadFile(expectedKQL)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "write what the script prints to %s", expectedKQL)
}

// TestKQL asks the server questions as Kibana's users do, and as rules there do.
func TestKQL(t *testing.T) {
	t.Parallel()
	s := newStream(t, ecs.AuditLogs, "kql")
	s.opts.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/29")}
	s.putLines(kqlCorpora(t))

	var questions []question
	b, err := os.ReadFile(expectedKQL)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &questions))
	kinds := map[string]int{}
	for _, q := range questions {
		kinds[q.Kind]++
		assert.Equal(t, strings.HasSuffix(q.Kind, ", none"), len(q.IDs) == 0, q.KQL)
		want := slices.Sorted(slices.Values(q.IDs))
		assert.Equal(t, want, s.ids(kql(q.KQL)), q.KQL)
	}
	assert.GreaterOrEqual(t, len(questions), 80)
	for _, kind := range []string{"keyword", "integer", "long", "boolean", "ip", "date", "flattened", "text"} {
		assert.GreaterOrEqual(t, kinds[kind+", none"], 5, kind)
		assert.Positive(t, kinds[kind], kind)
	}
}

// putLines indexes files of events, each under its name and line.
func (s *stream) putLines(files map[string]string) {
	b := &bulk{s: s}
	for name, path := range files {
		f, err := os.Open(path)
		require.NoError(s.t, err)
		defer f.Close()
		lines := bufio.NewScanner(audit.Decompress(f))
		lines.Buffer(nil, 16<<20)
		for n := 1; lines.Scan(); n++ {
			e, err := audit.NewReader(strings.NewReader(lines.Text()), path, audit.Limits{}).Next()
			require.NoError(s.t, err)
			r := recordOf(e)
			b.add(fmt.Sprintf("%s:%d", name, n), func(dst []byte) []byte { return ecs.AppendEvent(dst, r, &s.opts) })
		}
		require.NoError(s.t, lines.Err())
	}
	b.flush()
	require.Empty(s.t, b.refused)
	s.call("POST", "/"+s.name+"/_refresh", nil, nil)
}

// ids are the _ids of the documents that a query finds, sorted.
func (s *stream) ids(query string) (ids []string) {
	s.t.Helper()
	var answer struct {
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			}
		}
	}
	s.call("POST", "/"+s.name+"/_search?size=10000&_source=false&filter_path=hits.hits._id", []byte(`{"query":`+query+`}`), &answer)
	for _, h := range answer.Hits.Hits {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return ids
}
