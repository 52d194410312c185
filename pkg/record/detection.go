package record

import (
	"bytes"
	"encoding/json"
	"errors"
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

// stored is a detection out of the log. Its fields are read as they come and looked
// at then: a type of their own would have each of them parsed three times.
type stored struct {
	Rule     string   `json:"rule"`
	Priority string   `json:"priority"`
	Source   string   `json:"source"`
	Tags     []string `json:"tags"`
	Output   string   `json:"output"`
	Fields   [][]any  `json:"fields"`
}

// decodeDetections reads what EncodeDetections wrote.
func decodeDetections(b []byte) ([]match.Detection, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var in []stored
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber() // a float does not hold all of a uint64
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("detections: %w", err)
	}
	if rest := len(b) - int(dec.InputOffset()); rest > 0 {
		return nil, fmt.Errorf("detections: %d bytes behind them", rest)
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
			if out[i].Fields[k], err = outputField(f); err != nil {
				return nil, fmt.Errorf("detections: of rule %q: %w", d.Rule, err)
			}
		}
	}
	return out, nil
}

// MarshalJSON writes the pair as an array.
func (p pair) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{p.Key, p.Value}) }

// outputField reads a pair; the value gets the type it had.
func outputField(pair []any) (f match.OutputField, err error) {
	if len(pair) != 2 {
		return f, fmt.Errorf("an output field of %d elements, it has two: key and value", len(pair))
	}
	key, ok := pair[0].(string)
	if !ok {
		return f, fmt.Errorf("an output field's key is a text, not %v", pair[0])
	}
	f.Key = key
	f.Value, err = value(pair[1])
	return f, err
}

// value reads what a match.OutputField can hold.
func value(in any) (any, error) {
	switch v := in.(type) {
	case nil, string, bool:
		return v, nil
	case json.Number:
		if n, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return n, nil
		}
	case []any:
		list := make([]string, len(v))
		for i, el := range v {
			text, ok := el.(string)
			if !ok {
				return nil, errValue
			}
			list[i] = text
		}
		return list, nil
	}
	return nil, errValue
}

var errValue = errors.New("an output field's value is null, a text, a number without sign, a boolean or an array of texts")
