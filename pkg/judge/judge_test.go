package judge

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// secret is an event that writes a Secret.
const secret = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a-1","stage":"ResponseComplete","verb":"create",` +
	`"requestURI":"/api/v1/namespaces/shop/secrets","user":{"username":"jane"},"sourceIPs":["10.0.0.1"],` +
	`"objectRef":{"resource":"secrets","namespace":"shop","name":"db","apiVersion":"v1"},"responseStatus":{"code":201},` +
	`"requestObject":{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"},"data":{"password":"aHVudGVyMg=="}},` +
	`"stageTimestamp":"2026-11-21T10:00:00Z"}`

const rulesText = `
- rule: Secret Written
  desc: d
  condition: ka.target.resource = secrets and jevt.value[/requestObject/data/password] = "aHVudGVyMg=="
  output: secret (user=%ka.user.name password=%jevt.value[/requestObject/data/password])
  priority: WARNING
  source: k8s_audit
  tags: [T1]
`

func compile(t testing.TB, text string) *Rules {
	t.Helper()
	set, err := ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(text)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	r, err := Compile(set, Options{})
	require.NoError(t, err)
	return r
}

func newJudge(t testing.TB, text string) *Judge {
	t.Helper()
	red, err := redact.New(redact.Config{})
	require.NoError(t, err)
	return New(compile(t, text), red, "host")
}

func read(t testing.TB, raw string) *audit.Event {
	t.Helper()
	e, err := audit.NewReader(strings.NewReader(raw), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	e.Cluster = "prod"
	return e
}

func (j *Judge) decoded(t testing.TB, events ...*audit.Event) []*record.Event {
	t.Helper()
	ids := make([]audit.Identity, len(events))
	for i, e := range events {
		ids[i] = e.Identity()
	}
	items, digest := j.Judge(events, ids)
	out, errs := record.Decode(record.Stored{Source: "webhook", Cluster: "prod", Ruleset: digest, Items: items})
	require.Empty(t, errs)
	return out
}

func TestWhoDecidesSeesNoSecretAndAddsFields(t *testing.T) {
	j := newJudge(t, rulesText)
	e := read(t, secret)
	item, digest := j.JudgeWith(e, e.Identity(), func(found []match.Detection) {
		require.Len(t, found, 1)
		assert.NotContains(t, found[0].Output, "aHVudGVyMg")
		found[0].Fields = append(found[0].Fields, match.OutputField{Key: "kw.verdict", Value: "deny"})
	})
	assert.Equal(t, j.Rules().Digest(), digest)
	out, errs := record.Decode(record.Stored{Source: "admission", Items: []record.Item{item}})
	require.Empty(t, errs)
	fields := out[0].Detections[0].Fields
	assert.Equal(t, match.OutputField{Key: "kw.verdict", Value: "deny"}, fields[len(fields)-1])
}

func TestRulesSeeWhatTheLogDoesNotKeep(t *testing.T) {
	j := newJudge(t, rulesText)
	e := read(t, secret)
	got := j.decoded(t, e)[0]
	require.Len(t, got.Detections, 1, "the rule compares the secret itself")
	d := got.Detections[0]
	assert.Equal(t, "Secret Written", d.Rule.Name)
	assert.Equal(t, "secret (user=jane password="+redact.Marker+")", d.Output)
	assert.NotContains(t, string(got.Event.Raw), "aHVudGVyMg")
	assert.Equal(t, e.Identity(), got.ID, "the identity is that of the event as it came")
	assert.Equal(t, []string{"/requestObject/data/password"}, got.Redacted)
	assert.Equal(t, fmt.Sprintf("%x", j.Rules().Digest()), got.Ruleset)

	c := j.Counters()
	assert.Equal(t, []RuleCounter{{Name: "Secret Written", Priority: "Warning", Matches: 1}}, c.Rules)
	assert.Equal(t, Counters{Events: 1, Detections: 1, Redacted: 1, Rules: c.Rules}, c)
}

// broken is a redactor with a defect.
type broken struct{}

func (broken) Redacted(*audit.Event) (*audit.Event, []string) { panic("defect") }
func (broken) Text(s string) string                           { return s }

func TestEventIsKeptWithoutItsBodiesWhenRedactingFails(t *testing.T) {
	j := newJudge(t, rulesText)
	j.redactor = broken{}
	got := j.decoded(t, read(t, secret))[0]
	assert.NotContains(t, string(got.Event.Raw), "aHVudGVyMg")
	assert.Equal(t, []string{"/requestURI", "/responseStatus", "/requestObject"}, got.Redacted)
	require.Len(t, got.Detections, 1, "the verdict stands")
	assert.NotContains(t, got.Detections[0].Output, "aHVudGVyMg")
	assert.Equal(t, "a-1", got.Event.AuditID)
	assert.Equal(t, "jane", got.Event.Root().Path("user", "username").Text())
	assert.EqualValues(t, 1, j.Counters().Withheld)
}

func TestDigestChangesWithWhatTheRulesSay(t *testing.T) {
	base := compile(t, rulesText).Digest()
	assert.Equal(t, base, compile(t, "# a comment\n"+rulesText).Digest())
	for name, text := range map[string]string{
		"condition": strings.Replace(rulesText, "resource = secrets", "resource = configmaps", 1),
		"output":    strings.Replace(rulesText, "secret (", "a secret (", 1),
		"priority":  strings.Replace(rulesText, "WARNING", "ERROR", 1),
		"tags":      strings.Replace(rulesText, "[T1]", "[T1, T2]", 1),
		"name":      strings.Replace(rulesText, "Secret Written", "Secret Made", 1),
		"a list":    "- list: names\n  items: [secrets]\n" + strings.Replace(rulesText, "resource = secrets", "resource in (names, x)", 1),
		"no rule":   strings.Replace(rulesText, "  source:", "  enabled: false\n  source:", 1),
	} {
		assert.NotEqual(t, base, compile(t, text).Digest(), name)
	}
	set, err := ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(rulesText)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	first, err := Compile(set, Options{First: true})
	require.NoError(t, err)
	assert.NotEqual(t, base, first.Digest())
}

// TestOldRulesServeUntilTheSwap exchanges rules under load: while thousands of
// new ones are compiled, events are judged by the old ones, and each body by one
// set of rules only.
func TestOldRulesServeUntilTheSwap(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", "sample", "audit.jsonl"))
	require.NoError(t, err)
	var batch audit.Batch
	batch.Decode(data, audit.Position{Line: 1}, audit.Limits{})
	require.NotEmpty(t, batch.Events)
	events := batch.Events[:min(len(batch.Events), 50)]
	for i, e := range events {
		events[i] = e.Clone()
		events[i].Root()
	}
	ids := make([]audit.Identity, len(events))

	const rule = "- rule: %s %d\n  desc: d\n  condition: ka.auditid exists and not ka.verb = none%d\n  output: o\n  priority: ERROR\n  source: k8s_audit\n"
	old := compile(t, fmt.Sprintf(rule, "old", 0, 0))
	red, err := redact.New(redact.Config{})
	require.NoError(t, err)
	j := New(old, red, "host")

	var text bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&text, rule, "new", i, i)
	}
	compiled := make(chan *Rules, 1)
	started := make(chan struct{})
	go func() {
		<-started
		compiled <- compile(t, text.String())
	}()

	stop := make(chan struct{})
	var workers sync.WaitGroup
	judged := make([]int, 4) // by worker: bodies before the new rules were ready
	var once sync.Once
	for w := range judged {
		workers.Go(func() {
			for more := true; more; {
				items, digest := j.Judge(events, ids)
				want := `"old 0"`
				if !bytes.Equal(digest, old.Digest()) {
					want = `"new 0"`
				}
				for _, it := range items {
					if !bytes.Contains(it.Detections, []byte(want)) {
						t.Errorf("a body judged by two sets of rules: %.80s", it.Detections)
						return
					}
				}
				judged[w]++
				once.Do(func() { close(started) })
				select {
				case <-stop:
					more = false
				default:
				}
			}
		})
	}
	fresh := <-compiled
	j.Use(fresh)
	_, digest := j.Judge(events, ids)
	assert.Equal(t, fresh.Digest(), digest, "what begins after the swap is judged by the new rules")
	close(stop)
	workers.Wait()
	for _, n := range judged {
		assert.Positive(t, n)
	}
	assert.Equal(t, 2000, j.Rules().Enabled())
}

// BenchmarkJudge is what an event costs between decoding and the log; an
// operation is one event.
func BenchmarkJudge(b *testing.B) {
	f, err := os.Open(filepath.Join("..", "..", "test", "bench", "testdata", "events-3k.jsonl.gz"))
	require.NoError(b, err)
	defer f.Close()
	data, err := io.ReadAll(audit.Decompress(f))
	require.NoError(b, err)
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(b, err)
	r, err := Compile(set, Options{})
	require.NoError(b, err)
	red, err := redact.New(redact.Config{})
	require.NoError(b, err)
	j := New(r, red, "host")
	var batch audit.Batch
	ids := make([]audit.Identity, 100_000)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; {
		batch.Decode(data, audit.Position{Line: 1}, audit.Limits{})
		for k, e := range batch.Events {
			ids[k] = e.Identity()
		}
		j.Judge(batch.Events, ids)
		i += len(batch.Events)
	}
}
