package enforce

import (
	"bytes"
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// loose are the members of a spec that say how much of an object runs, and not what.
var loose = map[string]bool{"replicas": true, "paused": true, "suspend": true}

// Before makes, of the event of an update that leaves what an object is as it was, that of one which
// changes nothing at all. What a rule finds in it, too, was so before the request. ok is false for
// what is no update, tells no object before, or changes more than metadata, status, and how much
// of it runs: who may change an image must not be let through since the one before was as bad.
func Before(e *audit.Event) (before *audit.Event, ok bool) {
	root := e.Root()
	sent, old := root.Get("requestObject"), root.Get("oldObject")
	if text(root.Get("verb")) != "update" || sent.Kind() != audit.Object || old.Kind() != audit.Object || !alike(sent, old) {
		return nil, false
	}
	raw := []byte{'{'}
	for key, v := range root.Members() {
		if key == "requestObject" {
			v = old
		}
		raw = append(fmt.Appendf(raw, "%q:", key), v.Compact()...)
		raw = append(raw, ',')
	}
	raw[len(raw)-1] = '}'
	before, err := audit.Converted{Raw: raw, Cluster: e.Cluster, Identity: e.Identity()}.Event()
	return before, err == nil
}

// alike tells whether two versions of an object are one but for what may be changed.
func alike(a, b audit.Value) bool {
	for _, pair := range [][2]audit.Value{{a, b}, {b, a}} {
		for key, v := range pair[0].Members() {
			w := pair[1].Get(key)
			switch key {
			case "metadata", "status":
			case "spec":
				if !alikeBut(v, w, loose) || !alikeBut(w, v, loose) {
					return false
				}
			default:
				if !same(v, w) {
					return false
				}
			}
		}
	}
	return true
}

// alikeBut tells whether all members of a but some are members of b.
func alikeBut(a, b audit.Value, but map[string]bool) bool {
	if a.Kind() != audit.Object || b.Kind() != audit.Object {
		return same(a, b)
	}
	for key, v := range a.Members() {
		if !but[key] && !same(v, b.Get(key)) {
			return false
		}
	}
	return true
}

// same tells whether two values are spelled alike: an API server spells both. What is there as null
// is not what is absent, which denies and harms nobody.
func same(a, b audit.Value) bool {
	return a.Exists() && b.Exists() && bytes.Equal(a.Compact(), b.Compact())
}
