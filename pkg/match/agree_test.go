package match

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/test/corpora"
)

func loadRules(t testing.TB, strict bool, content []byte) *rules.Ruleset {
	t.Helper()
	cat := field.Default()
	if strict {
		cat = field.Falco()
	}
	rs, results := rules.Load([]rules.File{{Name: "rules.yaml", Content: content}}, rules.Options{Catalogue: cat, Strict: strict})
	require.NotNil(t, rs, "%s", results[0].Text())
	return rs
}

func readEvents(t testing.TB, path string) []*audit.Event {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var events []*audit.Event
	for r := audit.NewReader(f, path, audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return events
		}
		var rej *audit.Rejection
		if errors.As(err, &rej) {
			continue
		}
		require.NoError(t, err)
		events = append(events, e)
	}
}

// agree holds the planned evaluation against the plain one on every event.
func agree(t *testing.T, rs *rules.Ruleset, events []*audit.Event, strict bool) {
	t.Helper()
	cat := field.Default()
	for _, first := range []bool{false, true} {
		opt := Options{Strict: strict, First: first, AppendFields: []string{"evt.num"}}
		fast, err := New(rs, cat, opt)
		require.NoError(t, err)
		plain, err := NewPlain(rs, cat, opt)
		require.NoError(t, err)
		half := &rules.Ruleset{Rules: rs.Rules[len(rs.Rules)/2:]}
		beside, err := NewBeside(rs, half, cat, opt)
		require.NoError(t, err)
		alone, err := New(half, cat, Options{Strict: strict})
		require.NoError(t, err)
		hits := 0
		for i, e := range events {
			c := field.Context{Event: e, Num: uint64(i + 1), First: events[0].Time, Hostname: "h"}
			want := plain.Match(&c)
			got := fast.Match(&c)
			if !assert.Equal(t, want, got, "event %d: %s", i+1, e.Raw) {
				return
			}
			wantMet, _ := alone.Hits(nil, &c)
			both, met := beside.MatchBeside(nil, &c)
			if !assert.Equal(t, want, both, "beside others, event %d: %s", i+1, e.Raw) || !assert.Equal(t, wantMet, met) {
				return
			}
			hits += len(got.Detections)
		}
		t.Logf("%d rules, %d events, %d detections, first %v: the same", len(rs.Rules), len(events), hits, first)
	}
}

func TestAgreesOnConformanceSets(t *testing.T) {
	root := corpora.Root(t)
	for _, set := range []string{"fuzz-2", "fuzz-3", "fuzz-5"} {
		dir := filepath.Join(root, "test", "conformance", set)
		content, err := os.ReadFile(filepath.Join(dir, "rules.yaml"))
		require.NoError(t, err)
		events := readEvents(t, filepath.Join(dir, "events.jsonl.gz"))
		for _, strict := range []bool{true, false} {
			agree(t, loadRules(t, strict, content), events, strict)
		}
	}
}

func TestAgreesOnCorpora(t *testing.T) {
	stock, err := os.ReadFile(corpora.Shared(t, "conformance", "stock", "k8s_audit_rules.yaml"))
	require.NoError(t, err)
	for _, file := range []string{"attacks-a.jsonl.gz", "webhook-bodies-attacks-a.jsonl.gz", "normal.jsonl.gz"} {
		events := readEvents(t, corpora.Shared(t, "corpora", file))
		for _, strict := range []bool{true, false} {
			agree(t, loadRules(t, strict, stock), events, strict)
		}
	}
}
