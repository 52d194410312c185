package redact

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// showing prints about all that a rule can print of an event.
const showing = `
- rule: shows everything
  desc: prints whole objects, parts of texts, texts cut, in capitals and decoded
  condition: ka.target.resource exists or jevt.value[/requestURI] exists
  output: >
    all %jevt.obj data %jevt.value[/requestObject/data] one %jevt.value[/requestObject/data/a]
    map %ka.req.configmap.obj uri %ka.uri params %ka.uri.param[token] cut %12jevt.value[/requestObject/data/a]
    capitals %toupper(jevt.value[/requestObject/data/a]) decoded %b64(jevt.value[/requestObject/data/a])
    annotation %jevt.value[/requestObject/metadata/annotations] response %jevt.value[/responseObject]
    list %ka.req.pod.containers.image message %jevt.rawtime by %ka.user.name on %evt.num
  priority: WARNING
  source: k8s_audit
`

// bench is a matcher with all that belongs to it.
type bench struct {
	matcher *match.Matcher
	printer *Printer
}

func newBench(t testing.TB, content string, opt match.Options) bench {
	t.Helper()
	cat := field.Default()
	rs, results := rules.Load([]rules.File{{Name: "rules.yaml", Content: []byte(content)}}, rules.Options{Catalogue: cat})
	require.NotNil(t, rs, "%s", results[0].Text())
	m, err := match.New(rs, cat, opt)
	require.NoError(t, err)
	p, err := NewPrinter(rs, cat, opt)
	require.NoError(t, err)
	return bench{m, p}
}

func TestPrinter(t *testing.T) {
	r := redactor(t)
	b := newBench(t, showing, match.Options{AppendFields: []string{"jevt.value[/requestObject]"}})
	raw := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"x","stage":"ResponseComplete","stageTimestamp":"2026-01-01T00:00:00Z",
		"requestURI":"/api/v1/configmaps?token=canary","verb":"create","user":{"username":"keep"},
		"objectRef":{"resource":"configmaps","name":"x"},"requestObject":{"kind":"Secret","data":{"a":"Y2FuYXJ5LWNhbmFyeQ=="},
		"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"a\":\"Y2FuYXJ5LWNhbmFyeQ==\"}}"}}}}`
	e := &audit.Event{Raw: []byte(raw)}
	c := &field.Context{Event: e, Num: 7}
	ds := b.matcher.Match(c).Detections
	require.Len(t, ds, 1)
	require.Contains(t, ds[0].Output, "Y2FuYXJ5LWNhbmFyeQ==")

	stored, _ := r.Redacted(e)
	d := b.printer.Detection(c, stored, ds[0])
	assert.Same(t, ds[0].Rule, d.Rule)
	assert.Same(t, e, c.Event)
	for _, secret := range []string{"Y2Fu", "Y2FU", "y2fu", "canary", "CANARY"} {
		assert.NotContains(t, d.Output, secret)
	}
	assert.Contains(t, d.Output, "cut "+Marker)
	assert.Contains(t, d.Output, "by keep on 7")
	require.Len(t, d.Fields, len(ds[0].Fields))
	for i, f := range d.Fields {
		assert.Equal(t, ds[0].Fields[i].Key, f.Key)
		if s, ok := f.Value.(string); ok {
			assert.NotContains(t, s, "Y2Fu")
			assert.NotContains(t, s, "canary")
		}
	}

	same := b.printer.Detection(c, e, ds[0])
	assert.Equal(t, ds[0], same, "nothing was redacted")
	other := newBench(t, showing, match.Options{})
	unknown := other.printer.Detection(c, stored, ds[0])
	assert.Equal(t, Marker, unknown.Output)
	assert.Equal(t, Marker, unknown.Fields[0].Value)
	assert.Equal(t, ds[0].Fields[0].Key, unknown.Fields[0].Key)
}
