package field

import (
	"strconv"
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
	of := func(name, doc string, sub []string, x extractor) *Field {
		full := append([]string{"requestObject", "spec", key, "*"}, sub...)
		return indexed(ka(classPod, "ka.req.pod."+key+"."+name, strings.ReplaceAll(doc, "CONTAINERS", plural)+" An index selects the container.",
			[]string{pointer(full...)}, x))
	}
	at := func(name, doc string, sub ...string) *Field {
		return of(name, doc, sub, inContainers(takeValue, key, sub...))
	}
	t := []*Field{
		of("args", "Arguments of the CONTAINERS, those of each joined by blanks; one without is passed over.", []string{"args"}, inContainers(takeLine, key, "args")),
		of("command", "Commands of the CONTAINERS, that of each joined by blanks; one without is passed over.", []string{"command"}, inContainers(takeLine, key, "command")),
		of("name", "Names of the CONTAINERS. Absent when one has no name.", []string{"name"}, inContainers(takeNeeded, key, "name")),
		of("image", "Images of the CONTAINERS. Absent when one has no image.", []string{"image"}, inContainers(takeNeeded, key, "image")),
		of("image.repository", "Images of the CONTAINERS without tag and digest. Absent when one has no image.", []string{"image"}, repositories(key)),
		of("host_port", "Ports of the CONTAINERS: the host port, or the container port where no host port is set.", []string{"ports", "*"}, inContainers(takePorts, key, "ports")),
		at("privileged", "The privileged flags of the CONTAINERS that set it.", "securityContext", "privileged"),
		at("allow_privilege_escalation", "The allowPrivilegeEscalation flags of the CONTAINERS that set it.", "securityContext", "allowPrivilegeEscalation"),
		at("read_only_fs", "The readOnlyRootFilesystem flags of the CONTAINERS that set it.", "securityContext", "readOnlyRootFilesystem"),
		at("run_as_user", "The user ids of the CONTAINERS that set one.", "securityContext", "runAsUser"),
		of("eff_run_as_user", "The user ids that the CONTAINERS run as: their own, else the pod's, else 0.", []string{"securityContext", "runAsUser"}, effective(key, "runAsUser")),
		at("run_as_group", "The group ids of the CONTAINERS that set one.", "securityContext", "runAsGroup"),
		of("eff_run_as_group", "The group ids that the CONTAINERS run as: their own, else the pod's, else 0.", []string{"securityContext", "runAsGroup"}, effective(key, "runAsGroup")),
		at("proc_mount", "The procMount of the CONTAINERS that set it: Default or Unmasked.", "securityContext", "procMount"),
		of("add_capabilities", "Capabilities added to the CONTAINERS, one element each.", []string{"securityContext", "capabilities", "add", "*"}, capabilities(key)),
	}
	if key != "ephemeralContainers" {
		return t
	}
	return append(t[:5], t[6:]...)
}

// inContainers walks to a value in each container of a list, or in the one that
// the index selects.
func inContainers(take taker, list string, sub ...string) extractor {
	keys := append([]string{"requestObject", "spec", list}, sub...)
	return func(dst []Item, c *Context, a Arg) []Item { return appendEnds(dst, c, a, keys, take) }
}

func repositories(list string) extractor {
	images := inContainers(takeNeeded, list, "image")
	return func(dst []Item, c *Context, a Arg) []Item {
		had := len(dst)
		dst = images(dst, c, a)
		for i := had; i < len(dst); i++ {
			if c.Strict {
				dst[i].Text, _, _ = strings.Cut(dst[i].Text, ":")
				dst[i].Text, _, _ = strings.Cut(dst[i].Text, "@")
			} else {
				dst[i].Text = parseImage(dst[i].Text).repository
			}
		}
		return dst
	}
}

// takeLine takes an array of strings as one text. Anything else than an array of
// strings makes the whole field absent.
func takeLine(dst []Item, words audit.Value) ([]Item, bool) {
	if !words.Exists() {
		return dst, true
	}
	line, ok := joinStrings(words)
	return append(dst, Item{Text: line}), ok
}

// joinStrings joins an array of strings by blanks; ok is false for anything
// else.
func joinStrings(array audit.Value) (line string, ok bool) {
	if array.Kind() != audit.Array {
		return "", false
	}
	var b strings.Builder
	n := 0
	for w := range array.Elems() {
		if w.Kind() != audit.String {
			return "", false
		}
		word := w.Text()
		switch n++; n {
		case 1:
			line = word // the only one as a rule
			continue
		case 2:
			b.Grow(len(array.Raw())) // enough
			b.WriteString(line)
		}
		b.WriteByte(' ')
		b.WriteString(word)
	}
	if n > 1 {
		line = b.String()
	}
	return line, true
}

// takePorts takes the port of each element of an array; anything else makes the
// whole field absent.
func takePorts(dst []Item, ports audit.Value) ([]Item, bool) {
	for port := range ports.Elems() {
		at := port.Get("hostPort")
		if !at.Exists() {
			at = port.Get("containerPort")
		}
		dst = appendValue(dst, at)
	}
	return dst, !ports.Exists() || ports.Kind() == audit.Array
}

// capabilities: Falco gives the whole array of a container as one JSON text.
func capabilities(list string) extractor {
	path := []string{"securityContext", "capabilities", "add"}
	added, falcos := inContainers(takeElems, list, path...), inContainers(takeValue, list, path...)
	return func(dst []Item, c *Context, a Arg) []Item {
		if c.Strict {
			return falcos(dst, c, a)
		}
		return added(dst, c, a)
	}
}

// effective: Falco looks for the id beside the security context, not in it, so
// it finds none and answers 0, and with an index nothing.
func effective(list, key string) extractor {
	falcos := inContainers(takeOrMark, list, key)
	return func(dst []Item, c *Context, a Arg) []Item {
		spec := c.root().Path("requestObject", "spec")
		if c.Strict {
			had := len(dst)
			dst = falcos(dst, c, a)
			replaceMarks(dst[had:], spec.Get(key))
			return dst
		}
		return appendIDs(dst, spec.Get(list), a, key, orZero(spec.Path("securityContext", key)))
	}
}

// appendIDs appends the ids of the containers; with an index that of one.
func appendIDs(dst []Item, containers audit.Value, a Arg, key, pod string) []Item {
	if a.Present {
		return appendID(dst, containers.Index(a.Index), key, pod)
	}
	for v := range containers.Elems() {
		dst = appendID(dst, v, key, pod)
	}
	return dst
}

// appendID appends the container's own id, or the pod's.
func appendID(dst []Item, container audit.Value, key, pod string) []Item {
	own := container.Path("securityContext", key)
	switch {
	case !container.Exists():
		return dst
	case !own.Exists() || own.Kind() == audit.Null:
		return append(dst, Item{Text: pod})
	}
	return append(dst, Item{Text: own.Text()})
}

func orZero(v audit.Value) string {
	if !v.Exists() {
		return "0"
	}
	return v.Text()
}

// mark is the Num of an item that stands for an absent value.
const mark = 1

func takeOrMark(dst []Item, end audit.Value) ([]Item, bool) {
	if !end.Exists() {
		return append(dst, Item{Num: mark}), true
	}
	return appendValue(dst, end), true
}

func replaceMarks(items []Item, fallback audit.Value) {
	for i := range items {
		if items[i].Num == mark {
			items[i] = Item{Text: orZero(fallback)}
		}
	}
}

// firstContainerTable has what Falco keeps from the time before lists.
func firstContainerTable() []*Field {
	first := func(x extractor) extractor {
		return func(dst []Item, c *Context, _ Arg) []Item { return x(dst, c, Arg{Present: true, Index: 0}) }
	}
	t := []*Field{
		ka(classPod, "ka.req.container.image", "Image of the first container. Use ka.req.pod.containers.image.",
			[]string{"/requestObject/spec/containers/0/image"}, first(inContainers(takeNeeded, "containers", "image"))),
		ka(classPod, "ka.req.container.image.repository", "Image of the first container without tag and digest. Use ka.req.pod.containers.image.repository.",
			[]string{"/requestObject/spec/containers/0/image"}, first(repositories("containers"))),
		ka(classPod, "ka.req.container.privileged", "Whether any container is privileged. Use ka.req.pod.containers.privileged.",
			[]string{"/requestObject/spec/containers/*/securityContext/privileged"}, anyPrivileged()),
	}
	for _, f := range t {
		f.Deprecated = true
	}
	return t
}

func anyPrivileged() extractor {
	keys := []string{"requestObject", "spec", "containers", "securityContext", "privileged"}
	return func(dst []Item, c *Context, _ Arg) []Item {
		on, ok := walk(dst, c.root(), Arg{}, keys, takeTrue)
		if !ok {
			return dst
		}
		return appendText(dst, strconv.FormatBool(len(on) > len(dst)))
	}
}

// takeTrue takes a JSON true; anything else is passed over.
func takeTrue(dst []Item, end audit.Value) ([]Item, bool) {
	if on, _ := end.Bool(); on {
		dst = appendText(dst, "true")
	}
	return dst, true
}
