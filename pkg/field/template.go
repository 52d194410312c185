package field

import "github.com/kubewitness/kubewitness/pkg/audit"

// pod is a pod or the template of one, as far as a request writes it.
type pod struct {
	meta, spec audit.Value
}

// writtenPod finds the pod of an event once: many fields ask for it.
func (c *Context) writtenPod() pod {
	if c.podOf != c.Event {
		c.pod, c.podOf = podOf(c.Event.Root()), c.Event
	}
	return c.pod
}

// podOf finds the pod that a request writes: the object itself for pods, the
// template in it for everything that has one, custom resources included.
// Status updates and other subresources write no pod; what they carry of it is
// not looked at.
func podOf(root audit.Value) pod {
	object := written(root)
	if !object.Exists() {
		return pod{}
	}
	switch r := resourceOf(root); {
	case r.is("pods"), r.is("pods/ephemeralcontainers"), r.is("pods/resize"):
		return podAt(object)
	case r.is("podtemplates"):
		return podAt(object.Get("template"))
	case r.is("cronjobs"):
		return podAt(object.Path("spec", "jobTemplate", "spec", "template"))
	case r.sub != "":
		return pod{}
	}
	return podAt(object.Path("spec", "template"))
}

func podAt(v audit.Value) pod { return pod{meta: v.Get("metadata"), spec: v.Get("spec")} }

// templatePaths documents a path inside of what podOf finds.
func templatePaths(keys ...string) []string {
	var paths []string
	for _, object := range []string{"/requestObject", "/responseObject"} {
		for _, at := range []string{"", "/spec/template", "/spec/jobTemplate/spec/template", "/template"} {
			paths = append(paths, object+at+pointer(keys...))
		}
	}
	return paths
}

// containerKinds are the lists of containers in a pod's spec, in the order in
// which the fields show them.
var containerKinds = []struct{ key, name string }{
	{"containers", "container"},
	{"initContainers", "init"},
	{"ephemeralContainers", "ephemeral"},
}

// container is a container of a pod, of any kind.
type container struct {
	audit.Value
	kind string // container, init or ephemeral
}

// containerAdder appends what a container of a pod gives.
type containerAdder func(dst []Item, c container, p pod) []Item

// addContainers adds what the containers of all kinds give; with an index only
// that one of them.
func (p pod) addContainers(dst []Item, a Arg, add containerAdder) []Item {
	i := 0
	for _, kind := range containerKinds {
		for v := range p.spec.Get(kind.key).Elems() {
			if !a.Present || i == a.Index {
				dst = add(dst, container{v, kind.name}, p)
			}
			i++
		}
	}
	return dst
}
