package audit

import "strings"

// podSpecs is where built-in resources keep the specification of pods.
var podSpecs = map[string][]string{
	"pods":                   {"spec"},
	"deployments":            {"spec", "template", "spec"},
	"replicasets":            {"spec", "template", "spec"},
	"statefulsets":           {"spec", "template", "spec"},
	"daemonsets":             {"spec", "template", "spec"},
	"jobs":                   {"spec", "template", "spec"},
	"replicationcontrollers": {"spec", "template", "spec"},
	"cronjobs":               {"spec", "jobTemplate", "spec", "template", "spec"},
	"podtemplates":           {"template", "spec"},
}

// containerLists are the three kinds of containers of a pod.
var containerLists = []string{"initContainers", "containers", "ephemeralContainers"}

// podSpecPath is the way to the pod specification in objects of w's resource; nil when they have none.
func podSpecPath(w *What) []string {
	switch w.APIGroup {
	case "", "apps", "batch", "extensions":
	default:
		return nil
	}
	if w.Subresource != "" && w.Subresource != "ephemeralcontainers" {
		return nil
	}
	return podSpecs[w.Resource]
}

func imagesOf(w *What, asked, answered Value) []string {
	path := podSpecPath(w)
	if path == nil {
		return nil
	}
	var found set
	if w.Action == ActionDebug {
		for _, c := range ephemeralIn(asked) {
			found.add(str(c.Get("image")))
		}
		return found.list
	}
	if w.Verb == "patch" && w.Code != 201 {
		if asked.Kind() == Array {
			patchImages(&found, asked)
		} else {
			specImages(&found, asked.Path(path...))
		}
		return found.list
	}
	if specImages(&found, answered.Path(path...)); len(found.list) == 0 {
		specImages(&found, asked.Path(path...))
	}
	return found.list
}

func specImages(found *set, spec Value) {
	for _, list := range containerLists {
		for c := range spec.Get(list).Elems() {
			found.add(str(c.Get("image")))
		}
	}
}

// patchImages collects images from the values of a JSON patch, by where the operation puts them.
func patchImages(found *set, patch Value) {
	for op := range patch.Elems() {
		path, value := strings.Split(str(op.Get("path")), "/"), op.Get("value")
		last := len(path) - 1
		switch {
		case isList(path, last): // .../containers
			for c := range value.Elems() {
				found.add(str(c.Get("image")))
			}
		case isList(path, last-1): // .../containers/0
			found.add(str(value.Get("image")))
		case isList(path, last-2) && path[last] == "image":
			found.add(str(value))
		case path[last] == "spec" || path[last] == "template":
			specImages(found, value)
			specImages(found, value.Get("spec"))
			specImages(found, value.Path("template", "spec"))
			specImages(found, value.Path("spec", "template", "spec"))
		}
	}
}

func isList(path []string, i int) bool {
	if i < 0 {
		return false
	}
	for _, list := range containerLists {
		if path[i] == list {
			return true
		}
	}
	return false
}

// ephemeralIn returns the ephemeral containers that a request body brings. A patch brings new ones only.
func ephemeralIn(asked Value) []Value {
	var out []Value
	for c := range asked.Path("spec", "ephemeralContainers").Elems() {
		out = append(out, c)
	}
	for op := range asked.Elems() {
		switch path, value := str(op.Get("path")), op.Get("value"); {
		case path == "/spec/ephemeralContainers":
			for c := range value.Elems() {
				out = append(out, c)
			}
		case strings.HasPrefix(path, "/spec/ephemeralContainers/"):
			out = append(out, value)
		}
	}
	return out
}

// privilegesOf lists what the pods or the volume of a request body get of their node beyond the usual, the worst first.
func privilegesOf(w *What, asked Value) []string {
	var found set
	path := podSpecPath(w)
	switch {
	case w.Resource == "persistentvolumes" && w.APIGroup == "":
		found.addPath(str(asked.Path("spec", "hostPath", "path")))
		return found.list
	case path == nil:
		return nil
	}
	spec := asked.Path(path...)
	for _, list := range containerLists {
		for c := range spec.Get(list).Elems() {
			if yes(c.Path("securityContext", "privileged")) {
				found.add("privileged")
			}
		}
	}
	for v := range spec.Get("volumes").Elems() {
		found.addPath(str(v.Path("hostPath", "path")))
	}
	for _, host := range []struct{ key, name string }{
		{"hostNetwork", "host network"}, {"hostPID", "host PID"}, {"hostIPC", "host IPC"},
	} {
		if yes(spec.Get(host.key)) {
			found.add(host.name)
		}
	}
	for _, list := range containerLists {
		for c := range spec.Get(list).Elems() {
			for _, name := range strs(c.Path("securityContext", "capabilities", "add")) {
				found.add("capability " + name)
			}
		}
	}
	return found.list
}

func (l *set) addPath(path string) {
	if path != "" {
		l.add("host path " + path)
	}
}

// set is a list of different strings in the order of their coming.
type set struct {
	list []string
	seen map[string]bool
}

// add puts s at the end, unless it is empty or there already.
func (l *set) add(s string) {
	if s == "" || l.seen[s] {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[s] = true
	l.list = append(l.list, s)
}
