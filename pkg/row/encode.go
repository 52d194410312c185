package row

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// ID is a row's ID: the identity of its event in hex.
func ID(id audit.Identity) string { return hex.EncodeToString(id[:]) }

// Encode makes an event's row. It is valid as long as the event is: what stands in
// the event is not copied. The event's time is the row's, or when it was received
// where its flags say so.
func Encode(e *record.Event) store.Row {
	w := writers.Get().(*writer)
	defer writers.Put(w)
	w.begin()
	w.fields(e.Event)
	w.detections(e.Detections)
	w.known(e)
	return store.Row{
		ID: ID(e.ID), Cluster: e.Event.Cluster, Time: e.Filed(), Columns: w.end(), Raw: e.Event.Raw,
		Refiled: e.Flags&(record.Expired|record.Ahead) != 0,
	}
}

// writer collects the columns of a row. What has to be written anew, which is mostly
// lists, goes into one text for all columns.
type writer struct {
	columns []store.Column
	made    []made
	text    []byte
	items   []field.Item
	found   []audit.Value // of the plan's gates
}

// made is a column whose value is a part of the writer's text.
type made struct{ column, from, to int }

var writers = sync.Pool{New: func() any { return new(writer) }}

func (w *writer) begin() {
	w.columns, w.made, w.text = w.columns[:0], w.made[:0], w.text[:0]
}

// roomy is how much a writer keeps room for, in items and in hundreds of bytes: more
// than all but a few events need.
const roomy = 1 << 10

// end gives the columns. The writer keeps nothing of the event.
func (w *writer) end() []store.Column {
	text := string(w.text)
	for _, m := range w.made {
		w.columns[m.column].Value = text[m.from:m.to]
	}
	out := slices.Clone(w.columns)
	clear(w.columns)
	if w.items = w.items[:cap(w.items)]; len(w.items) > roomy || cap(w.text) > 100*roomy {
		w.items, w.text = nil, nil
	}
	clear(w.items)
	clear(w.found)
	return out
}

// put adds a column, unless it would be empty.
func (w *writer) put(name, value string) {
	if value != "" {
		w.columns = append(w.columns, store.Column{Name: name, Value: value})
	}
}

// ends adds a column whose value is what was added to the text since from.
func (w *writer) ends(name string, from int) {
	w.made = append(w.made, made{len(w.columns), from, len(w.text)})
	w.columns = append(w.columns, store.Column{Name: name})
}

// list adds a column that is a list, unless it would be empty.
func (w *writer) list(name string, texts []string) {
	if len(texts) > 0 {
		from := len(w.text)
		w.text = AppendList(w.text, texts)
		w.ends(name, from)
	}
}

// fields adds what the catalogue's fields find in an event.
func (w *writer) fields(e *audit.Event) {
	c := field.Context{Event: e}
	plan := thePlan()
	w.found = plan.gates.find(w.found[:0], e.Root())
	for i := range plan.columns {
		col := &plan.columns[i]
		if shut(col.gates, w.found) {
			continue
		}
		w.items = col.field.Append(w.items[:0], &c, field.Arg{})
		switch {
		case len(w.items) == 0:
		case col.kind == List:
			w.itemList(col.column)
		default:
			w.item(col.column)
		}
	}
}

func (w *writer) item(name string) {
	value := operator.CutNUL(w.items[0].Text)
	if value == "" {
		value = Empty
	}
	w.put(name, value)
}

func (w *writer) itemList(name string) {
	from := len(w.text)
	sep := byte('[')
	for _, item := range w.items {
		w.text = append(w.text, sep)
		w.text = AppendText(w.text, operator.CutNUL(item.Text))
		sep = ','
	}
	w.text = append(w.text, ']')
	w.ends(name, from)
}

// detections adds what the rules found.
func (w *writer) detections(found []match.Detection) {
	if len(found) == 0 {
		return
	}
	var names, tags []string
	urgent := found[0].Rule.Priority
	for _, d := range found {
		urgent = min(urgent, d.Rule.Priority)
		names = addOnce(names, d.Rule.Name)
		for _, tag := range d.Rule.Tags {
			tags = addOnce(tags, tag)
		}
	}
	w.list(Rules, names)
	w.list(Tags, tags)
	w.put(Priority, strings.ToLower(urgent.String()))
	encoded := record.EncodeDetections(found)
	w.put(Detections, string(encoded))
}

func addOnce(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// known adds what the log knows of the event besides.
func (w *writer) known(e *record.Event) {
	w.list(Redacted, e.Redacted)
	w.list(Faults, e.Faults)
	w.put(Source, e.Source)
	w.put(Ruleset, e.Ruleset)
	from := len(w.text)
	w.text = e.Received.UTC().AppendFormat(w.text, time.RFC3339Nano)
	w.ends(Received, from)
	if len(e.Labels) > 0 {
		labels, _ := json.Marshal(e.Labels) // a map of texts cannot fail
		w.put(Labels, string(labels))
	}
	if e.Link != nil {
		w.put(Link, LinkText(e.Link))
	}
	if e.Flags != 0 {
		w.put(Flags, strconv.FormatUint(e.Flags, 10))
	}
}

// LinkText is a link as the column holds it.
func LinkText(l *record.Link) string {
	text, _ := json.Marshal(l) // texts and a time: it cannot fail
	return string(text)
}
