package kibana_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/kibana"
)

// fieldsOf are the fields of a view's documents, by name.
func fieldsOf(v kibana.View) map[string]ecs.Field {
	fields := map[string]ecs.Field{}
	for _, f := range ecs.Fields() {
		if f.Dataset == "" || f.Dataset == v.Dataset() {
			fields[f.Name] = f
		}
	}
	return fields
}

var (
	literals = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	names    = regexp.MustCompile(`([^\s():<>]+)\s*(?::|<=|>=|<|>)`)
)

// fieldsIn are the fields that a KQL query names.
func fieldsIn(query string) (fields []string) {
	for _, m := range names.FindAllStringSubmatch(literals.ReplaceAllString(query, `""`), -1) {
		fields = append(fields, m[1])
	}
	return fields
}

func TestFieldsIn(t *testing.T) {
	assert.Equal(t, []string{"a.b", "c_d/e", "n"}, fieldsIn(`a.b: (x or "y: z") and not c_d/e:* and n >= 5`))
	assert.Empty(t, fieldsIn(""))
}

// requireAsked holds that a query asks for fields of the view, which can be asked for.
func requireAsked(t *testing.T, v kibana.View, query string) {
	t.Helper()
	fields := fieldsOf(v)
	assert.NotContains(t, query, ": (", "a list of values, which Elasticsearch's own KQL does not read")
	if query != "" {
		require.NotEmpty(t, fieldsIn(query), query)
	}
	for _, name := range fieldsIn(query) {
		f, ok := fields[name]
		require.True(t, ok, "%s of %q is no field of %s", name, query, v)
		assert.False(t, f.Stored, "%s of %q cannot be asked for", name, query)
	}
}

// aggregatable are the types that values can be grouped and counted by.
var aggregatable = []string{"keyword", "ip", "boolean", "long", "integer", "date"}

// TestPanels holds that each panel names fields of its view, of types that its operations
// take, and has the shape that its chart takes.
func TestPanels(t *testing.T) {
	kinds := map[kibana.Chart]int{}
	for _, d := range kibana.Dashboards() {
		for _, p := range d.Panels {
			t.Run(p.ID, func(t *testing.T) {
				kinds[p.Chart]++
				fields := fieldsOf(p.View)
				requireAsked(t, p.View, p.Query)
				for _, b := range p.By {
					f, ok := fields[b.Field]
					require.True(t, ok, "%s is no field of %s", b.Field, p.View)
					assert.False(t, f.Stored, b.Field)
					if b.Size == 0 {
						assert.Equal(t, "date", f.Type, b.Field)
					} else {
						assert.Contains(t, aggregatable, f.Type, b.Field)
					}
				}
				for _, m := range p.Show {
					requireAsked(t, p.View, m.Query)
					if m.Op == kibana.Count {
						assert.Empty(t, m.Field)
						continue
					}
					f, ok := fields[m.Field]
					require.True(t, ok, "%s is no field of %s", m.Field, p.View)
					assert.False(t, f.Stored, m.Field)
					types := aggregatable
					if m.Op == kibana.Latest {
						types = []string{"date", "long", "integer"}
					}
					assert.Contains(t, types, f.Type, m.Field)
				}
				requireShape(t, p)
			})
		}
	}
	assert.Len(t, kinds, 4, "every kind of chart")
}

func requireShape(t *testing.T, p kibana.Panel) {
	t.Helper()
	assert.NotEmpty(t, p.Title)
	assert.True(t, strings.HasSuffix(p.Doc, "."), "a sentence: %q", p.Doc)
	require.NotEmpty(t, p.Show)
	switch p.Chart {
	case kibana.Metric:
		assert.Len(t, p.Show, 1)
		assert.Empty(t, p.By)
	case kibana.Pie:
		assert.Len(t, p.Show, 1)
		assert.Len(t, p.By, 1)
	case kibana.Table:
		assert.NotEmpty(t, p.By)
	case kibana.Bars:
		require.NotEmpty(t, p.By)
		assert.LessOrEqual(t, len(p.By), 2)
		if len(p.By) == 2 {
			assert.NotZero(t, p.By[0].Size, "colours are values, not times")
			assert.Len(t, p.Show, 1, "colours are either values or measures")
		}
	default:
		t.Errorf("chart %q", p.Chart)
	}
	assert.Empty(t, p.Show[0].Query, "buckets are ordered by the first measure, which has to count all that is in them")
	assert.Less(t, 0, p.Width)
	assert.LessOrEqual(t, p.Width, 48)
	assert.Less(t, 0, p.Tall)
}

// TestSearches holds that saved searches name fields of their view.
func TestSearches(t *testing.T) {
	searches := kibana.Searches()
	assert.GreaterOrEqual(t, len(searches), 8)
	for _, s := range searches {
		t.Run(s.ID, func(t *testing.T) {
			requireAsked(t, s.View, s.Query)
			fields := fieldsOf(s.View)
			for _, c := range s.Columns {
				assert.Contains(t, fields, c)
			}
			assert.NotEmpty(t, s.Title)
			assert.True(t, strings.HasSuffix(s.Doc, "."), "a sentence: %q", s.Doc)
		})
	}
}

// TestOnce holds that what counts requests counts each once. The pipeline's panels count
// events, as they say. A detection of a request's second half, that was told with the first, is
// a repetition.
func TestOnce(t *testing.T) {
	const once, untold = "kubewitness.last_stage: true", "not kubewitness.told: *"
	for _, d := range kibana.Dashboards() {
		for _, p := range d.Panels {
			if p.View == kibana.Detections {
				assert.True(t, p.Query == untold || strings.HasPrefix(p.Query, untold+" and "), p.ID)
			}
			if p.View == kibana.Events && d.ID != "kubewitness-pipeline" {
				assert.True(t, p.Query == once || strings.HasPrefix(p.Query, once+" and "), p.ID)
			}
		}
	}
	for _, s := range kibana.Searches() {
		if s.View == kibana.Detections {
			assert.True(t, strings.HasPrefix(s.Query, untold), s.ID)
		}
		if s.View == kibana.Events && s.ID != "kubewitness-search-began" {
			assert.True(t, strings.HasPrefix(s.Query, once), s.ID)
		}
	}
}
