package redact

import "bytes"

// signatures are query parameters that stand for a password though their names
// do not say so: of URLs that are signed for whoever has them.
var signatures = []string{"sig", "x-amz-signature", "x-amz-credential", "x-goog-signature"}

// uriEdits finds what to redact in a requestURI: parameters by name, and what
// the path and the other parameters, the arguments of an exec among them, show
// once they are decoded.
func (r *Redactor) uriEdits(s []byte) (edits []edit) {
	path, query, _ := bytes.Cut(s, []byte("?"))
	edits = r.encoded(edits, path, 0, pathLayer)
	at := len(path) + 1
	flag := false // the argument before is a flag whose value comes next
	ran, has := noProgram, nothing
	for len(query) > 0 {
		var part []byte
		part, query, _ = bytes.Cut(query, []byte("&"))
		name, value, _ := bytes.Cut(part, []byte("="))
		start := at + len(name) + 1
		at += len(part) + 1
		name = decode(name, queryLayer)
		arg := decode(value, queryLayer)
		secret := r.keys.match(name) || oneOf(name, signatures) || flag && !bytes.HasPrefix(arg, []byte("-"))
		flag = r.bareFlag(arg)
		from := behindColon(arg, has)
		if has = nothing; from < 0 {
			from, has = ran.flag(arg)
		}
		if p := programOf(arg); p != noProgram {
			ran = p
		}
		switch {
		case len(value) == 0:
		case secret:
			edits = append(edits, edit{start, start + len(value), Marker})
		case from >= 0 && from < len(arg):
			for _, e := range written(value, queryLayer, []edit{{from, len(arg), Marker}}) {
				edits = append(edits, edit{start + e.start, start + e.end, e.text})
			}
		default:
			edits = r.encoded(edits, value, start, queryLayer)
		}
	}
	return edits
}

// encoded appends the edits of a part of the URI that begins at a place.
func (r *Redactor) encoded(edits []edit, part []byte, at int, step layer) []edit {
	found := r.textEdits(decode(part, step), 1, false)
	for _, e := range written(part, step, found) {
		edits = append(edits, edit{at + e.start, at + e.end, e.text})
	}
	return edits
}
