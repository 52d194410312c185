package elastic

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Fields of documents that hold what does not follow from the event's bytes, and those by
// which documents are found.
const (
	timeField    = "@timestamp"        // in milliseconds
	filedField   = "kubewitness.filed" // in nanoseconds since 1970
	idField      = "kubewitness.id"
	reducedField = "kubewitness.reduced"
	clusterField = "orchestrator.cluster.name"
)

// sourceFields are what is asked for of a document that becomes a row.
var sourceFields = []string{
	"event.original", clusterField, "labels", idField, filedField, reducedField, "kubewitness.received", "kubewitness.source", "kubewitness.ruleset",
	"kubewitness.redacted", "kubewitness.faults", "kubewitness.detections", "kubewitness.flags", "kubewitness.link",
}

// document is that of an event, as far as a row is made of it.
type document struct {
	Event struct {
		Original *string `json:"original"`
	} `json:"event"`
	Orchestrator struct {
		Cluster struct {
			Name string `json:"name"`
		} `json:"cluster"`
	} `json:"orchestrator"`
	Labels      map[string]string `json:"labels"`
	Kubewitness struct {
		ID         string `json:"id"`
		Filed      int64  `json:"filed"`
		Received   string `json:"received"`
		Source     string `json:"source"`
		Ruleset    string `json:"ruleset"`
		Redacted   texts  `json:"redacted"`
		Faults     texts  `json:"faults"`
		Detections string `json:"detections"`
		Flags      flags  `json:"flags"`
		Link       string `json:"link"`
	} `json:"kubewitness"`
}

// texts is one text, or an array of them, which is the same in a document.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(t))
	}
	*t = make([]string, 1)
	return json.Unmarshal(b, &(*t)[0])
}

// flags is a number, as such or as a text.
type flags string

// UnmarshalJSON implements json.Unmarshaler.
func (f *flags) UnmarshalJSON(b []byte) error {
	*f = flags(bytes.Trim(b, `"`))
	return nil
}

// rowOf makes the row of a document. It has all columns that a row of the store would
// have: what is found in the event is found again. One that cannot be made has nothing but
// its place, and is lost.
func rowOf(h *hit) store.Row {
	var d document
	if err := json.Unmarshal(h.Source, &d); err == nil && d.Event.Original != nil {
		known := store.Row{ID: d.Kubewitness.ID, Cluster: d.Orchestrator.Cluster.Name, Raw: []byte(*d.Event.Original), Columns: d.columns()}
		known.Time = time.Unix(0, d.Kubewitness.Filed).UTC()
		if full, err := completed(known); err == nil {
			return full
		}
	}
	return store.Row{ID: h.ID, Time: h.place().Time, Lost: true}
}

// completed finds the columns of a row again.
func completed(r store.Row) (store.Row, error) {
	e, err := row.Decode(r)
	if err != nil {
		return store.Row{}, err
	}
	return row.Encode(e), nil
}

// columns are those that say what does not follow from the event's bytes.
func (d *document) columns() []store.Column {
	k := &d.Kubewitness
	all := []store.Column{
		{Name: row.Source, Value: k.Source}, {Name: row.Ruleset, Value: k.Ruleset}, {Name: row.Received, Value: k.Received},
		{Name: row.Detections, Value: k.Detections}, {Name: row.Flags, Value: string(k.Flags)}, {Name: row.Link, Value: k.Link},
	}
	for name, texts := range map[string]texts{row.Redacted: k.Redacted, row.Faults: k.Faults} {
		if len(texts) > 0 {
			all = append(all, store.Column{Name: name, Value: string(row.AppendList(nil, texts))})
		}
	}
	if len(d.Labels) > 0 {
		labels, _ := json.Marshal(d.Labels) // a map of texts cannot fail
		all = append(all, store.Column{Name: row.Labels, Value: string(labels)})
	}
	filled := all[:0]
	for _, c := range all {
		if c.Value != "" {
			filled = append(filled, c)
		}
	}
	return filled
}

// aliases are the fields that other fields are names for.
var aliases = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, f := range ecs.Fields() {
		if f.Alias != "" {
			all[f.Name] = f.Alias
		}
	}
	return all
})

// fieldOf is the field that holds a column. What was too long for an alias is told of
// the field that it stands for.
func fieldOf(column string) (string, bool) {
	field, ok := ecs.ColumnField(column)
	if !ok && column == clusterColumn {
		return clusterField, true
	}
	if real, is := aliases()[field]; is {
		field = real
	}
	return field, ok
}

// pick leaves those columns in a row that are asked for.
func pick(r *store.Row, o *store.Scan) {
	if o.NoRaw {
		r.Raw = nil
	}
	if o.Columns == nil {
		return
	}
	var kept []store.Column
	for _, c := range r.Columns {
		if slices.Contains(o.Columns, c.Name) {
			kept = append(kept, c)
		}
	}
	r.Columns = kept
}
