package redact

import (
	"bytes"
	"strconv"
)

// pairLists are lists of {name, value}: a JSON patch that sets a value in one
// does not say what the name is.
var pairLists = []string{"env", "httpheaders", "parameters", "params", "variables"}

// patched walks the value of an operation of a JSON patch, whatever the
// operation: test shows a value as well as add. Of several paths all count.
func (d *doc) patched(at int, paths [][]byte, secret bool) {
	inData := false
	for _, p := range paths {
		switch d.r.patchTarget(p, secret, d.nodes[at].kind) {
		case targetSecret:
			d.all(at)
			return
		case targetData:
			inData = true
		}
	}
	if inData {
		d.data(at)
		return
	}
	d.value(at, secret)
}

// target is what the path of a JSON patch leads to.
type target uint8

const (
	targetOther target = iota
	targetData         // the data of what may be a ConfigMap
	targetSecret
)

func (r *Redactor) patchTarget(path []byte, secret bool, kind byte) target {
	segs := bytes.Split(path, []byte("/"))
	for i, s := range segs {
		s = bytes.ReplaceAll(bytes.ReplaceAll(s, []byte("~1"), []byte("/")), []byte("~0"), []byte("~"))
		segs[i] = bytes.TrimSpace(s)
	}
	last := len(segs) - 1
	for i, s := range segs {
		switch {
		case is(s, "stringdata"), secret && oneOf(s, dataMembers):
			return targetSecret
		case !oneOf(s, dataMembers):
		case i < last && r.keys.match(segs[i+1]):
			return targetSecret
		case i == last:
			return targetData
		}
	}
	switch {
	case last >= 2 && is(segs[last], "value") && oneOf(segs[last-2], pairLists):
		return targetSecret
	case kind == str && oneOf(segs[last], credentialMembers):
		return targetSecret
	}
	return targetOther
}

// pushIndex puts the number of an element on the path.
func (d *doc) pushIndex(i int) int {
	back := len(d.path)
	if d.level == 0 {
		d.path = append(d.path, '/')
		d.path = strconv.AppendInt(d.path, int64(i), 10)
	}
	return back
}
