package field

import (
	"net/netip"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// A finder appends what a kw.* field finds in an event. The kw.* fields are the
// same in strict mode; of equal keys they see the last, as the API server does.
type finder func(dst []Item, root audit.Value, a Arg) []Item

// An adder appends what a value gives; of another type than wanted it gives
// nothing.
type adder func(dst []Item, v audit.Value) []Item

// kw makes a field of our own. The example is a condition with it.
func kw(class, name, doc, example string, typ condition.Type, paths []string, find finder) *Field {
	return &Field{Name: name, Class: class, Doc: doc, Example: example, Type: typ, Paths: paths,
		extract: func(dst []Item, c *Context, a Arg) []Item { return find(dst, c.Event.Root(), a) }}
}

// list makes a field a list.
func list(f *Field) *Field {
	f.List = true
	return f
}

// addString adds a JSON string.
func addString(dst []Item, v audit.Value) []Item {
	if v.Kind() != audit.String {
		return dst
	}
	return append(dst, Item{Text: v.Text()})
}

// addStrings adds the strings in an array.
func addStrings(dst []Item, array audit.Value) []Item {
	for v := range array.Elems() {
		dst = addString(dst, v)
	}
	return dst
}

// addEach adds what the elements of an array give.
func addEach(dst []Item, array audit.Value, add adder) []Item {
	for v := range array.Elems() {
		dst = add(dst, v)
	}
	return dst
}

// addMembers adds the strings at a key of the objects in an array.
func addMembers(dst []Item, array audit.Value, key string) []Item {
	for v := range array.Elems() {
		dst = addString(dst, v.Get(key))
	}
	return dst
}

// addBool adds a JSON true or false.
func addBool(dst []Item, v audit.Value) []Item {
	b, ok := v.Bool()
	if !ok {
		return dst
	}
	return appendBoolean(dst, b)
}

// addNumber adds a JSON number written as digits only, which in JSON have no
// needless zeros: its text is as the number would be printed.
func addNumber(dst []Item, v audit.Value) []Item {
	if v.Kind() != audit.Number {
		return dst
	}
	text := v.Text()
	n, ok := readDecimal(text)
	if !ok {
		return dst
	}
	return append(dst, Item{Text: text, Num: n})
}

// addAddress adds an IP address.
func addAddress(dst []Item, v audit.Value) []Item {
	if v.Kind() != audit.String {
		return dst
	}
	text := v.Text()
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return dst
	}
	addr = addr.Unmap().WithZone("")
	return append(dst, Item{Text: text, Prefix: netip.PrefixFrom(addr, addr.BitLen())})
}

// resource is what a request is about.
type resource struct{ name, sub string }

func resourceOf(root audit.Value) resource {
	ref := root.Get("objectRef")
	return resource{stringAt(ref, "resource"), stringAt(ref, "subresource")}
}

// is compares with resource or resource/subresource.
func (r resource) is(s string) bool {
	if r.sub == "" {
		return s == r.name
	}
	at := len(r.name)
	return len(s) == at+1+len(r.sub) && s[:at] == r.name && s[at] == '/' && s[at+1:] == r.sub
}

// isOne tells whether it is one of several.
func (r resource) isOne(of []string) bool { return slices.ContainsFunc(of, r.is) }

// written is the object that a create, update or patch writes: what the client
// sent, be it a part of the object only; where that is no object (a JSON patch,
// or a body that the policy kept out) what the server answered. Never a mixture
// of both. It is absent for other verbs.
func written(root audit.Value) audit.Value {
	if !writes(root) {
		return audit.Value{}
	}
	if sent := root.Get("requestObject"); sent.Kind() == audit.Object {
		return sent
	}
	return root.Get("responseObject")
}

func writes(root audit.Value) bool {
	switch stringAt(root, "verb") {
	case "create", "update", "patch":
		return true
	}
	return false
}

// writtenOf is written for requests to one of the resources; else absent.
func writtenOf(root audit.Value, resources []string) audit.Value {
	if !writes(root) || !resourceOf(root).isOne(resources) { // most events only read
		return audit.Value{}
	}
	return written(root)
}

// writtenPaths documents a path inside of what written finds.
func writtenPaths(keys ...string) []string {
	p := pointer(keys...)
	return []string{"/requestObject" + p, "/responseObject" + p}
}
