package indices

import (
	"encoding/json"
	"fmt"
)

// holds reports whether what a server gave back says all that was sent to it. The
// server spells things its own way (all settings as text, dots for objects) and adds
// defaults, and people may have added fields; none of that is a reason to write again.
func holds(given json.RawMessage, sent []byte) bool {
	var g, s any
	if json.Unmarshal(given, &g) != nil || json.Unmarshal(sent, &s) != nil {
		return false
	}
	have := map[string]string{}
	flatten("", g, have)
	want := map[string]string{}
	flatten("", s, want)
	for path, text := range want {
		if t, ok := have[path]; !ok || t != text {
			return false
		}
	}
	return true
}

// flatten collects the scalars of a JSON value by their path.
func flatten(path string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for name, below := range v {
			flatten(path+"."+name, below, into)
		}
	case []any:
		for i, below := range v {
			flatten(fmt.Sprintf("%s.%d", path, i), below, into)
		}
		into[path+".length"] = fmt.Sprint(len(v))
	default:
		into[path] = fmt.Sprint(v)
	}
}
