package field_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// writes is a request of that verb on a resource, or resource and subresource.
func writes(verb, resource, subresource, body string) string {
	return `{"verb":"` + verb + `","objectRef":{"resource":"` + resource + `","subresource":"` + subresource + `"},"requestObject":` + body + `}`
}

const podSpec = `{"serviceAccountName":"admin","automountServiceAccountToken":true,"hostNetwork":true,"hostPID":true,"hostIPC":false,"nodeName":"node-1",
	"securityContext":{"runAsUser":1000},
	"initContainers":[{"name":"setup","image":"busybox","securityContext":{"capabilities":{"add":["CAP_SYS_ADMIN"]}}}],
	"containers":[
	 {"name":"app","image":"reg.example.com:5000/shop/app:1@sha256:aa","command":["sh","-c"],"args":["id"],
	  "ports":[{"containerPort":8080},{"containerPort":22,"hostPort":2222}],"env":[{"name":"A","value":"1"},{"name":"LD_PRELOAD"}],
	  "securityContext":{"privileged":true,"allowPrivilegeEscalation":true,"runAsUser":0,"capabilities":{"add":["net_admin","ALL"]}}},
	 {"name":"side","image":"nicolaka/netshoot"}],
	"ephemeralContainers":[{"name":"dbg","image":"localhost/tools"}],
	"volumes":[{"name":"a","hostPath":{"path":"/etc"}},{"name":"b","secret":{}},{"$patch":"delete","name":"c","emptyDir":null}]}`

const template = `{"metadata":{"labels":{"app":"web"},"annotations":{"inject":"false"}},"spec":` + podSpec + `}`

var (
	aPod     = writes("create", "pods", "", template)
	aDeploy  = writes("patch", "deployments", "", `{"spec":{"template":`+template+`}}`)
	aCronJob = writes("update", "cronjobs", "", `{"spec":{"jobTemplate":{"spec":{"template":`+template+`}}}}`)
	aPodTmpl = writes("create", "podtemplates", "", `{"template":`+template+`}`)
	aRollout = writes("create", "rollouts", "", `{"spec":{"template":`+template+`}}`)
	patched  = `{"verb":"patch","objectRef":{"resource":"pods"},"requestObject":[{"op":"add"}],"responseObject":` + template + `}`
	debugged = writes("patch", "pods", "ephemeralcontainers", `{"spec":{"ephemeralContainers":[{"name":"dbg","image":"netshoot","securityContext":{"privileged":true}}]}}`)
)

var templateCases = func() []extractCase {
	all := []extractCase{
		{"kw.pod.containers.name[0]", aPod, texts("app")},
		{"kw.pod.containers.name[2]", aPod, texts("setup")},
		{"kw.pod.containers.name[4]", aPod, nil},
		{"kw.pod.containers.capabilities.add[2]", aPod, texts("SYS_ADMIN")},
		{"kw.pod.containers.run_as_user", writes("create", "pods", "", `{"spec":{"containers":[{}]}}`), nil},
		{"kw.pod.containers.privileged", debugged, texts("true")},
		{"kw.pod.containers.kind", debugged, texts("ephemeral")},
		{"kw.pod.containers.host_port", writes("create", "pods", "", `{"spec":{"containers":[{"ports":[{"containerPort":80},{"hostPort":81}]}]}}`), texts("81")},
		{"kw.pod.containers.command", writes("create", "pods", "", `{"spec":{"containers":[{"command":"sh"},{"command":["a",1]}]}}`), nil},
		{"kw.pod.containers.image", writes("patch", "deployments", "", `{"spec":{"replicas":2}}`), nil},
		{"kw.pod.service_account", writes("create", "pods", "", `{"spec":{"serviceAccount":"old"}}`), texts("old")},
		{"kw.pod.hostpaths", writes("create", "pods", "", `{"spec":{"volumes":[{"hostPath":{"path":"//etc/./"}},{"hostPath":{"path":"/"}},{"hostPath":{}}]}}`), texts("/etc", "/")},
		{"kw.pod.host_network", writes("create", "pods", "", `{"spec":{"hostNetwork":"true"}}`), nil},
		{"kw.pod.host_network", writes("get", "pods", "", template), nil},
		{"kw.pod.host_network", writes("delete", "pods", "", template), nil},
		{"kw.pod.host_network", writes("update", "pods", "status", template), nil},
		{"kw.pod.host_network", writes("update", "deployments", "status", `{"spec":{"template":`+template+`}}`), nil},
		{"kw.pod.host_network", writes("create", "secrets", "", template), nil},
		{"kw.pod.host_network", writes("create", "pods", "", `{"spec":{"template":`+template+`}}`), nil},
		{"kw.pod.host_network", writes("create", "cronjobs", "", `{"spec":{"template":`+template+`}}`), nil},
	}
	for _, where := range []string{aPod, aDeploy, aCronJob, aPodTmpl, aRollout, patched} {
		all = append(all,
			extractCase{"kw.pod.containers.kind", where, texts("container", "container", "init", "ephemeral")},
			extractCase{"kw.pod.containers.name", where, texts("app", "side", "setup", "dbg")},
			extractCase{"kw.pod.containers.image", where, texts("reg.example.com:5000/shop/app:1@sha256:aa", "nicolaka/netshoot", "busybox", "localhost/tools")},
			extractCase{"kw.pod.containers.image.repository", where, texts("reg.example.com:5000/shop/app", "nicolaka/netshoot", "busybox", "localhost/tools")},
			extractCase{"kw.pod.containers.image.registry", where, texts("reg.example.com:5000", "docker.io", "docker.io", "localhost")},
			extractCase{"kw.pod.containers.command", where, texts("sh -c")},
			extractCase{"kw.pod.containers.args", where, texts("id")},
			extractCase{"kw.pod.containers.privileged", where, texts("true")},
			extractCase{"kw.pod.containers.allow_privilege_escalation", where, texts("true")},
			extractCase{"kw.pod.containers.capabilities.add", where, texts("NET_ADMIN", "ALL", "SYS_ADMIN")},
			extractCase{"kw.pod.containers.run_as_user", where, texts("0", "1000", "1000", "1000")},
			extractCase{"kw.pod.containers.host_port", where, texts("8080", "2222")},
			extractCase{"kw.pod.containers.env.names", where, texts("A", "LD_PRELOAD")},
			extractCase{"kw.pod.service_account", where, texts("admin")},
			extractCase{"kw.pod.automount_token", where, texts("true")},
			extractCase{"kw.pod.host_network", where, texts("true")},
			extractCase{"kw.pod.host_pid", where, texts("true")},
			extractCase{"kw.pod.host_ipc", where, texts("false")},
			extractCase{"kw.pod.node_name", where, texts("node-1")},
			extractCase{"kw.pod.hostpaths", where, texts("/etc")},
			extractCase{"kw.pod.volume_types", where, texts("hostPath", "secret")},
			extractCase{"kw.pod.labels[app]", where, texts("web")},
			extractCase{"kw.pod.annotations[inject]", where, texts("false")},
		)
	}
	return all
}()

func TestTemplateFields(t *testing.T) { checkBoth(t, templateCases) }

// The request is never mixed with the answer: a patch that sends an object
// shows what it sends, though the answer has more.
func TestPatchShowsWhatItSends(t *testing.T) {
	event := `{"verb":"patch","objectRef":{"resource":"deployments"},"requestObject":{"spec":{"template":{"spec":{"hostPID":true}}}},
		"responseObject":{"spec":{"template":` + template + `}}}`
	assert.Equal(t, texts("true"), extract(t, "kw.pod.host_pid", event, false))
	assert.Nil(t, extract(t, "kw.pod.containers.image", event, false))
}

func TestTypesOfTemplateLists(t *testing.T) {
	for name, typ := range map[string]condition.Type{
		"kw.pod.containers.privileged":  condition.TypeBool,
		"kw.pod.containers.run_as_user": condition.TypeUint64,
		"kw.pod.containers.host_port":   condition.TypeUint64,
		"kw.pod.containers.image":       condition.TypeString,
	} {
		f, _ := lookup(t, name)
		assert.Equal(t, typ, f.Type, name)
		assert.True(t, f.List, name)
	}
	f, arg := lookup(t, "kw.pod.containers.run_as_user")
	assert.Equal(t, uint64(1000), f.Extract(contextOf(t, aPod, false), arg)[1].Num)
}
