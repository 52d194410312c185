package row

import (
	"strings"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Empty is the value of a column whose field is there and is the empty text.
const Empty = "\x00"

// The columns that every row can have besides those of fields.
const (
	Rules      = "rules"
	Tags       = "tags"
	Priority   = "priority"
	Detections = "detections"
	Redacted   = "redacted"
	Faults     = "faults"
	Source     = "source"
	Received   = "received"
	Ruleset    = "ruleset"
	Labels     = "labels"
	Flags      = "flags"
	Link       = "link"
)

// Kind is the form of a column's values.
type Kind uint8

// The forms.
const (
	Text    Kind = iota // as it is; Empty for the empty one
	Number              // decimal, without sign
	Bool                // "true" or "false"
	Address             // an IP address as the field prints it
	List                // JSON array of texts, see AppendList; never empty
)

// Info says where the values of a field are.
type Info struct {
	Name string // of the column
	Kind Kind
}

// Column tells which column holds the values of a field without argument, if one
// does. That of a field with an argument is in no column, also where the field
// without it has one.
func Column(f *field.Field) (Info, bool) {
	p := placeOf(f)
	return Info{p.column, p.kind}, p.column != ""
}

// place is what becomes of a field in rows.
type place struct {
	column string // "": it is in none
	kind   Kind
	twin   bool   // the column is that of another field, which has always the same value
	why    string // where it is in no column of its own
}

// twins are fields that have always the value of another.
var twins = map[string]string{
	"ka.req.configmap.name":         "ka.target.name",
	"ka.req.container.host_network": "ka.req.pod.host_network",
}

const (
	whyTime  = "is the same for all events, or follows from their time and order"
	whyBody  = "repeats a large part of the raw JSON"
	whyWhole = "is the raw JSON itself"
	whyArg   = "needs an argument"
	whyState = "is not told by one event"
)

// judged are fields without a column, besides those that need an argument.
var judged = map[string]string{
	"json.obj":                whyWhole,
	"jevt.obj":                whyWhole,
	"evt.plugininfo":          whyWhole,
	"json.rawtime":            whyTime,
	"jevt.rawtime":            whyTime,
	"ka.req.configmap.obj":    whyBody,
	"ka.req.role.rules":       whyBody,
	"ka.req.binding.subjects": whyBody,
	"ka.req.service.ports":    whyBody,
}

func placeOf(f *field.Field) place {
	switch why, no := judged[f.Name]; {
	case f.State != condition.OfEvent:
		return place{why: whyState}
	case f.ArgRequired:
		return place{why: whyArg}
	case no:
		return place{why: why}
	case strings.HasPrefix(f.Name, "evt."):
		return place{why: whyTime}
	}
	if twin, ok := twins[f.Name]; ok {
		return place{column: columnName(twin), kind: kindOf(f), twin: true, why: "always the same as " + twin}
	}
	return place{column: columnName(f.Name), kind: kindOf(f)}
}

// columnName is the field's name in lower case, as the store wants names.
func columnName(name string) string { return strings.ToLower(name) }

func kindOf(f *field.Field) Kind {
	switch {
	case f.List:
		return List
	case f.Type == condition.TypeBool:
		return Bool
	case f.Type == condition.TypeIPNet:
		return Address
	case f.Type == condition.TypeString:
		return Text
	}
	return Number
}

// column is a field to be written to a column.
type column struct {
	field *field.Field
	place
	gates []int
}

// plan is what of an event goes into columns: the fields that have one of their own,
// in the catalogue's order.
type plan struct {
	columns []column
	gates   gates
}

var thePlan = sync.OnceValue(func() plan {
	var p plan
	for _, f := range field.Default().All() {
		if at := placeOf(f); at.column != "" && !at.twin {
			p.columns = append(p.columns, column{f, at, p.gates.need(f.Paths)})
		}
	}
	return p
})
