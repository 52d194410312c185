package field_test

import (
	"strings"
	"testing"
)

// podBody has one of everything in the list of containers called LIST.
const podBody = `{"spec":{"securityContext":{"runAsUser":1000,"runAsGroup":2000},"LIST":[
	{"name":"c1","image":"docker.io/library/nginx:1.2","command":["sh","-c"],"args":["echo a"],
	 "ports":[{"containerPort":80},{"containerPort":443,"hostPort":8443},{"name":"none"}],
	 "securityContext":{"privileged":true,"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"runAsUser":0,"runAsGroup":1,
	  "procMount":"Unmasked","capabilities":{"add":["NET_ADMIN","SYS_TIME"]}}},
	{"name":"c2","image":"redis@sha256:aa","command":[],"securityContext":{"privileged":null}},
	{"name":"c3","image":"busybox"}]}}`

// containerFields are the answers to podBody that both modes share, by the
// rest of the field's name.
var containerFields = []extractCase{
	{"name", podBody, texts("c1", "c2", "c3")},
	{"name[1]", podBody, texts("c2")},
	{"name[3]", podBody, nil},
	{"name", `{"spec":{"LIST":[{"name":"a"},{}]}}`, nil},
	{"name[0]", `{"spec":{"LIST":[{"name":"a"},{}]}}`, texts("a")},
	{"image", podBody, texts("docker.io/library/nginx:1.2", "redis@sha256:aa", "busybox")},
	{"image[0]", podBody, texts("docker.io/library/nginx:1.2")},
	{"image", `{"spec":{"LIST":[{"image":"a"},{"name":"imageless"}]}}`, nil},
	{"image", `{"spec":{"LIST":[]}}`, nil},
	{"image", `{"spec":{"LIST":{}}}`, nil},
	{"image", `{"spec":{"LIST":{"image":"a"}}}`, texts("a")},
	{"image", `[{"op":"add","value":1}]`, nil},
	{"image.repository", podBody, texts("docker.io/library/nginx", "redis", "busybox")},
	{"image.repository[1]", podBody, texts("redis")},
	{"args", podBody, texts("echo a")},
	{"args[1]", podBody, nil},
	{"command", podBody, texts("sh -c", "")},
	{"command[0]", podBody, texts("sh -c")},
	{"command", `{"spec":{"LIST":[{"command":["a"]},{"command":"b"}]}}`, nil},
	{"command", `{"spec":{"LIST":[{"command":["a"]},{"command":[1]}]}}`, nil},
	{"privileged", podBody, texts("true", "null")},
	{"privileged[0]", podBody, texts("true")},
	{"privileged[2]", podBody, nil},
	{"allow_privilege_escalation", podBody, texts("false")},
	{"read_only_fs", podBody, texts("true")},
	{"run_as_user", podBody, texts("0")},
	{"run_as_group", podBody, texts("1")},
	{"proc_mount", podBody, texts("Unmasked")},
	{"run_as_user", `{"spec":{"LIST":[[{"securityContext":{"runAsUser":5}}]]}}`, texts("5")},
}

// portFields exist for containers and init containers.
var portFields = []extractCase{
	{"host_port", podBody, texts("80", "8443")},
	{"host_port[0]", podBody, texts("80", "8443")},
	{"host_port[1]", podBody, nil},
	{"host_port", `{"spec":{"LIST":[{"ports":[{"hostPort":1}]},{"ports":{}}]}}`, nil},
	{"host_port", `{"spec":{"LIST":[{"ports":[{"hostPort":null,"containerPort":2}]}]}}`, texts("null")},
}

var containerCases = func() []extractCase {
	var all []extractCase
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		cases := containerFields
		if list != "ephemeralContainers" {
			cases = append(cases[:len(cases):len(cases)], portFields...)
		}
		for _, c := range cases {
			all = append(all, extractCase{"ka.req.pod." + list + "." + c.field, sent(strings.ReplaceAll(c.event, "LIST", list)), c.want})
		}
	}
	return all
}()

func TestContainerFields(t *testing.T) { checkBoth(t, containerCases) }

// inSpec is an event whose request has that pod spec.
func inSpec(spec string) string { return sent(`{"spec":` + spec + `}`) }

const volumes = `{"volumes":[
	{"name":"a","hostPath":{"path":"/etc/kubernetes"}},
	{"name":"b","secret":{"secretName":"s"}},
	{"name":"c","flexVolume":{"driver":"kubernetes.io/lvm"}},
	{"hostPath":{"path":"/"},"name":"d"}]}`

var podCases = []extractCase{
	{"ka.req.container.image", inSpec(`{"containers":[{"image":"a:1"},{}]}`), texts("a:1")},
	{"ka.req.container.image", inSpec(`{"containers":[{},{"image":"a:1"}]}`), nil},
	{"ka.req.container.image", inSpec(`{"containers":[]}`), nil},
	{"ka.req.container.image.repository", inSpec(`{"containers":[{"image":"x/a:1"}]}`), texts("x/a")},
	{"ka.req.container.privileged", inSpec(`{"containers":[{},{"securityContext":{"privileged":true}}]}`), texts("true")},
	{"ka.req.container.privileged", inSpec(`{"containers":[{"securityContext":{"privileged":"true"}}]}`), texts("false")},
	{"ka.req.container.privileged", inSpec(`{"containers":[]}`), texts("false")},
	{"ka.req.container.privileged", inSpec(`{}`), nil},
	{"ka.req.container.privileged", sent(`[{"op":"add"}]`), texts("false")},
	{"ka.req.container.host_network", inSpec(`{"hostNetwork":true}`), texts("true")},
	{"ka.req.pod.host_network", inSpec(`{"hostNetwork":false}`), texts("false")},
	{"ka.req.pod.host_ipc", inSpec(`{"hostIPC":true}`), texts("true")},
	{"ka.req.pod.host_pid", inSpec(`{"hostPID":true}`), texts("true")},
	{"ka.req.pod.run_as_user", inSpec(`{"securityContext":{"runAsUser":0}}`), texts("0")},
	{"ka.req.pod.run_as_group", inSpec(`{"securityContext":{"runAsGroup":3}}`), texts("3")},
	{"ka.req.pod.fs_group", inSpec(`{"securityContext":{"fsGroup":4}}`), texts("4")},
	{"ka.req.pod.supplemental_groups", inSpec(`{"securityContext":{"supplementalGroups":[5,6]}}`), texts("5", "6")},

	{"ka.req.pod.volumes.hostpath", inSpec(volumes), texts("/etc/kubernetes", "/")},
	{"ka.req.pod.volumes.hostpath[3]", inSpec(volumes), texts("/")},
	{"ka.req.pod.volumes.hostpath[1]", inSpec(volumes), nil},
	{"ka.req.pod.volumes.hostpath[9]", inSpec(volumes), nil},
	{"ka.req.pod.volumes.flexvolume_driver", inSpec(volumes), texts("kubernetes.io/lvm")},
	{"ka.req.pod.volumes.flexvolume_driver[0]", inSpec(volumes), nil},
	{"ka.req.pod.volumes.volume_type", inSpec(volumes), texts("hostPath", "secret", "flexVolume", "hostPath")},
	{"ka.req.pod.volumes.volume_type[1]", inSpec(volumes), texts("secret")},
	{"ka.req.pod.volumes.volume_type", inSpec(`{"volumes":[]}`), nil},
	{"ka.req.pod.volumes.volume_type", inSpec(`{"volumes":["x"]}`), nil},
	{"ka.req.pod.volumes.volume_type", sent(`[{"op":"add"}]`), nil}, // Falco crashes

	{"ka.req.volume.hostpath[/etc/kubernetes]", inSpec(volumes), texts("true")},
	{"ka.req.volume.hostpath[/etc*]", inSpec(volumes), texts("true")},
	{"ka.req.volume.hostpath[/etc]", inSpec(volumes), texts("false")},
	{"ka.req.volume.hostpath[/var*]", inSpec(volumes), texts("false")},
	{"ka.req.volume.hostpath[/etc]", inSpec(`{}`), nil},
}

func TestPodFields(t *testing.T) { checkBoth(t, podCases) }
