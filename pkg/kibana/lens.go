package kibana

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/ecs"
)

// layer is the ID of the one layer of each panel.
const layer = "layer"

// object is the panel as an object of Lens. Panels are objects of their own, and not
// inside their dashboard, so that people can put them on dashboards of theirs.
func (p Panel) object() Object {
	columns, order := p.columns()
	return Object{
		Type: "lens", ID: p.ID, CoreVersion: coreVersion, TypeVersion: lensVersion,
		References: []Reference{{"index-pattern", string(p.View), "indexpattern-datasource-layer-" + layer}},
		Attributes: map[string]any{
			"title":             p.Title,
			"description":       p.Doc,
			"visualizationType": string(p.Chart),
			"state": map[string]any{
				"visualization": p.visualization(),
				"query":         kuery(p.Query),
				"filters":       []any{},
				"datasourceStates": map[string]any{"formBased": map[string]any{"layers": map[string]any{layer: map[string]any{
					"columns": columns, "columnOrder": order, "incompleteColumns": map[string]any{}, "sampling": 1,
				}}}},
				"internalReferences": []any{},
				"adHocDataViews":     map[string]any{},
			},
		},
	}
}

// Columns are named by their place: b0 the first bucket, m0 the first measure.
func bucketID(i int) string  { return fmt.Sprintf("b%d", i) }
func measureID(i int) string { return fmt.Sprintf("m%d", i) }

func (p Panel) columns() (columns map[string]any, order []string) {
	columns = map[string]any{}
	for i, b := range p.By {
		columns[bucketID(i)] = b.column()
		order = append(order, bucketID(i))
	}
	for i, m := range p.Show {
		columns[measureID(i)] = m.column()
		order = append(order, measureID(i))
	}
	return columns, order
}

func (b Bucket) column() map[string]any {
	if b.Size == 0 {
		return map[string]any{
			"label": b.Label, "customLabel": true, "dataType": "date", "operationType": "date_histogram", "sourceField": b.Field,
			"isBucketed": true, "scale": "interval",
			"params": map[string]any{"interval": "auto", "includeEmptyRows": true, "dropPartials": false},
		}
	}
	return map[string]any{
		"label": b.Label, "customLabel": true, "dataType": dataType(b.Field), "operationType": "terms", "sourceField": b.Field,
		"isBucketed": true, "scale": "ordinal",
		"params": map[string]any{
			"size":           b.Size,
			"orderBy":        map[string]any{"type": "column", "columnId": measureID(0)},
			"orderDirection": "desc",
			"otherBucket":    false, "missingBucket": false,
			"parentFormat": map[string]any{"id": "terms"},
			"include":      []any{}, "exclude": []any{}, "includeIsRegex": false, "excludeIsRegex": false,
		},
	}
}

func (m Measure) column() map[string]any {
	c := map[string]any{
		"label": m.Label, "customLabel": true, "dataType": "number", "operationType": string(m.Op), "sourceField": m.Field,
		"isBucketed": false, "scale": "ratio", "params": map[string]any{"emptyAsNull": false},
	}
	switch m.Op {
	case Count:
		c["sourceField"] = "___records___"
	case Latest:
		c["dataType"] = dataType(m.Field)
		c["params"] = map[string]any{"emptyAsNull": true}
	}
	if m.Query != "" {
		c["filter"] = kuery(m.Query)
	}
	return c
}

// dataType is what Lens calls the type of a field.
func dataType(field string) string {
	switch fieldTypes()[field] {
	case "ip":
		return "ip"
	case "boolean":
		return "boolean"
	case "date", "date_nanos":
		return "date"
	case "long", "integer", "short", "byte", "double", "float":
		return "number"
	}
	return "string"
}

func fieldTypes() map[string]string {
	types := map[string]string{}
	for _, f := range ecs.Fields() {
		types[f.Name] = f.Type
	}
	return types
}

func (p Panel) visualization() map[string]any {
	switch p.Chart {
	case Metric:
		return map[string]any{"layerId": layer, "layerType": "data", "metricAccessor": measureID(0)}
	case Pie:
		return map[string]any{"shape": "donut", "layers": []any{map[string]any{
			"layerId": layer, "layerType": "data", "primaryGroups": p.bucketIDs(), "metrics": []string{measureID(0)},
			"numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "show", "nestedLegend": false,
		}}}
	case Table:
		var columns []any
		for _, id := range append(p.bucketIDs(), p.measureIDs()...) {
			columns = append(columns, map[string]any{"columnId": id, "isTransposed": false})
		}
		return map[string]any{"layerId": layer, "layerType": "data", "columns": columns}
	}
	return p.bars()
}

// bars have the innermost bucket along them, and one before it as colours.
func (p Panel) bars() map[string]any {
	x := len(p.By) - 1
	series := "bar_horizontal"
	if p.By[x].Size == 0 {
		series = "bar_stacked"
	}
	bars := map[string]any{
		"layerId": layer, "layerType": "data", "seriesType": series, "xAccessor": bucketID(x), "accessors": p.measureIDs(),
		"position": "top", "showGridlines": false,
	}
	legend := len(p.Show) > 1
	if x > 0 {
		bars["splitAccessor"] = bucketID(0)
		legend = true
	}
	return map[string]any{
		"legend":              map[string]any{"isVisible": legend, "position": "right"},
		"valueLabels":         "hide",
		"fittingFunction":     "None",
		"preferredSeriesType": series,
		"axisTitlesVisibilitySettings": map[string]any{
			"x": false, "yLeft": false, "yRight": false,
		},
		"layers": []any{bars},
	}
}

func (p Panel) bucketIDs() []string {
	ids := []string{}
	for i := range p.By {
		ids = append(ids, bucketID(i))
	}
	return ids
}

func (p Panel) measureIDs() []string {
	ids := []string{}
	for i := range p.Show {
		ids = append(ids, measureID(i))
	}
	return ids
}
