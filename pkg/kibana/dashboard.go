package kibana

import "fmt"

// width of a dashboard, in its columns.
const width = 48

// Dashboard is a page of panels, laid out in rows in the order of the slice.
type Dashboard struct {
	ID     string
	Title  string
	Doc    string
	Panels []Panel
	List   string // ID of the saved search below the panels
}

// Dashboards are all dashboards.
func Dashboards() []Dashboard {
	return []Dashboard{overview(), identity(), secrets(), pods(), pipeline()}
}

// controls are the menus above each dashboard. Fields that both views have, so that a
// choice holds for all panels.
var controls = []struct{ id, field, title string }{
	{"cluster", "orchestrator.cluster.name", "Cluster"},
	{"user", "user.name", "User"},
	{"namespace", "orchestrator.namespace", "Namespace"},
}

func (d Dashboard) object() Object {
	panels, refs := d.layout()
	menus := map[string]any{}
	for i, c := range controls {
		menus[c.id] = map[string]any{
			"order": i, "width": "medium", "grow": true, "type": "optionsListControl",
			"explicitInput": map[string]any{"id": c.id, "fieldName": c.field, "title": c.title, "selectedOptions": []any{}, "enhancements": map[string]any{}},
		}
		refs = append(refs, Reference{"index-pattern", string(Events), "controlGroup_" + c.id + ":optionsListDataView"})
	}
	return Object{
		Type: "dashboard", ID: d.ID, CoreVersion: coreVersion, TypeVersion: dashboardVersion, References: refs,
		Attributes: map[string]any{
			"title":       d.Title,
			"description": d.Doc,
			"version":     1,
			"panelsJSON":  text(panels),
			"optionsJSON": text(map[string]any{"useMargins": true, "syncColors": false, "syncCursor": true, "syncTooltips": false, "hidePanelTitles": false}),
			"timeRestore": true, "timeFrom": "now-24h", "timeTo": "now",
			"refreshInterval": map[string]any{"pause": true, "value": 60000},
			"controlGroupInput": map[string]any{
				"controlStyle": "oneLine", "chainingSystem": "HIERARCHICAL",
				"panelsJSON":               text(menus),
				"ignoreParentSettingsJSON": text(map[string]any{"ignoreFilters": false, "ignoreQuery": false, "ignoreTimerange": false, "ignoreValidations": false}),
			},
			"kibanaSavedObjectMeta": map[string]any{"searchSourceJSON": text(map[string]any{"query": kuery(""), "filter": []any{}})},
		},
	}
}

// layout puts panels beside each other until a row is full. All panels of a row are as
// tall as its first.
func (d Dashboard) layout() (panels []any, refs []Reference) {
	x, y, tall := 0, 0, 0
	place := func(typ, id string, w, h int) {
		if x+w > width {
			x, y = 0, y+tall
		}
		if x == 0 {
			tall = h
		}
		i := fmt.Sprint(len(panels) + 1)
		panels = append(panels, map[string]any{
			"type": typ, "panelIndex": i, "panelRefName": "panel_" + i, "version": panelVersion,
			"gridData":         map[string]any{"x": x, "y": y, "w": w, "h": tall, "i": i},
			"embeddableConfig": map[string]any{"enhancements": map[string]any{}},
		})
		refs = append(refs, Reference{typ, id, i + ":panel_" + i})
		x += w
	}
	for _, p := range d.Panels {
		place("lens", p.ID, p.Width, p.Tall)
	}
	if d.List != "" {
		place("search", d.List, width, 16)
	}
	return panels, refs
}

// Sizes of panels: four numbers, three or two charts side by side, or one, in a row.
func number(p Panel) Panel  { return p.sized(12, 6) }
func third(p Panel) Panel   { return p.sized(16, 13) }
func half(p Panel) Panel    { return p.sized(24, 13) }
func full(p Panel) Panel    { return p.sized(48, 12) }
func quarter(p Panel) Panel { return p.sized(12, 13) }

func (p Panel) sized(w, h int) Panel {
	p.Width, p.Tall = w, h
	return p
}
