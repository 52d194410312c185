package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Reduce turns an event that was recorded in full into what the source would have recorded of it: nil where that is nothing.
// Nothing is added: an event with fewer bodies than the policy asks for keeps those that it has. The error is that of an event
// that is no JSON object.
func (s *Source) Reduce(e *audit.Event) (*audit.Event, error) {
	root := e.Root()
	if root.Kind() != audit.Object {
		return nil, fmt.Errorf("policy: %s:%d: no event", e.Input, e.Line)
	}
	rec := s.Policy.Record(RequestOf(e))
	if rec.Level == None || slices.Contains(rec.OmitStages, e.Stage) {
		return nil, nil
	}
	rec.Level = min(rec.Level, recordedLevel(root))
	r := reduction{source: s, rec: rec, patch: root.Get("verb").Text() == "patch"}
	out, err := reread(r.event(nil, root), root.Get("kind").Exists())
	if err != nil {
		return nil, fmt.Errorf("policy: %s:%d: %w", e.Input, e.Line, err)
	}
	out.Cluster, out.Labels, out.Input, out.Line, out.Offset = e.Cluster, e.Labels, e.Input, e.Line, e.Offset
	return out, nil
}

// reread reads what is left. An event needs no kind where it is an item of a list.
func reread(raw []byte, kind bool) (*audit.Event, error) {
	if kind {
		return audit.Converted{Raw: raw}.Event()
	}
	list := append(append([]byte(`{"kind":"EventList","items":[`), raw...), "]}"...)
	return audit.NewReader(bytes.NewReader(list), "-", audit.Limits{MaxEvent: 1 << 30}).Next()
}

// recordedLevel is the level of a recorded event. One that does not tell has whatever it has.
func recordedLevel(root audit.Value) Level {
	if at := slices.Index(levelNames[:], root.Get("level").Text()); at > 0 {
		return Level(at)
	}
	return RequestResponse
}

// reduction writes an event without what was not to be recorded.
type reduction struct {
	source *Source
	rec    Recording
	patch  bool
}

func (r *reduction) event(out []byte, root audit.Value) []byte {
	out = append(out, '{')
	for key, v := range root.Members() {
		switch {
		case key == "requestObject" && r.rec.Level < WithRequest, key == "responseObject" && r.rec.Level < RequestResponse:
			continue
		case r.source.lacks("/"+key) != "":
			continue
		}
		out = appendKey(out, key)
		out = r.member(out, key, v)
	}
	return append(out, '}')
}

func (r *reduction) member(out []byte, key string, v audit.Value) []byte {
	switch key {
	case "level":
		return append(out, `"`+r.rec.Level.String()+`"`...)
	case "requestURI":
		return appendText(out, r.uri(v.Text()))
	case "user", "impersonatedUser":
		return without(out, v, func(member string) bool { return r.source.lacks("/"+key+"/"+member) != "" })
	case "requestObject":
		if r.rec.OmitManagedFields && !r.patch { // a patch is recorded as it came
			return withoutManaged(out, v)
		}
	case "responseObject":
		if r.rec.OmitManagedFields {
			return withoutManaged(out, v)
		}
	}
	return append(out, v.Raw()...)
}

// uri leaves out the parameters that the source does not have.
func (r *reduction) uri(uri string) string {
	path, query, _ := strings.Cut(uri, "?")
	var left []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if part != "" && r.source.lacks("/requestURI?"+name) == "" {
			left = append(left, part)
		}
	}
	if len(left) == 0 {
		return path
	}
	return path + "?" + strings.Join(left, "&")
}

// without writes an object without some of its members; anything else as it is.
func without(out []byte, v audit.Value, drop func(key string) bool) []byte {
	return rewrite(out, v, func(key string, _ audit.Value) (func([]byte, audit.Value) []byte, bool) { return nil, !drop(key) })
}

// rewrite writes an object, each member by what f gives for it, or as it is; f tells also whether it stays.
func rewrite(out []byte, v audit.Value, f func(key string, v audit.Value) (write func([]byte, audit.Value) []byte, stays bool)) []byte {
	if v.Kind() != audit.Object {
		return append(out, v.Raw()...)
	}
	out = append(out, '{')
	for key, member := range v.Members() {
		write, stays := f(key, member)
		if !stays {
			continue
		}
		out = appendKey(out, key)
		if write == nil {
			out = append(out, member.Raw()...)
		} else {
			out = write(out, member)
		}
	}
	return append(out, '}')
}

// withoutManaged writes an object, a list or a table without managedFields.
func withoutManaged(out []byte, object audit.Value) []byte {
	return rewrite(out, object, func(key string, _ audit.Value) (func([]byte, audit.Value) []byte, bool) {
		switch key {
		case "metadata":
			return func(out []byte, meta audit.Value) []byte {
				return without(out, meta, func(key string) bool { return key == "managedFields" })
			}, true
		case "items":
			return each(withoutManaged), true
		case "rows":
			return each(func(out []byte, row audit.Value) []byte {
				return rewrite(out, row, func(key string, _ audit.Value) (func([]byte, audit.Value) []byte, bool) {
					if key == "object" {
						return withoutManaged, true
					}
					return nil, true
				})
			}), true
		}
		return nil, true
	})
}

// each writes an array element by element; anything else as it is.
func each(write func([]byte, audit.Value) []byte) func([]byte, audit.Value) []byte {
	return func(out []byte, array audit.Value) []byte {
		if array.Kind() != audit.Array {
			return append(out, array.Raw()...)
		}
		out = append(out, '[')
		first := true
		for v := range array.Elems() {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = write(out, v)
		}
		return append(out, ']')
	}
}

func appendKey(out []byte, key string) []byte {
	if out[len(out)-1] != '{' {
		out = append(out, ',')
	}
	return append(appendText(out, key), ':')
}

func appendText(out []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text can be written
	return append(out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
