package backtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Mark says that detections of a rule are false positives.
type Mark struct {
	Line   int
	Rule   string
	Event  string            // auditID or ID of the event; "": no matter
	Fields map[string]string // fields of the catalogue or of the output, each with its value
	Time   time.Time         // of the event; zero: no matter

	used *uint64 // detections that it marked
}

// markLine is a mark as written, or an alert as Falco writes it.
type markLine struct {
	Rule         string                     `json:"rule"`
	Event        string                     `json:"event"`
	Fields       map[string]string          `json:"fields"`
	Time         time.Time                  `json:"time"`
	OutputFields map[string]json.RawMessage `json:"output_fields"`

	// What else an alert has.
	UUID     string          `json:"uuid"`
	Output   string          `json:"output"`
	Priority string          `json:"priority"`
	Source   string          `json:"source"`
	Hostname string          `json:"hostname"`
	Tags     json.RawMessage `json:"tags"`
}

// maxMarks bounds the marks: each is held against each detection of its rule.
const maxMarks = 10_000

// ReadMarks reads a file of marks; name is for messages. Fields are looked up in the
// catalogue, and those that are none are fields of outputs.
func ReadMarks(name string, from io.Reader) ([]Mark, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var all []Mark
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		m, err := readMark(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		if m.Line = number; len(all) == maxMarks {
			return nil, fmt.Errorf("%s:%d: more than %d marks; write fields that several detections have", name, number, maxMarks)
		}
		all = append(all, m)
	}
	return all, nil
}

func readMark(line []byte) (Mark, error) {
	var in markLine
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return Mark{}, fmt.Errorf("no mark: %w", err)
	}
	if dec.More() {
		return Mark{}, fmt.Errorf("a line holds one mark")
	}
	m := Mark{Rule: in.Rule, Event: in.Event, Fields: in.Fields, used: new(uint64)}
	switch {
	case m.Rule == "":
		return m, fmt.Errorf(`a mark has a rule: {"rule": "...", "event": "..."} or {"rule": "...", "fields": {...}}`)
	case in.OutputFields != nil:
		m.Time = in.Time
		m.Fields = map[string]string{}
		for key, raw := range in.OutputFields {
			if key != "evt.time" && key != "evt.time.iso8601" { // which every alert gets; Time says it
				m.Fields[key] = rawText(raw)
			}
		}
	case m.Event == "" && len(m.Fields) == 0:
		return m, fmt.Errorf("a mark without event and fields would mean every detection of the rule; name the event, or fields and their values")
	}
	return m, nil
}

// rawText is a value of an alert as a text, the same however it is written.
func rawText(raw json.RawMessage) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return string(raw)
	}
	if text, ok := v.(string); ok {
		return text
	}
	again, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(again)
}

// isMarked tells whether a detection is a false positive.
func (t *Tally) isMarked(id string, c *field.Context, d match.Detection) bool {
	marked := false
	for i := range t.opt.Marks {
		m := &t.opt.Marks[i]
		if m.Rule == d.Rule.Name && m.fits(id, c, d, t.opt.Catalogue) {
			*m.used++
			marked = true
		}
	}
	return marked
}

// fits tells whether a mark means a detection.
func (m *Mark) fits(id string, c *field.Context, d match.Detection, cat *field.Catalogue) bool {
	if m.Event != "" && m.Event != id && m.Event != c.Event.AuditID {
		return false
	}
	if !m.Time.IsZero() && !m.Time.Equal(c.Event.Time) {
		return false
	}
	for name, want := range m.Fields {
		got, ok := outputText(d, name)
		if !ok {
			if got, ok = textOf(name, c, cat); !ok {
				return false
			}
		}
		if got != want {
			return false
		}
	}
	return true
}

// outputText is an output field of a detection as an alert has it.
func outputText(d match.Detection, name string) (string, bool) {
	i := slices.IndexFunc(d.Fields, func(f match.OutputField) bool { return f.Key == name })
	if i < 0 {
		return "", false
	}
	raw, err := json.Marshal(d.Fields[i].Value)
	if err != nil {
		return "", false
	}
	return rawText(raw), true
}

// textOf is the text of a field as conditions name it; ok is false where it is absent,
// a list, or no field.
func textOf(name string, c *field.Context, cat *field.Catalogue) (text string, ok bool) {
	f, arg, ok := fieldOf(name, cat)
	if !ok {
		return "", false
	}
	items := f.Extract(c, arg)
	if len(items) != 1 {
		return "", false
	}
	return items[0].Text, true
}

// fieldOf reads a field as conditions name it, with its argument if there is one. Of lists
// and of what is made of fields there is no single value to compare with.
func fieldOf(name string, cat *field.Catalogue) (*field.Field, field.Arg, bool) {
	operand, err := condition.ParseField(name)
	if err != nil {
		return nil, field.Arg{}, false
	}
	in, ok := operand.(*condition.Field)
	if !ok {
		return nil, field.Arg{}, false
	}
	f, ok := cat.Lookup(in.Name)
	if !ok || f.List {
		return nil, field.Arg{}, false
	}
	arg, err := f.NoArg()
	if in.HasArg {
		arg, err = f.ParseArg(in.Arg)
	}
	return f, arg, err == nil
}

// Unused gives the marks that meant no detection.
func (t *Tally) Unused() (all []Mark) {
	for _, m := range t.opt.Marks {
		if *m.used == 0 {
			all = append(all, m)
		}
	}
	return all
}

// sortedKeys gives the keys of a mapping in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
