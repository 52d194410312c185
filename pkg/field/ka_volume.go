package field

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// volumeField is the list of a value over the volumes that have it.
func volumeField(name, doc string, sub ...string) *Field {
	keys := append([]string{"requestObject", "spec", "volumes"}, sub...)
	return indexed(ka(classPod, name, doc, []string{pointer(append([]string{"requestObject", "spec", "volumes", "*"}, sub...)...)},
		func(dst []Item, c *Context, a Arg) []Item { return appendEnds(dst, c, a, keys, takeValue) }))
}

func hostPaths() *Field {
	return volumeField("ka.req.pod.volumes.hostpath", "Paths of the node that volumes of the pod mount. An index selects the volume.", "hostPath", "path")
}

// hostPathUsed: Falco takes the key for the index 0 as well, and so looks at
// the first volume only.
func hostPathUsed() *Field {
	keys := []string{"requestObject", "spec", "volumes", "hostPath", "path"}
	f := keyed(ka(classPod, "ka.req.volume.hostpath",
		"Whether a volume mounts the path of the node that the key names; with a * at its end, a path that begins so. Use ka.req.pod.volumes.hostpath.",
		[]string{"/requestObject/spec/volumes/*/hostPath/path"}, func(dst []Item, c *Context, a Arg) []Item {
			all := Arg{Present: c.Strict} // strict: index 0
			paths, ok := walk(dst, c.root(), all, keys, takeValue)
			if !ok || c.Strict && a.Key == "" { // Falco crashes on an empty key
				return dst
			}
			prefix, open := strings.CutSuffix(a.Key, "*")
			mounted := slices.ContainsFunc(paths[len(dst):], func(it Item) bool {
				return it.Text == a.Key || open && strings.HasPrefix(it.Text, prefix)
			})
			return appendText(dst, strconv.FormatBool(mounted))
		}))
	f.Deprecated = true
	return f
}

func volumeTypes() *Field {
	keys := []string{"requestObject", "spec", "volumes", self}
	return indexed(ka(classPod, "ka.req.pod.volumes.volume_type", "Types of the volumes: hostPath, secret, projected. An index selects the volume.",
		[]string{"/requestObject/spec/volumes/*"}, func(dst []Item, c *Context, a Arg) []Item {
			return appendEnds(dst, c, a, keys, takeMemberNames)
		}))
}

// takeMemberNames takes the keys of a volume but for its name.
func takeMemberNames(dst []Item, volume audit.Value) ([]Item, bool) {
	for key := range volume.Members() {
		if key != "name" {
			dst = append(dst, Item{Text: key})
		}
	}
	return dst, true
}
