package mutate

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const (
	pod       = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: c, image: nginx}]}}"
	plainSpec = "{containers: [{name: c, image: nginx}]}"
)

func podWith(metadata, spec string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {%s}, spec: %s}", metadata, spec)
}

func TestActions(t *testing.T) {
	for _, tt := range []struct{ name, action, object, want string }{
		{"labels where there are none", "labels: {add: {geo: eu, tier: web}}", pod,
			"[{op: add, path: /metadata/labels, value: {geo: eu}}, {op: add, path: /metadata/labels/tier, value: web}]"},
		{"a label that is there", "labels: {add: {geo: eu}}", podWith("labels: {geo: us}", plainSpec), ""},
		{"a label to be overwritten", "labels: {overwrite: {geo: eu, a: b}}", podWith("labels: {geo: us, a: b}", plainSpec), "[{op: replace, path: /metadata/labels/geo, value: eu}]"},
		{"labels that are null", "labels: {add: {geo: eu}}", podWith("labels: null", plainSpec), "[{op: replace, path: /metadata/labels, value: {geo: eu}}]"},
		{"a name with a slash and a tilde's neighbour", "annotations: {add: {example.org/a.b: \"c~d/e\"}}", podWith("annotations: {x: y}", plainSpec),
			`[{op: add, path: /metadata/annotations/example.org~1a.b, value: "c~d/e"}]`},
		{"an empty value", "annotations: {add: {a: ''}}", podWith("annotations: {x: y}", plainSpec), "[{op: add, path: /metadata/annotations/a, value: ''}]"},
		{"labels of something else", "labels: {add: {geo: eu}}", "{apiVersion: v1, kind: Namespace}", "[{op: add, path: /metadata, value: {labels: {geo: eu}}}]"},
		{"a sidecar", "containers: [{name: proxy, image: p}]", pod, "[{op: add, path: /spec/containers/1, value: {name: proxy, image: p}}]"},
		{"a sidecar that is there", "containers: [{name: c, image: p}]", pod, ""},
		{"a sidecar whose name an init container has", "containers: [{name: i, image: p}]", podWith("", "{initContainers: [{name: i}], containers: [{name: c}]}"), ""},
		{"init containers, before others", "init_containers: [{name: a, image: p}, {name: b, image: p}]", podWith("", "{initContainers: [{name: i}], containers: [{name: c}]}"),
			"[{op: add, path: /spec/initContainers/0, value: {name: a, image: p}}, {op: add, path: /spec/initContainers/1, value: {name: b, image: p}}]"},
		{"the first init container", "init_containers: [{name: a, image: p}, {name: b, image: p}]", pod,
			"[{op: add, path: /spec/initContainers, value: [{name: a, image: p}]}, {op: add, path: /spec/initContainers/1, value: {name: b, image: p}}]"},
		{"a volume", "volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]", podWith("", "{volumes: [{name: w}], containers: []}"),
			"[{op: add, path: /spec/volumes/1, value: {name: v, emptyDir: {}}}]"},
		{"a variable", "env: {add: [{name: A, value: b}, {name: C, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}",
			podWith("", "{initContainers: [{name: i, env: [{name: A}]}], containers: [{name: c}]}"),
			"[{op: add, path: /spec/containers/0/env, value: [{name: A, value: b}]}, {op: add, path: /spec/containers/0/env/1, value: {name: C, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}},\n" +
				" {op: add, path: /spec/initContainers/0/env/1, value: {name: C, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}}]"},
		{"a variable for some", "env: {containers: ['web-*'], add: [{name: A, value: b}]}", podWith("", "{containers: [{name: c}, {name: web-1, env: []}]}"),
			"[{op: add, path: /spec/containers/1/env/0, value: {name: A, value: b}}]"},
		{"a variable to be overwritten", "env: {add: [{name: N, value: n}], overwrite: [{name: A, value: b}, {name: E}]}",
			podWith("", "{containers: [{name: c, env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}, {name: E}]}, {name: d, env: [{name: X}, {name: A, value: b}, {name: A, value: c}, {name: E, value: e}, {name: N}]}]}"),
			"[{op: replace, path: /spec/containers/0/env/0, value: {name: A, value: b}}, {op: add, path: /spec/containers/0/env/2, value: {name: N, value: n}},\n" +
				" {op: replace, path: /spec/containers/1/env/2, value: {name: A, value: b}}, {op: replace, path: /spec/containers/1/env/3, value: {name: E}}]"},
		{"variables to be overwritten that are not there", "env: {overwrite: [{name: A, value: b}, {name: B}]}", pod,
			"[{op: add, path: /spec/containers/0/env, value: [{name: A, value: b}]}, {op: add, path: /spec/containers/0/env/1, value: {name: B}}]"},
		{"a mount of a volume that comes with it", "volumes: [{name: v, emptyDir: {}}], volume_mounts: {add: [{name: v, mountPath: /certs, readOnly: true}, {name: other, mountPath: /o}]}", pod,
			"[{op: add, path: /spec/volumes, value: [{name: v, emptyDir: {}}]}, {op: add, path: /spec/containers/0/volumeMounts, value: [{name: v, mountPath: /certs, readOnly: true}]}]"},
		{"a mount for some, where something is mounted there", "volume_mounts: {containers: [w*, i], add: [{name: v, mountPath: /certs/}, {name: v, mountPath: /more}]}",
			podWith("", "{volumes: [{name: v}], initContainers: [{name: i}], containers: [{name: c}, {name: w, volumeMounts: [{name: own, mountPath: /certs}]}]}"),
			"[{op: add, path: /spec/containers/1/volumeMounts/1, value: {name: v, mountPath: /more}},\n" +
				" {op: add, path: /spec/initContainers/0/volumeMounts, value: [{name: v, mountPath: /certs/}]}, {op: add, path: /spec/initContainers/0/volumeMounts/1, value: {name: v, mountPath: /more}}]"},
		{"a context of the pod", "pod_security_context: {runAsNonRoot: true, fsGroup: 1}", podWith("", "{securityContext: {fsGroup: 2}, containers: []}"),
			"[{op: add, path: /spec/securityContext/runAsNonRoot, value: true}]"},
		{"a context of containers", "container_security_context: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: true}",
			podWith("", "{securityContext: {runAsNonRoot: false}, initContainers: [{name: i, securityContext: {allowPrivilegeEscalation: true, capabilities: {add: [CHOWN]}}}], containers: [{name: c}]}"),
			"[{op: add, path: /spec/containers/0/securityContext, value: {allowPrivilegeEscalation: false}},\n" +
				" {op: add, path: /spec/containers/0/securityContext/capabilities, value: {drop: [ALL]}}, {op: add, path: /spec/initContainers/0/securityContext/capabilities/drop, value: [ALL]}]"},
		{"profiles are one thing each", "pod_security_context: {seccompProfile: {type: Localhost, localhostProfile: p}}", podWith("", "{securityContext: {seccompProfile: {type: Unconfined}}, containers: []}"), ""},
		{"what a privileged container cannot have", "container_security_context: {allowPrivilegeEscalation: false}",
			podWith("", "{containers: [{name: a, securityContext: {privileged: true}}, {name: b, securityContext: {capabilities: {add: [SYS_ADMIN]}}}, {name: c, securityContext: {capabilities: {add: [CAP_SYS_ADMIN]}}}]}"), ""},
		{"root, in so many words", "container_security_context: {runAsNonRoot: true}",
			podWith("", "{containers: [{name: a, securityContext: {runAsUser: 0}}, {name: b, securityContext: {runAsUser: 10}}]}"),
			"[{op: add, path: /spec/containers/1/securityContext/runAsNonRoot, value: true}]"},
		{"root, by the pod", "container_security_context: {runAsNonRoot: true}", podWith("", "{securityContext: {runAsUser: 0}, containers: [{name: a}]}"), ""},
		{"root, by a container", "pod_security_context: {runAsNonRoot: true}", podWith("", "{containers: [{name: a}, {name: b, securityContext: {runAsUser: 0}}]}"), ""},
		{"a profile that an annotation has", "pod_security_context: {appArmorProfile: {type: RuntimeDefault}}", podWith("annotations: {container.apparmor.security.beta.kubernetes.io/c: unconfined}", plainSpec), ""},
		{"Windows", "pod_security_context: {fsGroup: 1}, container_security_context: {runAsNonRoot: true}", podWith("", "{os: {name: windows}, containers: [{name: c}]}"), ""},
		{"a token", "automount_service_account_token: false", pod, "[{op: add, path: /spec/automountServiceAccountToken, value: false}]"},
		{"a token that is wanted", "automount_service_account_token: false", podWith("", "{automountServiceAccountToken: true, containers: []}"), ""},
		{"a token that is mounted", "automount_service_account_token: false",
			podWith("", "{volumes: [{name: kube-api-access-x2x, projected: {}}, {name: kube-api-access-own, emptyDir: {}}],\n"+
				" containers: [{name: c, volumeMounts: [{name: kube-api-access-own}, {name: kube-api-access-x2x}]}], initContainers: [{name: i, volumeMounts: [{name: kube-api-access-x2x}]}]}"),
			"[{op: add, path: /spec/automountServiceAccountToken, value: false}, {op: remove, path: /spec/volumes/0},\n" +
				" {op: remove, path: /spec/containers/0/volumeMounts/1}, {op: remove, path: /spec/initContainers/0/volumeMounts/0}]"},
		{"images", "images: [{from: docker.io, to: m.example.com/hub}]",
			podWith("", "{initContainers: [{name: i, image: 'quay.io/a/b:1'}], containers: [{name: c, image: nginx}, {name: d, image: 'foo/bar:1@sha256:ab'}], volumes: [{name: v, image: {reference: a/b}}, {name: w}]}"),
			"[{op: replace, path: /spec/containers/0/image, value: m.example.com/hub/library/nginx}, {op: replace, path: /spec/containers/1/image, value: 'm.example.com/hub/foo/bar:1@sha256:ab'},\n" +
				" {op: replace, path: /spec/volumes/0/image/reference, value: m.example.com/hub/a/b}]"},
		{"a pod without a spec", "containers: [{name: a, image: b}], env: {add: [{name: A}]}, pod_security_context: {fsGroup: 1}, automount_service_account_token: false", "{apiVersion: v1, kind: Pod}", ""},
		{"another kind with a spec", "containers: [{name: a, image: b}], pod_labels: {add: {a: b}}", "{apiVersion: example.org/v1, kind: Pod, spec: {containers: []}}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) { assertPatch(t, tt.want, patched(t, one(t, tt.action), tt.object)) })
	}
}

func TestImageNames(t *testing.T) {
	rules := images{{"docker.io/library", "m.example.com/official"}, {"docker.io", "m.example.com/hub"}, {"quay.io/a", "m.example.com:5000"}}
	for in, want := range map[string]string{
		"nginx":                            "m.example.com/official/nginx",
		"nginx:1.2":                        "m.example.com/official/nginx:1.2",
		"docker.io/nginx@sha256:ab":        "m.example.com/official/nginx@sha256:ab",
		"index.docker.io/library/nginx":    "m.example.com/official/nginx",
		"a/b:1@sha256:ab":                  "m.example.com/hub/a/b:1@sha256:ab",
		"libraryx/b":                       "m.example.com/hub/libraryx/b",
		"quay.io/a/b:1":                    "m.example.com:5000/b:1",
		"quay.io/ab/c":                     "quay.io/ab/c",
		"quay.io/a":                        "m.example.com:5000",
		"localhost/nginx":                  "localhost/nginx",
		"localhost:5000/docker.io/x":       "localhost:5000/docker.io/x",
		"m.example.com/official/nginx:1":   "m.example.com/official/nginx:1",
		"docker.io.evil.example/library/x": "docker.io.evil.example/library/x",
	} {
		assert.Equal(t, want, rules.of(in), in)
	}
}

// TestWhatIsLeftAlone: where a change would be refused, or would start something.
func TestWhatIsLeftAlone(t *testing.T) {
	f := one(t, "labels: {add: {l: x}}, pod_labels: {add: {p: x, app: x}, overwrite: {o: x, app2: x}}, containers: [{name: side, image: s}],\n"+
		" automount_service_account_token: false, images: [{from: docker.io, to: m.example.com}]")
	const spec = "{containers: [{name: c, image: nginx}]}"
	const all = ", {op: add, path: TEMPLATE/spec/containers/1, value: {name: side, image: s}}, {op: add, path: TEMPLATE/spec/automountServiceAccountToken, value: false}," +
		" {op: replace, path: TEMPLATE/spec/containers/0/image, value: m.example.com/library/nginx}, {op: replace, path: TEMPLATE/spec/containers/1/image, value: m.example.com/library/s}"
	label := "{op: add, path: /metadata/labels, value: {l: x}}"
	template := "{metadata: {labels: {app: a, o: y}}, spec: " + spec + "}"
	marks := "[" + label + ", {op: add, path: TEMPLATE/metadata/labels/p, value: x}, {op: add, path: TEMPLATE/metadata/labels/app2, value: x}, {op: replace, path: TEMPLATE/metadata/labels/o, value: x}"
	deployment := func(metadata, template, more string) string {
		return fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {%s}, spec: {template: %s%s}}", metadata, template, more)
	}
	for _, tt := range []struct{ name, object, old, subresource, want string }{
		{"a deployment", deployment("", template, ""), "", "",
			strings.ReplaceAll(strings.ReplaceAll(marks, ", {op: add, path: TEMPLATE/metadata/labels/app2, value: x}, {op: replace, path: TEMPLATE/metadata/labels/o, value: x}",
				", {op: add, path: TEMPLATE/metadata/labels/app2, value: x}, {op: replace, path: TEMPLATE/metadata/labels/o, value: x}")+all+"]", "TEMPLATE", "/spec/template")},
		{"labels that a selector asks for", deployment("", template, ", selector: {matchLabels: {o: y}, matchExpressions: [{key: p, operator: DoesNotExist}, {key: app2}]}"), "", "",
			strings.ReplaceAll("["+label+all+"]", "TEMPLATE", "/spec/template")},
		{"labels that an old selector asks for", "{apiVersion: v1, kind: ReplicationController, spec: {selector: {o: y, p: z, app2: z}, template: " + template + "}}", "", "",
			strings.ReplaceAll("[{op: add, path: /metadata, value: {labels: {l: x}}}"+all+"]", "TEMPLATE", "/spec/template")},
		{"a cron job", "{apiVersion: batch/v1, kind: CronJob, metadata: {labels: {l: x}}, spec: {jobTemplate: {spec: {selector: {matchLabels: {o: y, p: z, app2: z}}, template: " + template + "}}}}", "", "",
			strings.ReplaceAll("["+all[2:]+"]", "TEMPLATE", "/spec/jobTemplate/spec/template")},
		{"a deployment of an operator", deployment("ownerReferences: [{controller: true}]", template, ""), "", "", "[" + label + "]"},
		{"an owner that is no controller", deployment("ownerReferences: [{controller: false}], labels: {l: x}", "{metadata: {labels: {p: x, app2: x, o: x, app: x}}, spec: {automountServiceAccountToken: true, containers: [{name: side}]}}", ""), "", "", ""},
		{"an update that scales", deployment("", template, ", replicas: 2"), deployment("", template, ", replicas: 1"), "", "[" + label + "]"},
		{"an update of the template", deployment("labels: {l: x}", "{spec: {automountServiceAccountToken: true, containers: [{name: side, image: b}]}, metadata: {labels: {p: x, app: x, o: x, app2: x}}}", ""), deployment("", template, ""), "",
			"[{op: replace, path: /spec/template/spec/containers/0/image, value: m.example.com/library/b}]"},
		{"a subresource", deployment("", template, ""), "", "scale", ""},
		{"what is being deleted", deployment("deletionTimestamp: '2026-11-30T12:00:00Z'", template, ""), deployment("", template, ""), "", ""},
		{"a mirror of a static pod", podWith("annotations: {kubernetes.io/config.mirror: x}", spec), "", "", ""},
		{"a deployment called mirror", deployment("annotations: {kubernetes.io/config.mirror: x}, labels: {l: x}, ownerReferences: [{controller: true}]", template, ""), "", "", ""},
		{"a pod of a controller", podWith("ownerReferences: [{controller: true}], labels: {o: y}", "{automountServiceAccountToken: true, containers: [{name: side, image: quay.io/x/y}]}"), "", "",
			"[{op: add, path: /metadata/labels/l, value: x}, {op: add, path: /metadata/labels/app, value: x}, {op: add, path: /metadata/labels/p, value: x}, {op: add, path: /metadata/labels/app2, value: x}]"},
		{"an update of a pod", podWith("labels: {l: x, o: x, p: x, app: x, app2: x}", "{containers: [{name: c, image: nginx}, {name: d, image: b}]}"), podWith("", "{containers: [{name: c, image: nginx}, {name: d, image: a}]}"), "",
			"[{op: replace, path: /spec/containers/1/image, value: m.example.com/library/b}]"},
		{"a container for debugging", podWith("", "{containers: [{name: c, image: nginx}], ephemeralContainers: [{name: old, image: a}, {name: new, image: b}]}"),
			podWith("", "{containers: [{name: c, image: nginx}], ephemeralContainers: [{name: old, image: a}]}"), "ephemeralcontainers",
			"[{op: replace, path: /spec/ephemeralContainers/1/image, value: m.example.com/library/b}]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := apply(t, f, requestOf(fromYAML(t, tt.object), fromYAML(t, tt.old), tt.subresource))
			assertPatch(t, tt.want, string(c.Patch))
		})
	}
}

// TestEveryWorkload: all that make pods are changed where they have them.
func TestEveryWorkload(t *testing.T) {
	f := one(t, "automount_service_account_token: false")
	kinds := map[string]string{"ReplicationController": "v1", "CronJob": "batch/v1", "Job": "batch/v1"}
	for _, kind := range []string{"Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"} {
		kinds[kind] = "apps/v1"
	}
	require.Len(t, kinds, len(templates))
	for kind, version := range kinds {
		spec, at := "template: {spec: {containers: []}}", "/spec/template"
		if kind == "CronJob" {
			spec, at = "jobTemplate: {spec: {"+spec+"}}", "/spec/jobTemplate/spec/template"
		}
		got := patched(t, f, fmt.Sprintf("{apiVersion: %s, kind: %s, spec: {%s}}", version, kind, spec))
		assertPatch(t, "[{op: add, path: "+at+"/spec/automountServiceAccountToken, value: false}]", got)
	}
}

// TestConditionsAndScopes: which entries are carried out, and who did something.
func TestConditionsAndScopes(t *testing.T) {
	f := file(t, `
mutate:
  - {name: by macro, condition: privileged, labels: {add: {a: x}}}
  - {name: by list, condition: ka.target.namespace in (teams), labels: {add: {b: x}}}
  - {name: by scope, clusters: [prod], namespaces: ["sh*"], users: [jane], groups: [dev], names: [web], labels: {add: {c: x}}}
  - {name: elsewhere, clusters: [lab], labels: {add: {d: x}}}
  - {name: both, condition: privileged, users: [john], labels: {add: {e: x}}}
  - {name: nothing to do, labels: {add: {c: y}}}
`)
	c := apply(t, f, requestOf(fromYAML(t, pod), audit.Value{}, ""))
	assert.Equal(t, []string{"by list", "by scope"}, c.Entries)
	c = apply(t, f, requestOf(fromYAML(t, podWith("", "{containers: [{name: c, securityContext: {privileged: true}}]}")), audit.Value{}, ""))
	assert.Equal(t, []string{"by macro", "by list", "by scope"}, c.Entries)
	assert.Equal(t, []string{"by macro", "by list", "by scope", "elsewhere", "both", "nothing to do"}, f.Entries())
}

// TestEntriesThatWaitForEachOther: what one entry does makes the condition of another hold,
// in whatever order, and all is done at the first time.
func TestEntriesThatWaitForEachOther(t *testing.T) {
	f := file(t, `
mutate:
  - {name: third, condition: 'jevt.value[/requestObject/metadata/labels/b] = x', labels: {add: {c: x}}}
  - {name: second, condition: 'jevt.value[/requestObject/metadata/labels/a] = x', labels: {add: {b: x}}}
  - {name: first, labels: {add: {a: x}}}
  - {name: images, images: [{from: docker.io, to: m.example.com}]}
  - {name: sidecar, containers: [{name: side, image: s}]}
`)
	c := apply(t, f, requestOf(fromYAML(t, pod), audit.Value{}, ""))
	assert.Equal(t, []string{"third", "second", "first", "images", "sidecar"}, c.Entries)
	assert.Contains(t, string(c.Object), `"image":"m.example.com/library/s"`)
}

func TestFailures(t *testing.T) {
	quarrel := file(t, `
mutate:
  - {name: one, labels: {overwrite: {a: x}}}
  - {name: other, condition: 'jevt.value[/requestObject/metadata/labels/a] = x', labels: {overwrite: {a: y}}}
`)
	label := one(t, "labels: {add: {a: b}}")
	large := one(t, "annotations: {add: {a: "+strings.Repeat("x", maxPatch)+"}}")
	for _, tt := range []struct {
		name   string
		f      *File
		object string
		reason Reason
		want   string
	}{
		{"entries that quarrel", quarrel, pod, Restless, `mutate: after 8 rounds entries still change what others did: ["one" "other"]`},
		{"an object that is too large", label, podWith("annotations: {x: "+strings.Repeat("y", maxObject)+"}", "{}"), Size, "mutate: the object has more than 3145728 bytes"},
		{"a patch that is too large", large, pod, Size, "mutate: the patch has more than 524288 bytes"},
		{"labels that are a text", label, "{metadata: {labels: x}}", Shape, `mutate: "/metadata/labels" is not an object`},
		{"metadata that are a list", label, "{metadata: [x]}", Shape, `mutate: "/metadata" is not an object`},
		{"owners that are no list", label, "{metadata: {ownerReferences: {}}}", Shape, `mutate: "/metadata/ownerReferences" is not a list`},
		{"containers that are texts", one(t, "automount_service_account_token: false, images: [{from: docker.io, to: a.b}]"), podWith("", "{containers: [x]}"), Shape, `mutate: "/spec/containers/0" is not an object`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := tt.f.Apply(requestOf(fromYAML(t, tt.object), audit.Value{}, ""))
			var failed *Failure
			require.True(t, errors.As(err, &failed), "%v", err)
			assert.Equal(t, tt.reason, failed.Reason)
			assert.EqualError(t, err, tt.want)
			assert.Empty(t, c)
		})
	}
}

// TestThePatchIsOfTheObjectAlone: two requests at once have nothing in common.
func TestThePatchIsOfTheObjectAlone(t *testing.T) {
	f := file(t, "mutate:\n  - {name: side, containers: [{name: side, image: s, ports: [{containerPort: 1}]}]}\n  - {name: env, env: {add: [{name: A, value: b}]}}\n")
	want := patched(t, f, pod)
	done := make(chan string)
	for range 8 {
		go func() {
			c, err := f.Apply(requestOf(fromYAML(t, pod), audit.Value{}, ""))
			done <- fmt.Sprint(string(c.Patch), err)
		}()
	}
	for range 8 {
		assert.Equal(t, want+"<nil>", <-done)
	}
	assert.Equal(t, want, patched(t, f, pod))
}
