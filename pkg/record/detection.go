package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// detection is a detection in the log.
type detection struct {
	Rule     string   `json:"rule"`
	Priority string   `json:"priority"`
	Source   string   `json:"source"`
	Tags     []string `json:"tags"`
	Output   string   `json:"output"`
	Fields   []pair   `json:"fields"`
}

// pair is an output field: an array of key and value, so that the order of the
// fields stays and so do equal keys.
type pair match.OutputField

// EncodeDetections writes what the rules found; nil for nothing.
func EncodeDetections(found []match.Detection) []byte {
	if len(found) == 0 {
		return nil
	}
	out := make([]detection, len(found))
	for i, d := range found {
		out[i] = detection{
			Rule: d.Rule.Name, Priority: d.Rule.Priority.String(), Source: d.Rule.Source,
			Tags: d.Rule.Tags, Output: d.Output, Fields: make([]pair, len(d.Fields)),
		}
		for k, f := range d.Fields {
			out[i].Fields[k] = pair(f)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // shorter
	_ = enc.Encode(out)      // texts, numbers, booleans: it cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// decodeDetections reads what EncodeDetections wrote.
func decodeDetections(b []byte) ([]match.Detection, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var in []detection
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("detections: %w", err)
	}
	out := make([]match.Detection, len(in))
	for i, d := range in {
		p, err := rules.ParsePriority(d.Priority)
		if err != nil {
			return nil, fmt.Errorf("detections: of rule %q: %w", d.Rule, err)
		}
		out[i] = match.Detection{Output: d.Output, Fields: make([]match.OutputField, len(d.Fields)),
			Rule: &rules.Rule{Name: d.Rule, Priority: p, Source: d.Source, Tags: d.Tags}}
		for k, f := range d.Fields {
			out[i].Fields[k] = match.OutputField(f)
		}
	}
	return out, nil
}

// MarshalJSON writes the pair as an array.
func (p pair) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{p.Key, p.Value}) }

// UnmarshalJSON reads the array; the value gets the type it had.
func (p *pair) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if len(raw) != 2 {
		return fmt.Errorf("an output field of %d elements, it has two: key and value", len(raw))
	}
	if err := json.Unmarshal(raw[0], &p.Key); err != nil {
		return err
	}
	var err error
	p.Value, err = value(raw[1])
	return err
}

// value reads what a match.OutputField can hold.
func value(raw json.RawMessage) (any, error) {
	switch raw[0] {
	case 'n':
		return nil, nil
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case 't', 'f':
		return raw[0] == 't', nil
	case '[':
		list := []string{}
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("an output field's value is null, a text, a number without sign, a boolean or an array of texts: %.40q", raw)
	}
	return n, nil
}
