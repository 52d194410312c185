package alert

import (
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/match"
)

// AppendFalcoJSON appends Falco's JSON line.
func AppendFalcoJSON(dst []byte, a *Alert, opt Options) []byte {
	r := a.Detection.Rule
	dst = append(dst, `{"hostname":`...)
	dst = appendString(dst, opt.Hostname)
	dst = append(dst, `,"output":`...)
	dst = appendString(dst, string(appendFalcoText(nil, a, opt)))
	dst = append(dst, `,"output_fields":`...)
	dst = appendFields(dst, outputFields(a, opt))
	dst = append(dst, `,"priority":`...)
	dst = appendString(dst, r.Priority.String())
	dst = append(dst, `,"rule":`...)
	dst = appendString(dst, r.Name)
	dst = append(dst, `,"source":`...)
	dst = appendString(dst, r.Source)
	dst = append(dst, `,"tags":`...)
	dst = appendStrings(dst, r.Tags)
	dst = append(dst, `,"time":"`...)
	dst = a.Event.Time.UTC().AppendFormat(dst, jsonLayout)
	return append(dst, `"}`...)
}

// outputFields gives the fields with the event's time among them, by key.
func outputFields(a *Alert, opt Options) []match.OutputField {
	key := "evt.time"
	if opt.ISO8601 {
		key = "evt.time.iso8601"
	}
	fields := make([]match.OutputField, 0, len(a.Detection.Fields)+1)
	fields = append(fields, match.OutputField{Key: key, Value: eventNanos(a.Event.Time)})
	for _, f := range a.Detection.Fields {
		if f.Key != key {
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b match.OutputField) int { return cmp.Compare(a.Key, b.Key) })
	return fields
}

func appendFields(dst []byte, fields []match.OutputField) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f.Key)
		dst = append(dst, ':')
		dst = appendValue(dst, f.Value)
	}
	return append(dst, '}')
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(dst, v)
	case []string:
		return appendStrings(dst, v)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case bool:
		return strconv.AppendBool(dst, v)
	}
	return append(dst, "null"...)
}

func appendStrings(dst []byte, ss []string) []byte {
	dst = append(dst, '[')
	for i, s := range ss {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

const hex = "0123456789abcdef"

// appendString appends a JSON string with the escapes that Falco's encoder
// uses: only what JSON demands. Invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			dst = appendASCII(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return append(dst, '"')
}

func appendASCII(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if c < ' ' {
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(dst, c)
}
