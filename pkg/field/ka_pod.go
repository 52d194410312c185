package field

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const classPod = "Pods in the request (ka.req.*)"

// podTable has the fields of pods: what a client sends at requestObject.spec.
func podTable() []*Field {
	var t []*Field
	t = append(t, containerTable("containers", "containers")...)
	t = append(t, containerTable("initContainers", "init containers")...)
	t = append(t, containerTable("ephemeralContainers", "ephemeral containers")...)
	t = append(t, firstContainerTable()...)
	at := func(name, doc string, keys ...string) *Field {
		return kaAt(classPod, name, doc, append([]string{"requestObject", "spec"}, keys...)...)
	}
	old := at("ka.req.container.host_network", "Use ka.req.pod.host_network.", "hostNetwork")
	old.Deprecated = true
	return append(t,
		old,
		at("ka.req.pod.host_ipc", "Whether the pod uses the IPC namespace of the node.", "hostIPC"),
		at("ka.req.pod.host_network", "Whether the pod uses the network of the node.", "hostNetwork"),
		at("ka.req.pod.host_pid", "Whether the pod sees the processes of the node.", "hostPID"),
		at("ka.req.pod.run_as_user", "User id in the security context of the pod.", "securityContext", "runAsUser"),
		at("ka.req.pod.run_as_group", "Group id in the security context of the pod.", "securityContext", "runAsGroup"),
		at("ka.req.pod.fs_group", "Group id that owns the volumes of the pod.", "securityContext", "fsGroup"),
		kaListAt(classPod, "ka.req.pod.supplemental_groups", "Further group ids of the pod's processes.", "requestObject", "spec", "securityContext", "supplementalGroups"),
		hostPaths(),
		hostPathUsed(),
		volumeField("ka.req.pod.volumes.flexvolume_driver", "Drivers of the flexVolume volumes. An index selects the volume.", "flexVolume", "driver"),
		volumeTypes(),
	)
}

// containerTable has the fields of one kind of containers. Falco has no
// host_port for ephemeral containers, which can not have ports.
func containerTable(key, plural string) []*Field {
	of := func(name, doc string, sub []string, x func(c *Context, a Arg, list string) []Item) *Field {
		full := append([]string{"requestObject", "spec", key, "*"}, sub...)
		return indexed(ka(classPod, "ka.req.pod."+key+"."+name, strings.ReplaceAll(doc, "CONTAINERS", plural)+" An index selects the container.",
			[]string{pointer(full...)}, func(c *Context, a Arg) []Item { return x(c, a, key) }))
	}
	at := func(name, doc string, sub ...string) *Field {
		return of(name, doc, sub, func(c *Context, a Arg, list string) []Item {
			return present(containerEnds(c, a, list, sub...))
		})
	}
	t := []*Field{
		of("args", "Arguments of the CONTAINERS, those of each joined by blanks; one without is passed over.", []string{"args"}, joined("args")),
		of("command", "Commands of the CONTAINERS, that of each joined by blanks; one without is passed over.", []string{"command"}, joined("command")),
		of("name", "Names of the CONTAINERS. Absent when one has no name.", []string{"name"}, named("name")),
		of("image", "Images of the CONTAINERS. Absent when one has no image.", []string{"image"}, named("image")),
		of("image.repository", "Images of the CONTAINERS without tag and digest. Absent when one has no image.", []string{"image"}, repositories),
		of("host_port", "Ports of the CONTAINERS: the host port, or the container port where no host port is set.", []string{"ports", "*"}, hostPorts),
		at("privileged", "The privileged flags of the CONTAINERS that set it.", "securityContext", "privileged"),
		at("allow_privilege_escalation", "The allowPrivilegeEscalation flags of the CONTAINERS that set it.", "securityContext", "allowPrivilegeEscalation"),
		at("read_only_fs", "The readOnlyRootFilesystem flags of the CONTAINERS that set it.", "securityContext", "readOnlyRootFilesystem"),
		at("run_as_user", "The user ids of the CONTAINERS that set one.", "securityContext", "runAsUser"),
		of("eff_run_as_user", "The user ids that the CONTAINERS run as: their own, else the pod's, else 0.", []string{"securityContext", "runAsUser"}, effective("runAsUser")),
		at("run_as_group", "The group ids of the CONTAINERS that set one.", "securityContext", "runAsGroup"),
		of("eff_run_as_group", "The group ids that the CONTAINERS run as: their own, else the pod's, else 0.", []string{"securityContext", "runAsGroup"}, effective("runAsGroup")),
		at("proc_mount", "The procMount of the CONTAINERS that set it: Default or Unmasked.", "securityContext", "procMount"),
		of("add_capabilities", "Capabilities added to the CONTAINERS, one element each.", []string{"securityContext", "capabilities", "add", "*"}, capabilities),
	}
	if key != "ephemeralContainers" {
		return t
	}
	return append(t[:5], t[6:]...)
}

// containerEnds walks to a value in each container of a list, or in the one
// that the index selects.
func containerEnds(c *Context, a Arg, list string, sub ...string) []audit.Value {
	ends, _ := walk(c.root(), a, append([]string{"requestObject", "spec", list}, sub...)...)
	return ends
}

func named(key string) func(*Context, Arg, string) []Item {
	return func(c *Context, a Arg, list string) []Item {
		return complete(containerEnds(c, a, list, key))
	}
}

func repositories(c *Context, a Arg, list string) []Item {
	items := complete(containerEnds(c, a, list, "image"))
	for i, it := range items {
		if c.Strict {
			items[i].Text = strings.SplitN(strings.SplitN(it.Text, ":", 2)[0], "@", 2)[0]
		} else {
			items[i].Text = parseImage(it.Text).repository
		}
	}
	return items
}

// joined gives an array of strings per container as one text. Anything else
// than an array of strings makes the whole field absent.
func joined(key string) func(*Context, Arg, string) []Item {
	return func(c *Context, a Arg, list string) []Item {
		var items []Item
		for _, words := range containerEnds(c, a, list, key) {
			if !words.Exists() {
				continue
			}
			line, ok := joinStrings(words)
			if !ok {
				return nil
			}
			items = append(items, Item{Text: line})
		}
		return items
	}
}

// joinStrings joins an array of strings by blanks; ok is false for anything
// else.
func joinStrings(array audit.Value) (line string, ok bool) {
	if array.Kind() != audit.Array {
		return "", false
	}
	words := make([]string, 0, array.Len())
	for w := range array.Elems() {
		if w.Kind() != audit.String {
			return "", false
		}
		words = append(words, w.Text())
	}
	return strings.Join(words, " "), true
}

func hostPorts(c *Context, a Arg, list string) []Item {
	var items []Item
	for _, ports := range containerEnds(c, a, list, "ports") {
		if !ports.Exists() {
			continue
		}
		if ports.Kind() != audit.Array {
			return nil
		}
		for port := range ports.Elems() {
			if found := one(port.Get("hostPort")); found != nil {
				items = append(items, found...)
			} else {
				items = append(items, one(port.Get("containerPort"))...)
			}
		}
	}
	return items
}

// capabilities: Falco gives the whole array of a container as one JSON text.
func capabilities(c *Context, a Arg, list string) []Item {
	ends := containerEnds(c, a, list, "securityContext", "capabilities", "add")
	if c.Strict {
		return present(ends)
	}
	var items []Item
	for _, add := range ends {
		items = append(items, each(add)...)
	}
	return items
}

// effective: Falco looks for the id beside the security context, not in it, so
// it finds none and answers 0, and with an index nothing.
func effective(key string) func(*Context, Arg, string) []Item {
	return func(c *Context, a Arg, list string) []Item {
		spec := c.root().Path("requestObject", "spec")
		if c.Strict {
			return withDefault(containerEnds(c, a, list, key), orZero(spec.Get(key)))
		}
		containers := spec.Get(list)
		if containers.Kind() != audit.Array {
			return nil
		}
		pod := orZero(spec.Path("securityContext", key))
		id := func(container audit.Value) Item {
			own := container.Path("securityContext", key)
			if !own.Exists() || own.Kind() == audit.Null {
				return Item{Text: pod}
			}
			return Item{Text: own.Text()}
		}
		if a.Present {
			if v := containers.Index(a.Index); v.Exists() {
				return []Item{id(v)}
			}
			return nil
		}
		var items []Item
		for v := range containers.Elems() {
			items = append(items, id(v))
		}
		return items
	}
}

func orZero(v audit.Value) string {
	if !v.Exists() {
		return "0"
	}
	return v.Text()
}

func withDefault(values []audit.Value, fallback string) []Item {
	var items []Item
	for _, v := range values {
		if v.Exists() {
			items = append(items, one(v)...)
		} else {
			items = append(items, Item{Text: fallback})
		}
	}
	return items
}

// firstContainerTable has what Falco keeps from the time before lists.
func firstContainerTable() []*Field {
	first := Arg{Present: true, Index: 0}
	t := []*Field{
		ka(classPod, "ka.req.container.image", "Image of the first container. Use ka.req.pod.containers.image.",
			[]string{"/requestObject/spec/containers/0/image"}, func(c *Context, _ Arg) []Item {
				return named("image")(c, first, "containers")
			}),
		ka(classPod, "ka.req.container.image.repository", "Image of the first container without tag and digest. Use ka.req.pod.containers.image.repository.",
			[]string{"/requestObject/spec/containers/0/image"}, func(c *Context, _ Arg) []Item {
				return repositories(c, first, "containers")
			}),
		ka(classPod, "ka.req.container.privileged", "Whether any container is privileged. Use ka.req.pod.containers.privileged.",
			[]string{"/requestObject/spec/containers/*/securityContext/privileged"}, anyPrivileged),
	}
	for _, f := range t {
		f.Deprecated = true
	}
	return t
}

func anyPrivileged(c *Context, _ Arg) []Item {
	ends, ok := walk(c.root(), Arg{}, "requestObject", "spec", "containers", "securityContext", "privileged")
	if !ok {
		return nil
	}
	for _, v := range ends {
		if on, _ := v.Bool(); on {
			return text("true")
		}
	}
	return text("false")
}
