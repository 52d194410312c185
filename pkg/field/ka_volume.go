package field

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// volumeField is the list of a value over the volumes that have it.
func volumeField(name, doc string, sub ...string) *Field {
	keys := append([]string{"requestObject", "spec", "volumes"}, sub...)
	return indexed(ka(classPod, name, doc, []string{pointer(append([]string{"requestObject", "spec", "volumes", "*"}, sub...)...)},
		func(c *Context, a Arg) []Item {
			ends, _ := walk(c.root(), a, keys...)
			return present(ends)
		}))
}

func hostPaths() *Field {
	return volumeField("ka.req.pod.volumes.hostpath", "Paths of the node that volumes of the pod mount. An index selects the volume.", "hostPath", "path")
}

// hostPathUsed: Falco takes the key for the index 0 as well, and so looks at
// the first volume only.
func hostPathUsed() *Field {
	f := keyed(ka(classPod, "ka.req.volume.hostpath",
		"Whether a volume mounts the path of the node that the key names; with a * at its end, a path that begins so. Use ka.req.pod.volumes.hostpath.",
		[]string{"/requestObject/spec/volumes/*/hostPath/path"}, func(c *Context, a Arg) []Item {
			all := Arg{Present: c.Strict} // strict: index 0
			ends, ok := walk(c.root(), all, "requestObject", "spec", "volumes", "hostPath", "path")
			if !ok || c.Strict && a.Key == "" { // Falco crashes on an empty key
				return nil
			}
			for _, it := range present(ends) {
				if prefix, open := strings.CutSuffix(a.Key, "*"); it.Text == a.Key || open && strings.HasPrefix(it.Text, prefix) {
					return text("true")
				}
			}
			return text("false")
		}))
	f.Deprecated = true
	return f
}

func volumeTypes() *Field {
	return indexed(ka(classPod, "ka.req.pod.volumes.volume_type", "Types of the volumes: hostPath, secret, projected. An index selects the volume.",
		[]string{"/requestObject/spec/volumes/*"}, func(c *Context, a Arg) []Item {
			ends, _ := walk(c.root(), a, "requestObject", "spec", "volumes", self)
			var items []Item
			for _, volume := range ends {
				items = append(items, memberNames(volume)...)
			}
			return items
		}))
}

// memberNames lists the keys of a volume but for its name.
func memberNames(volume audit.Value) []Item {
	var items []Item
	for key := range volume.Members() {
		if key != "name" {
			items = append(items, Item{Text: key})
		}
	}
	return items
}
