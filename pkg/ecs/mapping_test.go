package ecs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/row"
)

// property is a field or an object of a mapping.
type property struct {
	Type        string
	Dynamic     any
	Properties  map[string]property
	Fields      map[string]property
	IgnoreAbove int `json:"ignore_above"`
	Index       *bool
	DocValues   *bool `json:"doc_values"`
	Path        string
}

// walk visits the fields of a mapping with their full names.
func (p property) walk(name string, visit func(name string, p property)) {
	for key, sub := range p.Properties {
		at := strings.TrimPrefix(name+"."+key, ".")
		if sub.Properties == nil {
			visit(at, sub)
		}
		sub.walk(at, visit)
	}
}

func mappingOf(t *testing.T, dataset string) property {
	var p property
	require.NoError(t, json.Unmarshal(ecs.Mapping(dataset), &p))
	return p
}

// everywhere are the types of mappings that a server without Elastic's own modules has,
// of those that are of use here.
var everywhere = []string{"alias", "boolean", "date", "flattened", "integer", "ip", "keyword", "long", "text"}

func TestMapping(t *testing.T) {
	for _, dataset := range []string{ecs.AuditLogs, ecs.Detections} {
		root := mappingOf(t, dataset)
		assert.Equal(t, false, root.Dynamic, "%s: a client's key must not become a field", dataset)
		types := map[string]string{}
		root.walk("", func(name string, p property) { types[name] = p.Type })
		root.walk("", func(name string, p property) {
			assert.Contains(t, everywhere, p.Type, name)
			assert.Nil(t, p.Dynamic, "%s: as the root", name)
			switch p.Type {
			case "keyword":
				if p.Index != nil {
					assert.False(t, *p.Index || *p.DocValues, name)
					return
				}
				assert.LessOrEqual(t, p.IgnoreAbove*4, 32766, name)
				assert.GreaterOrEqual(t, p.IgnoreAbove, 1024, name)
			case "flattened":
				assert.Positive(t, p.IgnoreAbove, name)
				assert.LessOrEqual(t, 1024+1+p.IgnoreAbove*3, 32766, "%s: key and value together", name)
			case "alias":
				assert.Contains(t, types, p.Path, name)
				assert.NotEqual(t, "alias", types[p.Path], name)
			}
		})
		for _, f := range ecs.Fields() {
			want := f.Type
			if f.Alias != "" {
				want = "alias"
			}
			if f.Dataset == "" || f.Dataset == dataset {
				assert.Equal(t, want, types[f.Name], f.Name)
			} else {
				assert.NotContains(t, types, f.Name)
			}
		}
	}
}

// contract are the fields that Elastic's own rules read, with the types that they need.
var contract = map[string]string{
	"data_stream.dataset": "keyword", "data_stream.namespace": "keyword", "event.dataset": "keyword", "event.action": "keyword", "event.outcome": "keyword",
	"source.ip": "ip", "user.name": "keyword", "user_agent.original": "keyword", "event.original": "keyword",
	"kubernetes.audit.annotations.authorization_k8s_io/decision": "keyword", "kubernetes.audit.level": "keyword", "kubernetes.audit.stage": "keyword",
	"kubernetes.audit.verb": "keyword", "kubernetes.audit.requestURI": "keyword", "kubernetes.audit.sourceIPs": "keyword", "kubernetes.audit.userAgent": "keyword",
	"kubernetes.audit.objectRef.resource": "keyword", "kubernetes.audit.objectRef.namespace": "keyword", "kubernetes.audit.objectRef.name": "keyword",
	"kubernetes.audit.objectRef.subresource": "keyword", "kubernetes.audit.responseStatus.code": "integer", "kubernetes.audit.responseStatus.message": "keyword",
	"kubernetes.audit.user.username": "keyword", "kubernetes.audit.user.groups": "keyword",
	"kubernetes.audit.user.extra.authentication.kubernetes.io/pod-name": "keyword",
	"kubernetes.audit.impersonatedUser.username":                        "keyword", "kubernetes.audit.impersonatedUser.groups": "keyword",
	"kubernetes.audit.requestObject.rules.verbs": "keyword", "kubernetes.audit.requestObject.rules.resources": "keyword",
	"kubernetes.audit.responseObject.rules.verbs": "keyword", "kubernetes.audit.responseObject.rules.resources": "keyword",
	"kubernetes.audit.requestObject.roleRef.name": "keyword", "kubernetes.audit.requestObject.spec.type": "keyword",
	"kubernetes.audit.requestObject.spec.serviceAccountName": "keyword", "kubernetes.audit.requestObject.spec.containers.image": "keyword",
	"kubernetes.audit.requestObject.spec.containers.securityContext.privileged":       "boolean",
	"kubernetes.audit.requestObject.spec.containers.securityContext.capabilities.add": "keyword",
	"kubernetes.audit.requestObject.spec.hostIPC":                                     "boolean", "kubernetes.audit.requestObject.spec.hostNetwork": "boolean",
	"kubernetes.audit.requestObject.spec.hostPID": "boolean", "kubernetes.audit.requestObject.spec.volumes.hostPath.path": "keyword",
}

func TestMappingHasWhatElasticsRulesRead(t *testing.T) {
	types := map[string]string{}
	for _, f := range ecs.Fields() {
		types[f.Name] = f.Type
	}
	for name, typ := range contract {
		assert.Equal(t, typ, types[name], name)
	}
}

func TestReference(t *testing.T) {
	golden(t, "../../docs/elasticsearch-fields.md", []byte(ecs.Markdown()))
}

// values are what a document has at a field: the texts of a keyword.
func values(t *testing.T, doc map[string]any, field string) (texts []string) {
	t.Helper()
	var at any = doc
	for _, key := range strings.Split(field, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[key]
	}
	switch v := at.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			texts = append(texts, e.(string))
		}
	}
	return texts
}

// TestColumnField holds that documents have in the columns' fields what rows have in the
// columns, and nothing where these have none.
func TestColumnField(t *testing.T) {
	fields := map[string]string{}
	for _, name := range []string{"ka.verb", "ka.uri", "kw.uri.path", "ka.req.pod.containers.image", "ka.req.pod.containers.image.repository", "rules", "priority"} {
		field, ok := ecs.ColumnField(name)
		assert.True(t, ok, name)
		fields[name] = field
	}
	_, ok := ecs.ColumnField("no such column")
	assert.False(t, ok)
	for _, name := range []string{row.Detections, row.Labels, row.Received, row.Flags} {
		_, ok := ecs.ColumnField(name)
		assert.False(t, ok, name)
	}

	events := append(readFile(t, "testdata/events.jsonl"), readFile(t, "testdata/hostile.jsonl")...)
	for i, e := range corpus(t) {
		if i%4 == 0 {
			events = append(events, e)
		}
	}
	for _, e := range events {
		r := full(e)
		stored := row.Encode(r)
		for _, c := range stored.Columns {
			if field, ok := ecs.ColumnField(c.Name); ok {
				fields[c.Name] = field
			}
		}
		var doc map[string]any
		require.NoError(t, json.Unmarshal(ecs.AppendEvent(nil, r, options()), &doc))
		for column, field := range fields {
			require.Equal(t, textsOf(t, column, stored.Value(column)), values(t, doc, field), "%s: %s", e.AuditID, column)
		}
		require.Equal(t, []string{stored.ID}, values(t, doc, "kubewitness.id"))
		require.Equal(t, string(stored.Raw), doc["event"].(map[string]any)["original"])
	}
	assert.Greater(t, len(fields), 100)
}

// lists are the columns that hold lists.
var lists = func() map[string]bool {
	lists := map[string]bool{row.Rules: true, row.Tags: true, row.Redacted: true, row.Faults: true}
	for _, f := range field.Default().All() {
		if info, ok := row.Column(f); ok && info.Kind == row.List {
			lists[info.Name] = true
		}
	}
	return lists
}()

// textsOf are the texts of a column's value, as JSON has them.
func textsOf(t *testing.T, column, value string) (texts []string) {
	switch {
	case value == "":
		return nil
	case value == row.Empty:
		return []string{""}
	case !lists[column]:
		return []string{validText(t, value)}
	}
	list, err := row.ParseList(value)
	require.NoError(t, err)
	for _, s := range list {
		texts = append(texts, validText(t, s))
	}
	return texts
}

// validText is a text as it comes out of JSON: bytes that are no UTF-8 are U+FFFD each.
func validText(t *testing.T, s string) (valid string) {
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &valid))
	return valid
}
