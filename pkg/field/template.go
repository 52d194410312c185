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

// WritesPod tells whether the request writes a pod or the template of one. Where it does
// not, all fields [Field.OfPod] are absent.
func (c *Context) WritesPod() bool {
	p := c.writtenPod()
	return p.meta.Exists() || p.spec.Exists()
}

// podOf finds the pod that a request writes: the object itself for pods, the
// template in it for everything that has one, custom resources included.
// Status updates and other subresources write no pod; what they carry of it is
// not looked at.
func podOf(root audit.Value) pod {
	ref := root.Get("objectRef")
	var keys []string // from the object to the pod
	switch r := (resource{stringAt(ref, "resource"), stringAt(ref, "subresource")}); {
	case r.is("pods"), r.is("pods/ephemeralcontainers"), r.is("pods/resize"):
	case r.is("podtemplates"):
		keys = []string{"template"}
	case r.is("cronjobs"):
		keys = []string{"spec", "jobTemplate", "spec", "template"}
	case r.sub != "", !mayHoldTemplate(stringAt(ref, "apiGroup"), r.name):
		return pod{}
	default:
		keys = []string{"spec", "template"}
	}
	return podAt(written(root).Path(keys...))
}

// withoutTemplate are API groups of Kubernetes' own, whose objects have no pod
// template. A body can be large, and most requests that write go to these.
var withoutTemplate = map[string]bool{
	"admissionregistration.k8s.io": true,
	"apiextensions.k8s.io":         true,
	"apiregistration.k8s.io":       true,
	"authentication.k8s.io":        true,
	"authorization.k8s.io":         true,
	"autoscaling":                  true,
	"certificates.k8s.io":          true,
	"coordination.k8s.io":          true,
	"discovery.k8s.io":             true,
	"events.k8s.io":                true,
	"flowcontrol.apiserver.k8s.io": true,
	"networking.k8s.io":            true,
	"node.k8s.io":                  true,
	"policy":                       true,
	"rbac.authorization.k8s.io":    true,
	"scheduling.k8s.io":            true,
	"storage.k8s.io":               true,
}

// coreWithoutTemplate are such resources of the core group.
var coreWithoutTemplate = map[string]bool{
	"bindings":               true,
	"componentstatuses":      true,
	"configmaps":             true,
	"endpoints":              true,
	"events":                 true,
	"limitranges":            true,
	"namespaces":             true,
	"nodes":                  true,
	"persistentvolumeclaims": true,
	"persistentvolumes":      true,
	"resourcequotas":         true,
	"secrets":                true,
	"serviceaccounts":        true,
	"services":               true,
}

// mayHoldTemplate tells whether objects of that type can have a pod template
// at spec.template.
func mayHoldTemplate(group, name string) bool {
	if group == "" { // the core group, or a source that leaves groups out
		return !coreWithoutTemplate[name]
	}
	return !withoutTemplate[group]
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
