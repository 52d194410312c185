package mutate

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// everything is a file with all actions.
const everything = `
mutate:
  - {name: late, condition: 'kw.pod.containers.privileged intersects (true) or ka.target.namespace = nowhere', labels: {add: {p: x}}}
  - {name: mounts, volumes: [{name: mv, emptyDir: {}}], volume_mounts: {add: [{name: mv, mountPath: /mv}]}, env: {add: [{name: MA, value: a}], overwrite: [{name: MO, value: o}]}}
  - {name: marks, labels: {add: {a: b}, overwrite: {c: d}}, annotations: {add: {x/y: z}, overwrite: {v: w}}, pod_labels: {add: {e: f}, overwrite: {g: h}}, pod_annotations: {add: {i: j}, overwrite: {k: l}}}
  - name: pods
    volumes: [{name: v, emptyDir: {}}]
    init_containers: [{name: i, image: x/y}, {name: j, image: z}]
    containers: [{name: side, image: nginx, securityContext: {privileged: true}, env: [{name: A}]}]
    env: {containers: ["*", c], add: [{name: A, value: b}, {name: B}]}
    pod_security_context: {runAsNonRoot: true, fsGroup: 1}
    container_security_context: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, appArmorProfile: {type: RuntimeDefault}}
    automount_service_account_token: false
    images: [{from: docker.io/library, to: m.example.com/l}, {from: docker.io, to: m.example.com/d}]
`

// FuzzApply holds that no object makes it panic, that the patch does what it says by a library
// that is not ours, and that what comes out is left alone.
func FuzzApply(f *testing.F) {
	m := file(f, everything)
	for _, seed := range []string{
		pod, podWith("labels: null, annotations: {}", "{containers: null, initContainers: [], securityContext: null}"),
		"{apiVersion: apps/v1, kind: Deployment, metadata: {labels: {c: x}}, spec: {selector: {matchLabels: {e: x}}, template: {spec: " + plainSpec + "}}}",
		"{apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: side}]}}}}}}",
		"{apiVersion: v1, kind: ReplicationController, metadata: {ownerReferences: [{controller: true}]}, spec: {template: {}}}",
		"{kind: Pod, apiVersion: v1, spec: {volumes: [{name: kube-api-access-1, projected: {}}], containers: [{volumeMounts: [{name: kube-api-access-1}]}]}}",
	} {
		f.Add(fromYAML(f, seed).Raw(), fromYAML(f, pod).Raw(), uint8(0))
		f.Add(fromYAML(f, seed).Raw(), fromYAML(f, seed).Raw(), uint8(1))
	}
	f.Add([]byte(`{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"image":"a\/b","x":1.0e400}],"ephemeralContainers":[{"image":"q"}]}}`), []byte("{}"), uint8(2))
	f.Fuzz(func(t *testing.T, object, old []byte, how uint8) {
		o, err := audit.ParseValue(object)
		if err != nil || o.Kind() != audit.Object {
			return
		}
		r := requestOf(o, audit.Value{}, "")
		if v, err := audit.ParseValue(old); how > 0 && err == nil && v.Kind() == audit.Object {
			r = requestOf(o, v, map[bool]string{true: "ephemeralcontainers"}[how%3 == 2])
		}
		c, err := m.Apply(r)
		if err != nil {
			var failed *Failure
			require.True(t, errors.As(err, &failed), "%T", err)
			require.NotEqual(t, Fault, failed.Reason, "%v", err)
			require.NotEqual(t, Restless, failed.Reason, "%v", err)
			return
		}
		hold(t, m, r, c)
	})
}
