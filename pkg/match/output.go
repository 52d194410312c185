package match

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Absent is what an output prints for a field that the event does not have.
const Absent = "<NA>"

// OutputField is a field of an output with its value.
type OutputField struct {
	Key   string
	Value any // nil (absent), string, uint64, bool, or []string
}

// segment is a piece of an output: text, or an operand.
type segment struct {
	text    string
	operand operand // nil for plain text
	field   int     // index of the output field with the same value; -1: none has it
	list    bool
	width   int
}

// output is a field whose value goes with a detection.
type output struct {
	key     string
	field   *field.Field
	operand operand
}

// listLimit is where Falco cuts the text of a list, in bytes.
const listLimit = 1023

func (b *builder) format(f *format.Format) ([]segment, []output, error) {
	outs := make([]output, len(f.Fields))
	byKey := make(map[string]int, len(f.Fields))
	for i, fl := range f.Fields {
		out, err := b.output(fl)
		if err != nil {
			return nil, nil, err
		}
		outs[i], byKey[out.key] = out, i
	}
	segs := make([]segment, len(f.Segments))
	for i, s := range f.Segments {
		segs[i] = segment{text: s.Text, width: s.Width, field: -1}
		if s.Operand == nil {
			continue
		}
		typ, err := condition.TypeOf(s.Operand, b.cat)
		if err != nil {
			return nil, nil, err
		}
		segs[i].list = typ.List
		if segs[i].operand, err = b.operand(s.Operand); err != nil {
			return nil, nil, err
		}
		if fl, ok := s.Operand.(*condition.Field); ok {
			segs[i].field = byKey[format.Key(fl)]
			segs[i].operand = outs[segs[i].field].operand
		}
	}
	return segs, outs, nil
}

func (b *builder) output(fl *condition.Field) (output, error) {
	op, err := b.operand(fl)
	if err != nil {
		return output{}, err
	}
	f, _ := b.cat.Lookup(fl.Name)
	return output{key: format.Key(fl), field: f, operand: op}, nil
}

// namedOutput is a field given by name, as on a command line.
func (b *builder) namedOutput(name string) (output, error) {
	o, err := condition.ParseField(name)
	if err != nil {
		return output{}, err
	}
	if _, err := condition.TypeOf(o, b.cat); err != nil {
		return output{}, err
	}
	fl, ok := o.(*condition.Field)
	if !ok {
		return output{}, &condition.CompileError{Pos: o.Pos(), Msg: "a transformer can not be appended, only a field"}
	}
	return b.output(fl)
}

func (m *Plain) detection(r *rule, c *field.Context) Detection {
	d := Detection{Rule: r.rule}
	if n := len(r.fields) + len(m.append); n > 0 {
		d.Fields = make([]OutputField, 0, n)
	}
	values := make([]value, len(r.fields))
	for i := range r.fields {
		values[i] = r.fields[i].operand.value(c)
		d.add(&r.fields[i], values[i])
	}
	for i := range m.append {
		d.add(&m.append[i], m.append[i].operand.value(c))
	}
	d.Output = m.print(r, values, c)
	return d
}

// outputSize is how long outputs usually are.
const outputSize = 256

func (d *Detection) add(o *output, v value) {
	for _, f := range d.Fields {
		if f.Key == o.key {
			return
		}
	}
	d.Fields = append(d.Fields, OutputField{Key: o.key, Value: o.value(v)})
}

// print fills in the output of a rule; values are those of its output fields.
func (m *Plain) print(r *rule, values []value, c *field.Context) string {
	var b strings.Builder
	b.Grow(outputSize)
	for i := range r.output {
		s := &r.output[i]
		switch {
		case s.operand == nil:
			b.WriteString(s.text)
		case s.field >= 0 && s.operand == r.fields[s.field].operand:
			b.WriteString(m.segment(s, values[s.field]))
		default:
			b.WriteString(m.segment(s, s.operand.value(c)))
		}
	}
	return b.String()
}

func (m *Plain) segment(s *segment, v value) string {
	str := printed(v, s.list)
	if m.opt.Strict && s.list && v.present {
		str = falcoList(v.items)
	}
	if s.width > 0 {
		str = pad(str, s.width)
	}
	return str
}

func printed(v value, list bool) string {
	switch {
	case !v.present:
		return Absent
	case !list:
		return operator.CutNUL(v.items[0].Text)
	}
	parts := make([]string, len(v.items))
	for i, item := range v.items {
		parts[i] = operator.CutNUL(item.Text)
	}
	return "(" + strings.Join(parts, ",") + ")"
}

// falcoList prints a list as Falco does: empty elements before the first other
// one leave no trace, and the text is cut.
func falcoList(items []field.Item) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, item := range items {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(operator.CutNUL(item.Text))
	}
	b.WriteByte(')')
	return b.String()[:min(b.Len(), listLimit)]
}

func pad(s string, width int) string {
	if len(s) >= width {
		return s[:width]
	}
	return s + strings.Repeat(" ", width-len(s))
}

func (o *output) value(v value) any {
	switch {
	case !v.present:
		return nil
	case o.field.List:
		list := make([]string, len(v.items))
		for i, item := range v.items {
			list[i] = operator.CutNUL(item.Text)
		}
		return list
	case o.field.JSONNum || o.field.Type.Numeric():
		return v.items[0].Num
	case o.field.Type == condition.TypeBool:
		return v.items[0].Text == "true"
	}
	return operator.CutNUL(v.items[0].Text)
}
