package mutate

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// target is what of an object may be changed.
type target struct {
	root       *place
	update     bool
	controlled bool     // a controller made it
	selected   []string // labels of pods that its selector asks for
	pod        *place   // of which metadata and spec are a pod's; nil: none, or it is to be left alone
	made       bool     // a pod that is being made, or a template: all of it may be changed
	isPod      bool
	debug      bool          // only ephemeral containers may be changed
	before     []audit.Value // the pod's containers before the request, of all kinds
}

// templates is where the pod is in objects that make some, by group and kind.
var templates = map[string][]string{
	"Deployment.apps":       {"spec", "template"},
	"DaemonSet.apps":        {"spec", "template"},
	"StatefulSet.apps":      {"spec", "template"},
	"ReplicaSet.apps":       {"spec", "template"},
	"Job.batch":             {"spec", "template"},
	"CronJob.batch":         {"spec", "jobTemplate", "spec", "template"},
	"ReplicationController": {"spec", "template"},
}

// mirror is the annotation of pods that a node runs without the API server.
const mirror = "kubernetes.io/config.mirror"

// targetOf finds out what may be changed; nil for nothing.
func targetOf(d *document, r *Request) (*target, error) {
	t := &target{root: d.root, update: r.Old.Exists()}
	kind := kindOf(d.root)
	t.isPod, t.debug = kind == "Pod", r.Subresource == "ephemeralcontainers"
	metadata, err := d.root.member("metadata")
	if err != nil || metadata.has("deletionTimestamp") {
		return nil, err
	}
	if r.Subresource != "" && !(t.isPod && t.debug && t.update) {
		return nil, nil
	}
	annotations, err := metadata.member("annotations")
	if err != nil || t.isPod && annotations.has(mirror) {
		return nil, err
	}
	if t.controlled, err = controlled(metadata); err != nil {
		return nil, err
	}
	if t.isPod {
		t.pod, t.made = d.root, !t.update
		t.before = containersOf(r.Old)
		return t, nil
	}
	return t, t.template(templates[kind], r.Old)
}

// template finds the template of a workload, if it may be changed.
func (t *target) template(path []string, old audit.Value) (err error) {
	if path == nil || t.controlled {
		return nil
	}
	pod, err := t.root.path(path...)
	if err != nil || pod.object == nil {
		return err
	}
	if t.update && same(pod.object, old.Path(path...)) {
		return nil
	}
	t.pod, t.made = pod, true
	t.selected, err = selectedBy(t.root, path)
	return err
}

// kindOf is "Deployment.apps", "Pod".
func kindOf(root *place) string {
	group, _, found := strings.Cut(root.text("apiVersion"), "/")
	if !found {
		return root.text("kind")
	}
	return root.text("kind") + "." + group
}

// controlled tells whether another object makes this one.
func controlled(metadata *place) (bool, error) {
	owners, err := metadata.elements("ownerReferences")
	return slices.ContainsFunc(owners, func(o *place) bool { return o.object["controller"] == true }), err
}

// selectedBy are the labels that the selector of a workload asks for. That of a job in a
// CronJob stands beside its template.
func selectedBy(root *place, path []string) (keys []string, err error) {
	spec, err := root.path(path[:len(path)-1]...)
	if err != nil {
		return nil, err
	}
	selector, err := spec.member("selector")
	if err != nil {
		return nil, err
	}
	for key := range selector.object { // a ReplicationController has labels here
		keys = append(keys, key)
	}
	labels, err := selector.member("matchLabels")
	if err != nil {
		return nil, err
	}
	for key := range labels.object {
		keys = append(keys, key)
	}
	expressions, err := selector.elements("matchExpressions")
	for _, e := range expressions {
		keys = append(keys, e.text("key"))
	}
	return keys, err
}

// same tells whether two values are one, whatever the order and the spelling of members.
func same(object map[string]any, old audit.Value) bool {
	if old.Kind() != audit.Object {
		return false
	}
	before, err := readDocument(old)
	return err == nil && string(before.encode()) == string(encode(object))
}

// containerLists are the members of a pod's spec that are lists of containers.
var containerLists = []string{"containers", "initContainers", "ephemeralContainers"}

func containersOf(pod audit.Value) (list []audit.Value) {
	for _, key := range containerLists {
		for c := range pod.Path("spec", key).Elems() {
			list = append(list, c)
		}
	}
	return list
}

// unchanged tells whether the update leaves the image of a container as it is.
func (t *target) unchanged(c *place) bool {
	return slices.ContainsFunc(t.before, func(b audit.Value) bool {
		return b.Get("name").Text() == c.text("name") && b.Get("image").Text() == c.text("image")
	})
}

// listed are the elements of some lists of the pod's spec.
func (t *target) listed(lists ...string) (all []*place, err error) {
	spec, err := t.pod.member("spec")
	if err != nil {
		return nil, err
	}
	for _, key := range lists {
		some, err := spec.elements(key)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
