package gcp

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// append writes the event with its members in the order of the API server's.
func (v *event) append(dst []byte) []byte {
	dst = append(dst, `{"kind":"Event","apiVersion":"audit.k8s.io/v1"`...)
	dst = appendMember(dst, "level", v.level)
	dst = appendMember(dst, "auditID", v.auditID)
	dst = appendMember(dst, "stage", v.stage)
	dst = appendMember(dst, "requestURI", v.uri)
	dst = appendMember(dst, "verb", v.target.verb)
	dst = append(dst, `,"user":`...)
	dst = appendObject(dst, "username", v.user)
	if v.impersonated != "" {
		dst = append(dst, `,"impersonatedUser":`...)
		dst = appendObject(dst, "username", v.impersonated)
	}
	if v.address != "" {
		dst = append(dst, `,"sourceIPs":[`...)
		dst = append(appendString(dst, v.address), ']')
	}
	dst = appendMember(dst, "userAgent", text(v.entry.payload.Path("requestMetadata", "callerSuppliedUserAgent")))
	if t := &v.target; t.resource != "" {
		dst = append(dst, `,"objectRef":`...)
		dst = appendObject(dst, "resource", t.resource, "namespace", t.namespace, "name", t.name,
			"uid", t.uid, "apiGroup", t.group, "apiVersion", t.version, "resourceVersion", t.resourceVersion, "subresource", t.subresource)
	}
	dst = v.status.append(dst)
	if v.request.there {
		dst = v.request.append(append(dst, `,"requestObject":`...))
	}
	if v.response.there {
		dst = v.response.append(append(dst, `,"responseObject":`...))
	}
	dst = appendMember(dst, "requestReceivedTimestamp", v.received)
	dst = appendMember(dst, "stageTimestamp", v.staged)
	dst = append(dst, `,"annotations":`...)
	pairs := make([]string, 0, 2*len(v.annotations))
	for _, key := range slices.Sorted(maps.Keys(v.annotations)) {
		pairs = append(pairs, key, v.annotations[key])
	}
	return append(appendTexts(dst, pairs), '}')
}

func (s *status) append(dst []byte) []byte {
	if s.code == 0 && s.message == "" && s.reason == "" && s.status == "" {
		return dst
	}
	dst = append(dst, `,"responseStatus":{"metadata":{}`...)
	dst = appendMember(dst, "status", s.status)
	dst = appendMember(dst, "message", s.message)
	dst = appendMember(dst, "reason", s.reason)
	if s.details.Kind() == audit.Object {
		dst = appendDetails(append(dst, `,"details":`...), s.details)
	}
	if s.code != 0 {
		dst = strconv.AppendInt(append(dst, `,"code":`...), int64(s.code), 10)
	}
	return append(dst, '}')
}

// appendDetails writes the StatusDetails of a response: what of it is of the right type.
func appendDetails(dst []byte, d audit.Value) []byte {
	dst = appendObject(dst, texts(d, "name", "group", "kind", "uid")...)
	more := dst[len(dst)-2] != '{'
	member := func(name string) {
		dst = dst[:len(dst)-1] // the brace
		if more {
			dst = append(dst, ',')
		}
		dst, more = append(append(dst, name...), ':'), true
	}
	if causes := d.Get("causes"); causes.Kind() == audit.Array && causes.Len() > 0 {
		member(`"causes"`)
		sign := byte('[')
		for c := range causes.Elems() {
			dst = appendObject(append(dst, sign), texts(c, "reason", "message", "field")...)
			sign = ','
		}
		dst = append(dst, "]}"...)
	}
	if after, ok := count(d.Get("retryAfterSeconds")); ok && after > 0 && after <= math.MaxInt32 {
		member(`"retryAfterSeconds"`)
		dst = append(strconv.AppendInt(dst, int64(after), 10), '}')
	}
	return dst
}

// texts are keys and the texts that an object has there.
func texts(object audit.Value, keys ...string) []string {
	pairs := make([]string, 0, 2*len(keys))
	for _, key := range keys {
		pairs = append(pairs, key, text(object.Get(key)))
	}
	return pairs
}

// appendMember writes a comma, a key and a text; nothing when there is no text.
func appendMember(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ',')
	dst = appendString(dst, key)
	dst = append(dst, ':')
	return appendString(dst, value)
}

// appendObject writes an object of texts, given as keys and values; those without a text are left out.
func appendObject(dst []byte, pairs ...string) []byte {
	kept := pairs[:0]
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			kept = append(kept, pairs[i], pairs[i+1])
		}
	}
	return appendTexts(dst, kept)
}

// appendTexts writes an object of texts, given as keys and values.
func appendTexts(dst []byte, pairs []string) []byte {
	dst = append(dst, '{')
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, pairs[i])
		dst = append(dst, ':')
		dst = appendString(dst, pairs[i+1])
	}
	return append(dst, '}')
}

// appendString writes a JSON string. What is no UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size != 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		switch {
		case c >= utf8.RuneSelf:
			dst = append(dst, "\ufffd"...)
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
