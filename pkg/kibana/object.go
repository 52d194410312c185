package kibana

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Versions of the shapes of saved objects. A Kibana takes what is of its own version or
// older, and brings it up to date; so these are those of Kibana 8.13, the oldest that the
// objects are for, and not the newest.
const (
	coreVersion      = "8.8.0"
	dataViewVersion  = "8.0.0"
	searchVersion    = "8.0.0"
	lensVersion      = "8.9.0"
	dashboardVersion = "8.9.0"
	panelVersion     = "8.13.0"
)

// Object is a saved object, as the import of Kibana takes it.
type Object struct {
	Type        string         `json:"type"`
	ID          string         `json:"id"`
	Attributes  map[string]any `json:"attributes"`
	References  []Reference    `json:"references"`
	CoreVersion string         `json:"coreMigrationVersion"`
	TypeVersion string         `json:"typeMigrationVersion"`
	Managed     bool           `json:"managed"`
}

// Reference is another object that an object needs. The object's attributes speak of it
// by Name, so that an import can give it another ID.
type Reference struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Objects are all saved objects, each behind those that it refers to. IDs stay the same
// for ever: an import replaces what an earlier one made, and links lead there.
func Objects() []Object {
	var all []Object
	for _, v := range views {
		all = append(all, v.object())
	}
	for _, s := range Searches() {
		all = append(all, s.object())
	}
	for _, d := range Dashboards() {
		for _, p := range d.Panels {
			all = append(all, p.object())
		}
		all = append(all, d.object())
	}
	return all
}

// NDJSON is what `kubewitness kibana print` writes and an import takes: an object a line.
func NDJSON() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, o := range Objects() {
		if err := enc.Encode(o); err != nil {
			panic(fmt.Sprintf("kibana: %s %s: %v", o.Type, o.ID, err)) // every run and test would show it
		}
	}
	return b.Bytes()
}

// text is JSON in a string, which is how Kibana keeps most of what it does not search.
func text(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("kibana: %v", err)) // maps of texts and numbers
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// kuery is a KQL query as saved objects have it.
func kuery(query string) map[string]any {
	return map[string]any{"query": query, "language": "kuery"}
}
