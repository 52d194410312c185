package field

import (
	"net/netip"
	"strconv"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// A finder gives what a kw.* field finds in an event. The kw.* fields are the
// same in strict mode; of equal keys they see the last, as the API server does.
type finder func(root audit.Value, a Arg) []Item

// kw makes a field of our own. The example is a condition with it.
func kw(class, name, doc, example string, typ condition.Type, paths []string, find finder) *Field {
	return &Field{Name: name, Class: class, Doc: doc, Example: example, Type: typ, Paths: paths,
		extract: func(c *Context, a Arg) []Item { return find(c.Event.Root(), a) }}
}

// list makes a field a list.
func list(f *Field) *Field {
	f.List = true
	return f
}

// stringItem gives a JSON string; anything else is absent.
func stringItem(v audit.Value) []Item {
	if v.Kind() != audit.String {
		return nil
	}
	return text(v.Text())
}

// stringItems gives the strings in an array.
func stringItems(array audit.Value) []Item {
	var items []Item
	for v := range array.Elems() {
		items = append(items, stringItem(v)...)
	}
	return items
}

// boolItem gives a JSON true or false; anything else is absent.
func boolItem(v audit.Value) []Item {
	b, ok := v.Bool()
	if !ok {
		return nil
	}
	return boolean(b)
}

// numberItem gives a JSON number written as digits only; anything else is
// absent.
func numberItem(v audit.Value) []Item {
	if v.Kind() != audit.Number {
		return nil
	}
	n, err := strconv.ParseUint(v.Text(), 10, 64)
	if err != nil {
		return nil
	}
	return number(n)
}

// addressItem gives an IP address; anything else is absent.
func addressItem(v audit.Value) []Item {
	if v.Kind() != audit.String {
		return nil
	}
	addr, err := netip.ParseAddr(v.Text())
	if err != nil {
		return nil
	}
	addr = addr.Unmap().WithZone("")
	return []Item{{Text: v.Text(), Prefix: netip.PrefixFrom(addr, addr.BitLen())}}
}

// resourceOf gives what the request is about, as resource or
// resource/subresource.
func resourceOf(root audit.Value) string {
	ref := root.Get("objectRef")
	resource, sub := stringAt(ref, "resource"), stringAt(ref, "subresource")
	if sub != "" {
		return resource + "/" + sub
	}
	return resource
}

// written is the object that a create, update or patch writes: what the client
// sent, be it a part of the object only; where that is no object (a JSON patch,
// or a body that the policy kept out) what the server answered. Never a mixture
// of both. It is absent for other verbs.
func written(root audit.Value) audit.Value {
	switch stringAt(root, "verb") {
	case "create", "update", "patch":
	default:
		return audit.Value{}
	}
	if sent := root.Get("requestObject"); sent.Kind() == audit.Object {
		return sent
	}
	return root.Get("responseObject")
}

// writtenOf is written for requests to one of the resources; else absent.
func writtenOf(root audit.Value, resources ...string) audit.Value {
	is := resourceOf(root)
	for _, r := range resources {
		if is == r {
			return written(root)
		}
	}
	return audit.Value{}
}

// writtenPaths documents a path inside of what written finds.
func writtenPaths(keys ...string) []string {
	p := pointer(keys...)
	return []string{"/requestObject" + p, "/responseObject" + p}
}
