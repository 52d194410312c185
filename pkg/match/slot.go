package match

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// slot is a distinct operand of the rules. Its value is found at most once for
// an event.
type slot struct {
	text  string // as written, the key of the slot
	op    operand
	field *field.Field // nil for a transformer
	arg   field.Arg
	path  int32 // the place of its value; 0: it is not as simple as that
	ka    bool  // absent from events without an auditID
	typ   condition.OperandType
	cost  int32   // to find its value, in units of a look at the envelope
	prior float64 // guessed share of events that have one given value

	ofPod    bool  // absent where no pod is written
	repeated int32 // number among the repeated slots; -1: none of these
}

// The costs of finding a value. What is in the bodies needs them parsed, which
// most events would be spared.
const (
	costEnvelope  = 1
	costDerived   = 4
	costTransform = 6
	costBody      = 60
)

func (c *compiler) slot(o condition.Operand) (int32, error) {
	if t, ok := o.(*condition.Transform); ok && t.Name == "val" {
		o = t.Args[0]
	}
	text := o.String()
	if id, ok := c.slotIDs[text]; ok {
		return id, nil
	}
	op, err := c.b.operand(o)
	if err != nil {
		return 0, err
	}
	typ, err := condition.TypeOf(o, c.b.cat)
	if err != nil {
		return 0, err
	}
	s := slot{text: text, op: op, typ: typ, cost: costTransform, prior: 0.1}
	if f, ok := op.(fieldOperand); ok {
		s.field, s.arg = f.field, f.arg
		s.cost = fieldCost(f)
		s.prior = prior(f)
		s.path, s.ka = c.path(plainPath(f)), strings.HasPrefix(f.field.Name, "ka.")
	}
	condition.WalkFields(&condition.Check{Left: o, Op: condition.Exists}, func(fl *condition.Field) {
		if x, err := c.b.fieldOperand(fl); err == nil && inBody(x.(fieldOperand)) {
			s.cost = costBody
			s.ofPod = s.ofPod || x.(fieldOperand).field.OfPod()
		}
	})
	id := int32(len(c.slots))
	c.slots = append(c.slots, s)
	c.slotIDs[text] = id
	return id, nil
}

func fieldCost(f fieldOperand) int32 {
	switch {
	case f.field.List, f.arg.Present, len(f.field.Paths) != 1:
		return costDerived
	}
	return costEnvelope
}

func inBody(f fieldOperand) bool { return f.field.InBody(f.arg) }

// isTime tells whether the slot is the text of the event's time.
func (s *slot) isTime() bool {
	return s.field != nil && (s.field.Name == "json.rawtime" || s.field.Name == "jevt.rawtime")
}

// always tells whether every event has the field.
func (s *slot) always() bool {
	if s.field == nil {
		return false
	}
	switch s.field.Name {
	case "evt.num", "evt.pluginname", "evt.source", "evt.is_async", "kw.duplicate_keys":
		return true
	}
	return s.isTime() || strings.HasPrefix(s.field.Name, "evt.time") || strings.HasPrefix(s.field.Name, "evt.datetime") ||
		strings.HasPrefix(s.field.Name, "evt.rawtime") || strings.HasPrefix(s.field.Name, "evt.reltime")
}

// priorName is that of names of objects, of which most are of one object only.
const priorName = 0.01

// prior guesses how many events have one given value in a field. Only the
// order of the guesses counts: it decides by which of its checks a rule is
// found.
func prior(f fieldOperand) float64 {
	name := f.field.Name
	if name == "jevt.value" || name == "json.value" {
		name = strings.TrimPrefix(f.arg.Key, "/")
	}
	switch name {
	case "ka.auditid", "auditID", "ka.uri", "requestURI":
		return 0.001
	case "ka.target.name", "objectRef/name", "ka.resp.name", "ka.target.pod.name", "ka.req.configmap.name", "kw.response.name":
		return priorName
	case "ka.target.namespace", "objectRef/namespace", "ka.target.subresource", "objectRef/subresource":
		return 0.04
	case "ka.target.resource", "objectRef/resource":
		return 0.05
	case "ka.user.name", "user/username", "ka.useragent", "userAgent", "ka.impuser.name", "impersonatedUser/username":
		return 0.05
	case "ka.verb", "verb":
		return 0.2
	case "ka.stage", "stage", "ka.auth.decision", "level", "kw.level", "evt.source", "evt.pluginname", "ka.cluster.name":
		return 0.6
	case "ka.response.code", "responseStatus/code", "ka.user.groups":
		return 0.4
	}
	return 0.1
}

// find finds the slot's value. The texts of items end at a NUL, as comparisons
// do.
func (st *state) find(s *slot, v *value) {
	if s.field == nil {
		*v = s.op.value(st.c)
		return
	}
	begin := len(st.arena)
	if s.path == 0 {
		st.arena = s.field.Append(st.arena, st.c, s.arg)
	} else if at := st.at(s.path); at.Exists() && (!s.ka || st.identified()) {
		st.arena = append(st.arena, field.Item{Text: at.Text()})
	}
	v.items = st.arena[begin:len(st.arena):len(st.arena)]
	v.present = len(v.items) > 0
	for i := range v.items {
		v.items[i].Text = operator.CutNUL(v.items[i].Text)
	}
}
