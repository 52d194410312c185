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
			func(dst []Item, c container, _ pod) []Item { return appendText(dst, c.kind) }),
		containersAt("name", "Names.", "kw.pod.containers.name intersects (istio-proxy)", str, addString, "name"),
		containersAt("image", "Images as written.", "kw.pod.containers.image intersects (docker.io/library/alpine:latest)", str, addString, "image"),
		ofImages("image.repository", "Images without tag and digest.", "kw.pod.containers.image.repository intersects (nicolaka/netshoot, docker.io/nicolaka/netshoot)",
			func(i image) string { return i.repository }),
		ofImages("image.registry", "Registries of the images, with port; docker.io where an image names none.", "kw.pod.containers.image.registry exists and not kw.pod.containers.image.registry in (registry.example.com)",
			func(i image) string { return i.registry }),
		containersAt("command", "Commands, the words of each joined by blanks.", `kw.pod.containers.command intersects ("nsenter -t 1 -m sh")`, str, addLine, "command"),
		containersAt("args", "Arguments, those of each joined by blanks.", `kw.pod.containers.args intersects ("-c id")`, str, addLine, "args"),
		containersAt("privileged", "The privileged flags.", "kw.pod.containers.privileged intersects (true)", flag, addBool, "securityContext", "privileged"),
		containersAt("allow_privilege_escalation", "The allowPrivilegeEscalation flags.", "kw.pod.containers.allow_privilege_escalation intersects (true)", flag, addBool, "securityContext", "allowPrivilegeEscalation"),
		containersAt("capabilities.add", "Capabilities added, one element each, in capitals without CAP_.", "kw.pod.containers.capabilities.add intersects (SYS_ADMIN, ALL)", str, addCapabilities, "securityContext", "capabilities", "add"),
		ofContainers("run_as_user", "User ids that they run as: their own, else the pod's.", "kw.pod.containers.run_as_user intersects (0)", num,
			[]string{"securityContext", "runAsUser"}, addRunAsUser),
		ofContainers("host_port", "Ports of the node that they listen on: host ports, and with the node's network all ports.", "kw.pod.containers.host_port intersects (22, 6443)", num,
			[]string{"ports", "*", "hostPort"}, addNodePorts),
		ofContainers("env.names", "Names of their environment variables.", "kw.pod.containers.env.names intersects (LD_PRELOAD)", str, []string{"env", "*", "name"},
			func(dst []Item, c container, _ pod) []Item { return addMembers(dst, c.Get("env"), "name") }),
		podField("kw.pod.service_account", "Service account that the pod runs as.", "kw.pod.service_account = admin", str, []string{"spec", "serviceAccountName"}, addServiceAccount),
		podAtPath("kw.pod.automount_token", "Whether the token of the service account is mounted.", "kw.pod.automount_token = true", flag, addBool, "automountServiceAccountToken"),
		podAtPath("kw.pod.host_network", "Whether the pod uses the network of the node.", "kw.pod.host_network = true", flag, addBool, "hostNetwork"),
		podAtPath("kw.pod.host_pid", "Whether the pod sees the processes of the node.", "kw.pod.host_pid = true", flag, addBool, "hostPID"),
		podAtPath("kw.pod.host_ipc", "Whether the pod uses the IPC namespace of the node.", "kw.pod.host_ipc = true", flag, addBool, "hostIPC"),
		podAtPath("kw.pod.node_name", "Node that the pod is bound to without the scheduler.", "kw.pod.node_name exists", str, addString, "nodeName"),
		list(podField("kw.pod.hostpaths", "Paths of the node that volumes mount, in their shortest form: /etc for //etc/.", "kw.pod.hostpaths intersects (/, /etc, /var/run/docker.sock)", str, []string{"spec", "volumes", "*", "hostPath", "path"},
			addVolumes(addHostPath))),
		list(podField("kw.pod.volume_types", "Types of the volumes: hostPath, secret, projected.", "kw.pod.volume_types intersects (hostPath)", str, []string{"spec", "volumes", "*"},
			addVolumes(addVolumeTypes))),
	}
	return append(t, podMeta("labels", "kw.pod.labels[app] = web"), podMeta("annotations", "kw.pod.annotations[sidecar.istio.io/inject] = false"))
}

// ofPod is a field over the pod that a request writes.
func ofPod(name, doc, example string, typ condition.Type, paths []string, find func(dst []Item, p pod, a Arg) []Item) *Field {
	return &Field{Name: name, Class: classTemplate, Doc: doc, Example: example, Type: typ, Paths: paths, ofPod: true,
		extract: func(dst []Item, c *Context, a Arg) []Item { return find(dst, c.writtenPod(), a) }}
}

// podField is a value of the pod that a request writes.
func podField(name, doc, example string, typ condition.Type, keys []string, add func(dst []Item, p pod) []Item) *Field {
	return ofPod(name, doc, example, typ, templatePaths(keys...), func(dst []Item, p pod, _ Arg) []Item { return add(dst, p) })
}

// podAtPath is a value right under the pod's spec.
func podAtPath(name, doc, example string, typ condition.Type, add adder, key string) *Field {
	return podField(name, doc, example, typ, []string{"spec", key}, func(dst []Item, p pod) []Item { return add(dst, p.spec.Get(key)) })
}

func podMeta(key, example string) *Field {
	return keyed(ofPod("kw.pod."+key, "One of the pod's "+key+", by key.", example, condition.TypeString, templatePaths("metadata", key, "{key}"),
		func(dst []Item, p pod, a Arg) []Item { return addString(dst, p.meta.Path(key, a.Key)) }))
}

// ofContainers is a list over the containers of all kinds. What a container
// does not set gives no element.
func ofContainers(name, doc, example string, typ condition.Type, keys []string, add containerAdder) *Field {
	var paths []string
	for _, kind := range containerKinds {
		paths = append(paths, templatePaths(append([]string{"spec", kind.key, "*"}, keys...)...)...)
	}
	return indexed(ofPod("kw.pod.containers."+name, doc+" An index selects the container.", example, typ, paths,
		func(dst []Item, p pod, a Arg) []Item { return p.addContainers(dst, a, add) }))
}

func containersAt(name, doc, example string, typ condition.Type, add adder, keys ...string) *Field {
	return ofContainers(name, doc, example, typ, keys, func(dst []Item, c container, _ pod) []Item { return add(dst, c.Path(keys...)) })
}

func ofImages(name, doc, example string, part func(image) string) *Field {
	return containersAt(name, doc, example, condition.TypeString, func(dst []Item, v audit.Value) []Item {
		if v.Kind() != audit.String {
			return dst
		}
		return appendText(dst, part(parseImage(v.Text())))
	}, "image")
}

// addLine adds an array of strings, joined by blanks.
func addLine(dst []Item, v audit.Value) []Item {
	line, ok := joinStrings(v)
	if !ok {
		return dst
	}
	return appendText(dst, line)
}

// addCapabilities writes capabilities in one way: some runtimes take sys_admin
// and CAP_SYS_ADMIN for SYS_ADMIN.
func addCapabilities(dst []Item, add audit.Value) []Item {
	had := len(dst)
	dst = addStrings(dst, add)
	for i := had; i < len(dst); i++ {
		dst[i].Text = strings.TrimPrefix(strings.ToUpper(dst[i].Text), "CAP_")
	}
	return dst
}

func addRunAsUser(dst []Item, c container, p pod) []Item {
	had := len(dst)
	if dst = addNumber(dst, c.Path("securityContext", "runAsUser")); len(dst) > had {
		return dst
	}
	return addNumber(dst, p.spec.Path("securityContext", "runAsUser"))
}

func addNodePorts(dst []Item, c container, p pod) []Item {
	for port := range c.Get("ports").Elems() {
		had := len(dst)
		if dst = addNumber(dst, port.Get("hostPort")); len(dst) > had {
			continue
		}
		if onNode, _ := p.spec.Get("hostNetwork").Bool(); onNode {
			dst = addNumber(dst, port.Get("containerPort"))
		}
	}
	return dst
}

func addServiceAccount(dst []Item, p pod) []Item {
	name := p.spec.Get("serviceAccountName")
	if name.Kind() != audit.String {
		name = p.spec.Get("serviceAccount") // the older name of the same
	}
	return addString(dst, name)
}

func addVolumes(add adder) func(dst []Item, p pod) []Item {
	return func(dst []Item, p pod) []Item { return addEach(dst, p.spec.Get("volumes"), add) }
}

func addHostPath(dst []Item, volume audit.Value) []Item {
	v := volume.Path("hostPath", "path")
	if v.Kind() != audit.String {
		return dst
	}
	return appendText(dst, path.Clean(v.Text()))
}

// addVolumeTypes adds the keys of a volume that hold what it is made of; those
// of a patch that begin with $ are orders to the server.
func addVolumeTypes(dst []Item, volume audit.Value) []Item {
	for key, v := range volume.Members() {
		if v.Kind() == audit.Object && !strings.HasPrefix(key, "$") {
			dst = append(dst, Item{Text: key})
		}
	}
	return dst
}
