package field

import (
	"path"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classTemplate = "Pods and pod templates that a request writes (kw.pod.*)"

// templateTable has the fields of pods and of the pod templates of workloads.
func templateTable() []*Field {
	const str, num, flag = condition.TypeString, condition.TypeUint64, condition.TypeBool
	t := []*Field{
		ofContainers("kind", "Kinds: container, init or ephemeral.", "kw.pod.containers.kind intersects (ephemeral)", str, nil,
			func(c container, _ pod) []Item { return text(c.kind) }),
		containersAt("name", "Names.", "kw.pod.containers.name intersects (istio-proxy)", str, stringItem, "name"),
		containersAt("image", "Images as written.", "kw.pod.containers.image intersects (docker.io/library/alpine:latest)", str, stringItem, "image"),
		ofImages("image.repository", "Images without tag and digest.", "kw.pod.containers.image.repository intersects (nicolaka/netshoot, docker.io/nicolaka/netshoot)",
			func(i image) string { return i.repository }),
		ofImages("image.registry", "Registries of the images, with port; docker.io where an image names none.", "kw.pod.containers.image.registry exists and not kw.pod.containers.image.registry in (registry.example.com)",
			func(i image) string { return i.registry }),
		containersAt("command", "Commands, the words of each joined by blanks.", `kw.pod.containers.command intersects ("nsenter -t 1 -m sh")`, str, lineItem, "command"),
		containersAt("args", "Arguments, those of each joined by blanks.", `kw.pod.containers.args intersects ("-c id")`, str, lineItem, "args"),
		containersAt("privileged", "The privileged flags.", "kw.pod.containers.privileged intersects (true)", flag, boolItem, "securityContext", "privileged"),
		containersAt("allow_privilege_escalation", "The allowPrivilegeEscalation flags.", "kw.pod.containers.allow_privilege_escalation intersects (true)", flag, boolItem, "securityContext", "allowPrivilegeEscalation"),
		containersAt("capabilities.add", "Capabilities added, one element each, in capitals without CAP_.", "kw.pod.containers.capabilities.add intersects (SYS_ADMIN, ALL)", str, capabilityItems, "securityContext", "capabilities", "add"),
		ofContainers("run_as_user", "User ids that they run as: their own, else the pod's.", "kw.pod.containers.run_as_user intersects (0)", num,
			[]string{"securityContext", "runAsUser"}, runAsUser),
		ofContainers("host_port", "Ports of the node that they listen on: host ports, and with the node's network all ports.", "kw.pod.containers.host_port intersects (22, 6443)", num,
			[]string{"ports", "*", "hostPort"}, nodePorts),
		ofContainers("env.names", "Names of their environment variables.", "kw.pod.containers.env.names intersects (LD_PRELOAD)", str, []string{"env", "*", "name"},
			func(c container, _ pod) []Item {
				var items []Item
				for v := range c.Get("env").Elems() {
					items = append(items, stringItem(v.Get("name"))...)
				}
				return items
			}),
		podField("kw.pod.service_account", "Service account that the pod runs as.", "kw.pod.service_account = admin", str, []string{"spec", "serviceAccountName"}, serviceAccount),
		podAtPath("kw.pod.automount_token", "Whether the token of the service account is mounted.", "kw.pod.automount_token = true", flag, boolItem, "automountServiceAccountToken"),
		podAtPath("kw.pod.host_network", "Whether the pod uses the network of the node.", "kw.pod.host_network = true", flag, boolItem, "hostNetwork"),
		podAtPath("kw.pod.host_pid", "Whether the pod sees the processes of the node.", "kw.pod.host_pid = true", flag, boolItem, "hostPID"),
		podAtPath("kw.pod.host_ipc", "Whether the pod uses the IPC namespace of the node.", "kw.pod.host_ipc = true", flag, boolItem, "hostIPC"),
		podAtPath("kw.pod.node_name", "Node that the pod is bound to without the scheduler.", "kw.pod.node_name exists", str, stringItem, "nodeName"),
		list(podField("kw.pod.hostpaths", "Paths of the node that volumes mount, in their shortest form: /etc for //etc/.", "kw.pod.hostpaths intersects (/, /etc, /var/run/docker.sock)", str, []string{"spec", "volumes", "*", "hostPath", "path"},
			volumeItems(hostPathItem))),
		list(podField("kw.pod.volume_types", "Types of the volumes: hostPath, secret, projected.", "kw.pod.volume_types intersects (hostPath)", str, []string{"spec", "volumes", "*"},
			volumeItems(volumeTypeItems))),
	}
	return append(t, podMeta("labels", "kw.pod.labels[app] = web"), podMeta("annotations", "kw.pod.annotations[sidecar.istio.io/inject] = false"))
}

// podField is a value of the pod that a request writes.
func podField(name, doc, example string, typ condition.Type, keys []string, get func(p pod) []Item) *Field {
	return kw(classTemplate, name, doc, example, typ, templatePaths(keys...), func(root audit.Value, _ Arg) []Item {
		return get(podOf(root))
	})
}

// podAtPath is a value right under the pod's spec.
func podAtPath(name, doc, example string, typ condition.Type, item func(audit.Value) []Item, key string) *Field {
	return podField(name, doc, example, typ, []string{"spec", key}, func(p pod) []Item { return item(p.spec.Get(key)) })
}

func podMeta(key, example string) *Field {
	return keyed(kw(classTemplate, "kw.pod."+key, "One of the pod's "+key+", by key.", example, condition.TypeString, templatePaths("metadata", key, "{key}"),
		func(root audit.Value, a Arg) []Item { return stringItem(podOf(root).meta.Path(key, a.Key)) }))
}

// ofContainers is a list over the containers of all kinds. What a container
// does not set gives no element.
func ofContainers(name, doc, example string, typ condition.Type, keys []string, get func(c container, p pod) []Item) *Field {
	var paths []string
	for _, kind := range containerKinds {
		paths = append(paths, templatePaths(append([]string{"spec", kind.key, "*"}, keys...)...)...)
	}
	return indexed(kw(classTemplate, "kw.pod.containers."+name, doc+" An index selects the container.",
		example, typ, paths, func(root audit.Value, a Arg) []Item {
			p := podOf(root)
			var items []Item
			for _, c := range p.containers(a) {
				items = append(items, get(c, p)...)
			}
			return items
		}))
}

func containersAt(name, doc, example string, typ condition.Type, item func(audit.Value) []Item, keys ...string) *Field {
	return ofContainers(name, doc, example, typ, keys, func(c container, _ pod) []Item { return item(c.Path(keys...)) })
}

func ofImages(name, doc, example string, part func(image) string) *Field {
	return containersAt(name, doc, example, condition.TypeString, func(v audit.Value) []Item {
		items := stringItem(v)
		for i := range items {
			items[i].Text = part(parseImage(items[i].Text))
		}
		return items
	}, "image")
}

// lineItem joins an array of strings by blanks.
func lineItem(v audit.Value) []Item {
	line, ok := joinStrings(v)
	if !ok {
		return nil
	}
	return text(line)
}

// capabilityItems writes capabilities in one way: some runtimes take sys_admin
// and CAP_SYS_ADMIN for SYS_ADMIN.
func capabilityItems(add audit.Value) []Item {
	items := stringItems(add)
	for i, it := range items {
		items[i].Text = strings.TrimPrefix(strings.ToUpper(it.Text), "CAP_")
	}
	return items
}

func runAsUser(c container, p pod) []Item {
	if own := numberItem(c.Path("securityContext", "runAsUser")); own != nil {
		return own
	}
	return numberItem(p.spec.Path("securityContext", "runAsUser"))
}

func nodePorts(c container, p pod) []Item {
	onNode, _ := p.spec.Get("hostNetwork").Bool()
	var items []Item
	for port := range c.Get("ports").Elems() {
		found := numberItem(port.Get("hostPort"))
		if found == nil && onNode {
			found = numberItem(port.Get("containerPort"))
		}
		items = append(items, found...)
	}
	return items
}

func serviceAccount(p pod) []Item {
	if name := stringItem(p.spec.Get("serviceAccountName")); name != nil {
		return name
	}
	return stringItem(p.spec.Get("serviceAccount")) // the older name of the same
}

func volumeItems(get func(volume audit.Value) []Item) func(p pod) []Item {
	return func(p pod) []Item {
		var items []Item
		for v := range p.spec.Get("volumes").Elems() {
			items = append(items, get(v)...)
		}
		return items
	}
}

func hostPathItem(volume audit.Value) []Item {
	items := stringItem(volume.Path("hostPath", "path"))
	for i, it := range items {
		items[i].Text = path.Clean(it.Text)
	}
	return items
}

// volumeTypeItems lists the keys of a volume that hold what it is made of;
// those of a patch that begin with $ are orders to the server.
func volumeTypeItems(volume audit.Value) []Item {
	var items []Item
	for key, v := range volume.Members() {
		if v.Kind() == audit.Object && !strings.HasPrefix(key, "$") {
			items = append(items, Item{Text: key})
		}
	}
	return items
}
