package record

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// The codec of detections by hand: by reflection it took a quarter of the time of a stream in
// which every event has some. What it writes is what encoding/json writes, byte by byte. What
// it reads is that form alone; anything else is read the long way.

// appendDetection appends one detection.
func appendDetection(b []byte, d *match.Detection) []byte {
	b = appendText(append(b, `{"rule":`...), d.Rule.Name)
	b = appendText(append(b, `,"priority":`...), d.Rule.Priority.String())
	b = appendText(append(b, `,"source":`...), d.Rule.Source)
	b = appendTexts(append(b, `,"tags":`...), d.Rule.Tags)
	b = appendText(append(b, `,"output":`...), d.Output)
	b = append(b, `,"fields":[`...)
	for i, f := range d.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(append(b, '['), f.Key), ',')
		b = append(appendValue(b, f.Value), ']')
	}
	return append(b, "]}"...)
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendText(b, v)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	case []string:
		return appendTexts(b, v)
	}
	other, _ := json.Marshal(v) // there are no others
	return append(b, other...)
}

func appendTexts(b []byte, texts []string) []byte {
	if texts == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, s := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendText appends a JSON string. Bytes that are no UTF-8 become the replacement character.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		var escape string
		switch c {
		case '"':
			escape = `\"`
		case '\\':
			escape = `\\`
		case '\n':
			escape = `\n`
		case '\r':
			escape = `\r`
		case '\t':
			escape = `\t`
		case '\b':
			escape = `\b`
		case '\f':
			escape = `\f`
		default:
			if c < ' ' {
				escape = `\u00` + string(hexDigits[c>>4]) + string(hexDigits[c&15])
				break
			}
			var r rune
			switch r, size = utf8.DecodeRuneInString(s[i:]); {
			case r == utf8.RuneError && size == 1:
				escape = `\ufffd`
			case r == '\u2028':
				escape = `\u2028`
			case r == '\u2029':
				escape = `\u2029`
			default:
				i += size
				continue
			}
		}
		b = append(append(b, s[done:i]...), escape...)
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

const hexDigits = "0123456789abcdef"

// reading reads what appendDetection wrote. Once something is of another form it is failed, and
// all that is read then is of no account.
type reading struct {
	b      []byte
	failed bool
}

// readDetections reads all of a text; ok is false where it is of another form, right or wrong.
func readDetections(b []byte) (found []match.Detection, ok bool) {
	r := reading{b: b}
	r.skip("[")
	for {
		found = append(found, r.detection())
		if r.failed || !r.next(',') {
			break
		}
	}
	r.skip("]")
	return found, !r.failed && len(r.b) == 0
}

func (r *reading) detection() match.Detection {
	rule := new(rules.Rule)
	r.skip(`{"rule":`)
	rule.Name = r.text()
	r.skip(`,"priority":`)
	var err error
	if rule.Priority, err = rules.ParsePriority(r.text()); err != nil {
		r.failed = true
	}
	r.skip(`,"source":`)
	rule.Source = r.text()
	r.skip(`,"tags":`)
	rule.Tags = r.texts()
	r.skip(`,"output":`)
	d := match.Detection{Rule: rule, Output: r.text()}
	r.skip(`,"fields":[`)
	d.Fields = make([]match.OutputField, 0, 8)
	for !r.failed && !r.next(']') {
		if len(d.Fields) > 0 {
			r.skip(",")
		}
		r.skip("[")
		f := match.OutputField{Key: r.text()}
		r.skip(",")
		f.Value = r.value()
		r.skip("]")
		d.Fields = append(d.Fields, f)
	}
	r.skip("}")
	return d
}

// next passes over a byte if it is the next one.
func (r *reading) next(c byte) bool {
	if len(r.b) == 0 || r.b[0] != c {
		return false
	}
	r.b = r.b[1:]
	return true
}

// skip passes over what has to come.
func (r *reading) skip(text string) {
	rest, ok := bytes.CutPrefix(r.b, []byte(text))
	if !ok {
		r.failed, r.b = true, nil
		return
	}
	r.b = rest
}

func (r *reading) value() any {
	if len(r.b) == 0 {
		r.failed = true
		return nil
	}
	switch r.b[0] {
	case '"':
		return r.text()
	case '[':
		return r.texts()
	case 'n':
		r.skip("null")
		return nil
	case 't':
		r.skip("true")
		return true
	case 'f':
		r.skip("false")
		return false
	}
	return r.number()
}

// number reads an unsigned one, which begins with no zero.
func (r *reading) number() uint64 {
	var n uint64
	i := 0
	for ; i < len(r.b) && '0' <= r.b[i] && r.b[i] <= '9'; i++ {
		digit := uint64(r.b[i] - '0')
		if n > (math.MaxUint64-digit)/10 {
			r.failed = true
		}
		n = n*10 + digit
	}
	if i == 0 || i > 1 && r.b[0] == '0' {
		r.failed = true
	}
	r.b = r.b[i:]
	return n
}

func (r *reading) texts() []string {
	if len(r.b) > 0 && r.b[0] == 'n' {
		r.skip("null")
		return nil
	}
	r.skip("[")
	texts := []string{}
	for !r.failed && !r.next(']') {
		if len(texts) > 0 {
			r.skip(",")
		}
		texts = append(texts, r.text())
	}
	return texts
}

// text reads a string.
func (r *reading) text() string {
	r.skip(`"`)
	escaped := false
	for i := 0; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			r.failed = true
			return ""
		case c == '"':
			s := r.b[:i]
			r.b = r.b[i+1:]
			if !utf8.Valid(s) {
				r.failed = true
			}
			if escaped {
				return r.unescaped(s)
			}
			return string(s)
		}
	}
	r.failed, r.b = true, nil
	return ""
}

// unescaped is what the inside of a string means.
func (r *reading) unescaped(s []byte) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		i++
		switch s[i] { // there is one: text looked behind each
		case '"', '\\', '/':
			out = append(out, s[i])
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		default: // of a character's number
			var text string
			whole := append(append([]byte{'"'}, s...), '"')
			if json.Unmarshal(whole, &text) != nil {
				r.failed = true
			}
			return text
		}
	}
	return string(out)
}
