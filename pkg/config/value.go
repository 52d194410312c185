package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// parse reads a scalar from text, as flags and the environment give it. Errors read
// on after the key: they say what is wrong and what to write.
func (s *setting) parse(in string) (any, error) {
	if err := printable(in); err != nil {
		return nil, err
	}
	switch s.kind {
	case text:
		return in, nil
	case onOff:
		b, err := strconv.ParseBool(in)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", in)
		}
		return b, nil
	case whole:
		n, err := strconv.Atoi(in)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", in)
		}
		return n, positive(n)
	case number:
		f, err := strconv.ParseFloat(in, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", in)
		}
		return rate(f)
	case size:
		return ParseSize(in)
	case span:
		return parseSpan(in)
	case priority:
		p, err := rules.ParsePriority(in)
		if err != nil {
			return nil, fmt.Errorf("%q: write %s", in, orList(priorities()))
		}
		return p, nil
	}
	return nil, errors.New("is no single value; set it in the file")
}

// convert reads a scalar as YAML gives it. It is strict about types: YAML takes
// much for numbers and dates that was meant as text.
func (s *setting) convert(in any) (any, error) {
	str, isText := in.(string)
	switch s.kind {
	case text:
		if !isText {
			return nil, notText(in)
		}
	case onOff:
		if b, ok := in.(bool); ok {
			return b, nil
		}
		return nil, fmt.Errorf("is %s; write true or false", form(in))
	case whole, number:
		return s.convertNumber(in)
	case size:
		switch in.(type) {
		case int, int64, uint64:
			return ParseSize(fmt.Sprint(in))
		}
		if !isText {
			return nil, fmt.Errorf("is %s; write a size such as 64MiB", form(in))
		}
	case span:
		if !isText {
			return nil, fmt.Errorf("is %s; write a time with its unit, such as 5s or 1m30s", form(in))
		}
	case priority:
		if !isText {
			return nil, fmt.Errorf("is %s; write %s", form(in), orList(priorities()))
		}
	}
	return s.parse(str)
}

func (s *setting) convertNumber(in any) (any, error) {
	switch n := in.(type) {
	case int, int64, uint64:
		return s.parse(fmt.Sprint(n))
	case float64:
		if s.kind == number {
			return rate(n)
		}
		return nil, fmt.Errorf("%v is no whole number", n)
	}
	if s.kind == whole {
		return nil, fmt.Errorf("is %s; write a whole number", form(in))
	}
	return nil, fmt.Errorf("is %s; write a number", form(in))
}

// notText says what YAML has made of something that was meant as text.
func notText(in any) error {
	switch in.(type) {
	case []any, map[string]any, map[any]any:
		return fmt.Errorf("is %s; write a text", form(in))
	}
	return fmt.Errorf("is %s, not text; write it in quotes", form(in))
}

// form says what kind of thing YAML has made of a value. The value itself stays out
// of messages: it may be a secret at the wrong place.
func form(in any) string {
	switch in.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case int, int64, uint64, float64:
		return "a number"
	case time.Time:
		return "a date"
	case []any:
		return "a list"
	case map[string]any, map[any]any:
		return "a section"
	}
	return "something else"
}

func parseSpan(in string) (time.Duration, error) {
	d, err := time.ParseDuration(in)
	if days, ok := strings.CutSuffix(in, "d"); ok {
		var n uint64
		if n, err = strconv.ParseUint(days, 10, 16); err == nil { // 180 years at most
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no time; write one such as 5ms, 10s, 1m30s or 30d", in)
	case d < 0:
		return 0, fmt.Errorf("%q is below 0; write a time such as 10s", in)
	}
	return d, nil
}

func positive(n int) error {
	if n < 0 {
		return fmt.Errorf("%d is below 0", n)
	}
	return nil
}

func rate(f float64) (float64, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%v is no number to count with", f)
	}
	if f < 0 {
		return 0, fmt.Errorf("%v is below 0", f)
	}
	return f, nil
}

// printable refuses what no setting is made of. Line breaks would end up in
// headers, logs and alerts.
func printable(in string) error {
	if !utf8.ValidString(in) {
		return errors.New("is no UTF-8")
	}
	for _, r := range in {
		if unicode.IsControl(r) {
			return fmt.Errorf("holds the control character %q; take it out", r)
		}
	}
	return nil
}

// priorities are the names of all priorities, the most urgent first.
func priorities() []string {
	var names []string
	for p := rules.Emergency; p <= rules.Debug; p++ {
		names = append(names, strings.ToLower(p.String()))
	}
	return names
}

// orList writes a, b or c.
func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// format writes a scalar so that parse reads it.
func format(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return formatSpan(v)
	case rules.Priority:
		return strings.ToLower(v.String())
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// formatSpan leaves out the parts that are 0: 1m, not 1m0s.
func formatSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
