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

// EncodeDetections writes what the rules found, as an array of objects with rule, priority,
// source, tags, output, and fields: an array of arrays of key and value, so that their order
// stays and so do equal keys. nil for nothing.
func EncodeDetections(found []match.Detection) []byte {
	if len(found) == 0 {
		return nil
	}
	size := 2
	for i := range found {
		size += 256 + 2*len(found[i].Output)
	}
	b := append(make([]byte, 0, size), '[')
	for i := range found {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendDetection(b, &found[i])
	}
	return append(b, ']')
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
	if found, ok := readDetections(b); ok {
		return found, nil
	}
	return decodeAny(b)
}

// decodeAny reads detections as any other program may have written them, and says what is
// wrong with those that cannot be read.
func decodeAny(b []byte) ([]match.Detection, error) {
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
