package mutate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// terms are macros and a list for conditions.
func terms(t testing.TB) *rules.Ruleset {
	t.Helper()
	rs, results := rules.Load([]rules.File{{Name: "f", Content: []byte("- list: teams\n  items: [shop, stage]\n" +
		"- macro: privileged\n  condition: kw.pod.containers.privileged intersects (true)\n")}}, rules.Options{Catalogue: field.Default()})
	require.NotNil(t, rs, "%v", results)
	return rs
}

func file(t testing.TB, text string) *File {
	t.Helper()
	f, err := Parse("mutate.yaml", []byte(text), terms(t))
	require.NoError(t, err)
	return f
}

// one is a file with an entry that has an action.
func one(t testing.TB, action string) *File {
	t.Helper()
	return file(t, "mutate: [{name: one, "+action+"}]")
}

// fromYAML gives a value as an API server sends it.
func fromYAML(t testing.TB, text string) audit.Value {
	t.Helper()
	if text == "" {
		return audit.Value{}
	}
	n, err := yamlnode.Parse([]byte(text))
	require.NoError(t, err)
	b, err := json.Marshal(n.Plain())
	require.NoError(t, err)
	v, err := audit.ParseValue(b)
	require.NoError(t, err)
	return v
}

// requestOf is a request of jane about an object in the namespace shop of the cluster prod.
func requestOf(object, old audit.Value, subresource string) *Request {
	return &Request{Object: object, Old: old, Subresource: subresource, Event: func(object audit.Value) (*audit.Event, error) {
		return audit.Converted{Cluster: "prod", Raw: fmt.Appendf(nil, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"u","stage":"ResponseComplete","verb":"create",`+
			`"user":{"username":"jane","groups":["dev"]},"objectRef":{"resource":"pods","namespace":"shop","name":"web","apiVersion":"v1","subresource":%q},`+
			`"requestObject":%s,"stageTimestamp":%q}`, subresource, object.Compact(), time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC).Format(time.RFC3339))}.Event()
	}}
}

// apply applies a file, and holds what is true of every change: the patch makes of the one
// object the other, by a library that is not ours, and what comes out is left alone.
func apply(t testing.TB, f *File, r *Request) Change {
	t.Helper()
	c, err := f.Apply(r)
	require.NoError(t, err)
	hold(t, f, r, c)
	return c
}

func hold(t testing.TB, f *File, r *Request, c Change) {
	t.Helper()
	if c.Patch == nil {
		require.Empty(t, c.Entries)
		require.Nil(t, c.Object)
		return
	}
	require.NotEmpty(t, c.Entries)
	patch, err := jsonpatch.DecodePatch(c.Patch)
	require.NoError(t, err, "%s", c.Patch)
	patched, err := patch.Apply(r.Object.Raw())
	require.NoError(t, err, "%s\n%s", c.Patch, r.Object.Raw())
	require.Equal(t, plain(t, c.Object), plain(t, patched), "%s", c.Patch)
	again := *r
	again.Object, err = audit.ParseValue(patched)
	require.NoError(t, err)
	second, err := f.Apply(&again)
	require.NoError(t, err)
	require.Nil(t, second.Patch, "%s\n%s", c.Patch, second.Patch)
}

// plain reads JSON, numbers as they are spelled.
func plain(t testing.TB, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%s", b)
	return v
}

// patched applies a file to an object as it is made, and gives the patch.
func patched(t testing.TB, f *File, object string) string {
	t.Helper()
	return string(apply(t, f, requestOf(fromYAML(t, object), audit.Value{}, "")).Patch)
}

// assertPatch compares a patch with one written in YAML; "" is none.
func assertPatch(t testing.TB, want, got string) {
	t.Helper()
	if want == "" {
		assert.Empty(t, got)
		return
	}
	assert.JSONEq(t, string(fromYAML(t, want).Raw()), got)
}
