package kibana_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/kibana"
	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write deploy/kibana/kubewitness.ndjson")

// TestDeploy holds that deploy/kibana has what `kubewitness kibana print` prints.
func TestDeploy(t *testing.T) {
	path := filepath.Join(corpora.Root(t), "deploy", "kibana", "kubewitness.ndjson")
	if *update {
		require.NoError(t, os.WriteFile(path, kibana.NDJSON(), 0o644))
	}
	committed, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(committed, kibana.NDJSON()), "deploy/kibana/kubewitness.ndjson is not what is printed; run go test ./pkg/kibana -update")
}

// saved is a line of the file, as Kibana reads it.
type saved struct {
	Type        string             `json:"type"`
	ID          string             `json:"id"`
	Attributes  map[string]any     `json:"attributes"`
	References  []kibana.Reference `json:"references"`
	CoreVersion string             `json:"coreMigrationVersion"`
	TypeVersion string             `json:"typeMigrationVersion"`
	Managed     bool               `json:"managed"`
}

// known is what the documentation of Kibana 8.13 says of a type of saved objects.
type known struct {
	version  string            // of its shape, in Kibana 8.13
	needs    []string          // attributes
	may      map[string]string // all attributes, with the type: string, json (a string with JSON in it), object, array, boolean, number
	jsonPath []string          // strings with JSON in them further down
}

var knownTypes = map[string]known{
	"index-pattern": {"8.0.0", []string{"title", "timeFieldName"}, map[string]string{
		"title": "string", "name": "string", "timeFieldName": "string", "allowNoIndex": "boolean", "fields": "json", "sourceFilters": "json",
		"fieldFormatMap": "json", "fieldAttrs": "json", "runtimeFieldMap": "json", "typeMeta": "json",
	}, nil},
	"search": {"8.0.0", []string{"title", "columns", "sort", "kibanaSavedObjectMeta"}, map[string]string{
		"title": "string", "description": "string", "columns": "array", "sort": "array", "grid": "object", "hideChart": "boolean",
		"isTextBasedQuery": "boolean", "timeRestore": "boolean", "kibanaSavedObjectMeta": "object",
	}, []string{"kibanaSavedObjectMeta.searchSourceJSON"}},
	"lens": {"8.9.0", []string{"title", "visualizationType", "state"}, map[string]string{
		"title": "string", "description": "string", "visualizationType": "string", "state": "object",
	}, nil},
	"dashboard": {"8.9.0", []string{"title", "panelsJSON", "optionsJSON", "kibanaSavedObjectMeta"}, map[string]string{
		"title": "string", "description": "string", "version": "number", "panelsJSON": "json", "optionsJSON": "json", "timeRestore": "boolean",
		"timeFrom": "string", "timeTo": "string", "refreshInterval": "object", "controlGroupInput": "object", "kibanaSavedObjectMeta": "object",
	}, []string{"kibanaSavedObjectMeta.searchSourceJSON", "controlGroupInput.panelsJSON", "controlGroupInput.ignoreParentSettingsJSON"}},
}

func read(t *testing.T) (objects []saved) {
	t.Helper()
	for _, line := range bytes.Split(bytes.TrimSpace(kibana.NDJSON()), []byte("\n")) {
		var o saved
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&o))
		objects = append(objects, o)
	}
	return objects
}

// TestObjects holds every line against the shape of its type.
func TestObjects(t *testing.T) {
	count := map[string]int{}
	for _, o := range read(t) {
		count[o.Type]++
		k, ok := knownTypes[o.Type]
		require.True(t, ok, "type %q", o.Type)
		assert.Equal(t, "8.8.0", o.CoreVersion, o.ID)
		assert.Equal(t, k.version, o.TypeVersion, o.ID)
		assert.False(t, o.Managed, "people may change what they imported")
		assert.NotNil(t, o.References, o.ID)
		for _, name := range k.needs {
			assert.Contains(t, o.Attributes, name, o.ID)
		}
		for name, v := range o.Attributes {
			typ, ok := k.may[name]
			require.True(t, ok, "%s: attribute %s", o.ID, name)
			requireType(t, typ, v, o.ID+" "+name)
		}
		for _, path := range k.jsonPath {
			requireType(t, "json", at(o.Attributes, path), o.ID+" "+path)
		}
	}
	assert.Equal(t, 2, count["index-pattern"])
	assert.Equal(t, 5, count["dashboard"])
	assert.GreaterOrEqual(t, count["search"], 8)
	assert.Greater(t, count["lens"], 40)
}

func requireType(t *testing.T, typ string, v any, where string) {
	t.Helper()
	is := ""
	switch v := v.(type) {
	case string:
		is = "string"
		if typ == "json" && json.Valid([]byte(v)) {
			is = "json"
		}
	case bool:
		is = "boolean"
	case float64:
		is = "number"
	case map[string]any:
		is = "object"
	case []any:
		is = "array"
	}
	require.Equal(t, typ, is, where)
}

// at is a value within a JSON value, by its path.
func at(v any, path string) any {
	for _, key := range strings.Split(path, ".") {
		v = v.(map[string]any)[key]
	}
	return v
}

var idForm = regexp.MustCompile(`^kubewitness-[a-z0-9-]{1,60}$`)

// TestReferences holds that objects refer to each other within the file, that no two
// have one ID, and that each reference is one that the attributes speak of.
func TestReferences(t *testing.T) {
	there := map[string]bool{}
	ids := map[string]bool{}
	for _, o := range read(t) {
		assert.Regexp(t, idForm, o.ID)
		assert.False(t, ids[o.ID], "two objects %s", o.ID)
		ids[o.ID] = true
		seen := map[string]bool{}
		for _, r := range o.References {
			assert.True(t, there[r.Type+" "+r.ID], "%s refers to %s %s, which does not stand before it", o.ID, r.Type, r.ID)
			assert.False(t, seen[r.Name], "%s: two references %s", o.ID, r.Name)
			seen[r.Name] = true
		}
		assert.Equal(t, spoken(t, o), seen, o.ID)
		there[o.Type+" "+o.ID] = true
	}
}

// spoken are the names of references that an object's attributes speak of.
func spoken(t *testing.T, o saved) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	switch o.Type {
	case "search":
		var source struct{ IndexRefName string }
		require.NoError(t, json.Unmarshal([]byte(at(o.Attributes, "kibanaSavedObjectMeta.searchSourceJSON").(string)), &source))
		names[source.IndexRefName] = true
	case "lens":
		for id := range at(o.Attributes, "state.datasourceStates.formBased.layers").(map[string]any) {
			names["indexpattern-datasource-layer-"+id] = true
		}
	case "dashboard":
		var panels []struct{ PanelIndex, PanelRefName string }
		require.NoError(t, json.Unmarshal([]byte(o.Attributes["panelsJSON"].(string)), &panels))
		for _, p := range panels {
			assert.Equal(t, "panel_"+p.PanelIndex, p.PanelRefName)
			names[p.PanelIndex+":"+p.PanelRefName] = true
		}
		var menus map[string]any
		require.NoError(t, json.Unmarshal([]byte(at(o.Attributes, "controlGroupInput.panelsJSON").(string)), &menus))
		for id := range menus {
			names["controlGroup_"+id+":optionsListDataView"] = true
		}
	}
	return names
}

// TestLens holds that what is drawn are columns that there are, and all of them.
func TestLens(t *testing.T) {
	column := regexp.MustCompile(`"(?:metricAccessor|xAccessor|splitAccessor|columnId)":"([^"]+)"|"(?:accessors|metrics|primaryGroups)":\[([^\]]*)\]`)
	for _, o := range read(t) {
		if o.Type != "lens" {
			continue
		}
		for id, l := range at(o.Attributes, "state.datasourceStates.formBased.layers").(map[string]any) {
			columns := at(l, "columns").(map[string]any)
			var order, drawn []string
			for _, c := range at(l, "columnOrder").([]any) {
				order = append(order, c.(string))
				assert.Contains(t, columns, c, o.ID)
			}
			assert.Len(t, order, len(columns), o.ID)
			visualization, err := json.Marshal(at(o.Attributes, "state.visualization"))
			require.NoError(t, err)
			assert.Contains(t, string(visualization), `"layerId":"`+id+`"`, o.ID)
			for _, m := range column.FindAllStringSubmatch(string(visualization), -1) {
				for _, c := range strings.Split(m[1]+m[2], ",") {
					drawn = append(drawn, strings.Trim(c, `"`))
				}
			}
			assert.ElementsMatch(t, order, drawn, o.ID)
			for _, c := range columns {
				params, _ := c.(map[string]any)["params"].(map[string]any)
				if by, ok := params["orderBy"].(map[string]any); ok {
					assert.Contains(t, columns, by["columnId"], o.ID)
				}
			}
		}
	}
}

// TestLayout holds that panels of a dashboard stand beside each other without gaps in
// rows, and do not lie over each other.
func TestLayout(t *testing.T) {
	for _, o := range read(t) {
		if o.Type != "dashboard" {
			continue
		}
		var panels []struct {
			Type     string
			GridData struct {
				X, Y, W, H int
				I          string
			}
			PanelIndex string
		}
		require.NoError(t, json.Unmarshal([]byte(o.Attributes["panelsJSON"].(string)), &panels))
		taken, height := map[[2]int]bool{}, 0
		for _, p := range panels {
			g := p.GridData
			assert.Equal(t, p.PanelIndex, g.I)
			assert.LessOrEqual(t, g.X+g.W, 48, o.ID)
			height = max(height, g.Y+g.H)
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					require.False(t, taken[[2]int{x, y}], "%s: panel %s lies over another", o.ID, g.I)
					taken[[2]int{x, y}] = true
				}
			}
		}
		assert.Len(t, taken, 48*height, "%s has gaps", o.ID)
	}
}
