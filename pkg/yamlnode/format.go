package yamlnode

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// Format writes JSON as YAML, keys in the order of the alphabet.
func Format(text []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(numbers(v)); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

// numbers has numbers written as they are spelled, and not as texts.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, m := range v {
			v[key] = numbers(m)
		}
	case []any:
		for i, e := range v {
			v[i] = numbers(e)
		}
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	}
	return v
}
