package install

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// writeYAML writes what has a JSON form, with its members in their order; lists of scalars
// stand on one line.
func writeYAML(object any) (string, error) {
	b, err := json.Marshal(object)
	if err != nil {
		return "", err
	}
	var p yamlWriter
	p.value(b, 0, false)
	return strings.TrimPrefix(p.String(), "\n") + "\n", nil
}

// yamlWriter turns JSON into blocks. The JSON is our own, so there are no errors.
type yamlWriter struct{ strings.Builder }

// value writes a value behind a key or a dash; dash says that a mapping begins on the line of
// its dash.
func (p *yamlWriter) value(v json.RawMessage, indent int, dash bool) {
	switch v[0] {
	case '{':
		p.mapping(v, indent, dash)
	case '[':
		var items []json.RawMessage
		_ = json.Unmarshal(v, &items)
		if !hasBlocks(items) {
			p.WriteString(" " + flow(items))
			return
		}
		for _, item := range items {
			p.line(indent)
			p.WriteString("-")
			p.value(item, indent+2, true)
		}
	default:
		p.WriteString(" " + scalar(v))
	}
}

func (p *yamlWriter) mapping(v json.RawMessage, indent int, dash bool) {
	in := json.NewDecoder(bytes.NewReader(v))
	_, _ = in.Token()
	if !in.More() {
		p.WriteString(" {}")
		return
	}
	for first := true; in.More(); first = false {
		key, _ := in.Token()
		if first && dash {
			p.WriteString(" ")
		} else {
			p.line(indent)
		}
		var value json.RawMessage
		_ = in.Decode(&value)
		p.WriteString(text(key.(string)) + ":")
		p.value(value, indent+2, false)
	}
}

func (p *yamlWriter) line(indent int) {
	p.WriteString("\n" + strings.Repeat(" ", indent))
}

func hasBlocks(items []json.RawMessage) bool {
	for _, item := range items {
		if item[0] == '{' || item[0] == '[' {
			return true
		}
	}
	return false
}

// flow is a list of scalars.
func flow(items []json.RawMessage) string {
	var words []string
	for _, item := range items {
		words = append(words, scalar(item))
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func scalar(v json.RawMessage) string {
	if v[0] != '"' {
		return string(v)
	}
	var s string
	_ = json.Unmarshal(v, &s)
	return text(s)
}

// plainText is a text that no reader of YAML takes for anything else.
var plainText = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)

// text quotes what needs it. A JSON string is one of YAML, too.
func text(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
	default:
		if plainText.MatchString(s) {
			return s
		}
	}
	if strings.Contains(s, `"`) && !strings.ContainsAny(s, "'\n") {
		return "'" + s + "'"
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}
