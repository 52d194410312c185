package audit

import "strings"

// Bounds of what is told of a merge patch.
const (
	mostPatched    = 20
	deepestPatched = 6
)

// patchOf tells what a patch does. Of patches that are whole objects (an apply) and of subresources it tells nothing.
func patchOf(w *What, asked Value) []string {
	if asked.Kind() == Object && (w.Subresource != "" || asked.Get("kind").Exists()) {
		return nil
	}
	var out []string
	for op := range asked.Elems() {
		out = append(out, str(op.Get("op"))+" "+str(op.Get("path")))
	}
	return merged(out, asked, "", 1)
}

// merged adds the fields that a merge patch sets or removes below path.
func merged(out []string, patch Value, path string, depth int) []string {
	for key, v := range patch.Members() {
		if len(out) >= mostPatched {
			break
		}
		switch at := path + key; {
		case strings.HasPrefix(key, "$"): // a directive of a strategic merge patch
		case v.Kind() == Null:
			out = append(out, "remove "+at)
		case v.Kind() == Object && v.Len() > 0 && depth < deepestPatched:
			out = merged(out, v, at+".", depth+1)
		default:
			out = append(out, "set "+at)
		}
	}
	return out
}
