package correlate

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// pods are those that events have told of.
type pods struct {
	known *table[pod]
}

type pod struct {
	at   int64 // of the event that told it
	seen field.SeenPod
}

// podNews is what an event tells of a pod.
type podNews struct {
	key  string
	gone bool
	bind bool // only the node is told
	seen field.SeenPod
}

func newPods(memory int64) *pods { return &pods{known: newTable[pod](memory)} }

// note takes what an event tells: of two events that of the later one.
func (p *pods) note(at int64, n *podNews) {
	e := p.known.touch(n.key)
	v := &e.value
	switch {
	case n.gone:
		if at >= v.at {
			p.known.drop(e)
		}
		return
	case n.bind:
		v.seen.Node = n.seen.Node
		if v.at == 0 {
			v.at = 1 // nothing else is known: all that comes is newer
		}
	case at >= v.at:
		node := v.seen.Node
		if v.seen.UID != n.seen.UID && v.seen.UID != "" {
			node = "" // another pod of that name
		}
		v.seen, v.at = n.seen, at
		if v.seen.Node == "" {
			v.seen.Node = node
		}
	}
	p.known.resize(e, v.size())
}

func (v *pod) size() int64 {
	size := int64(len(v.seen.UID) + len(v.seen.Workload) + len(v.seen.Node))
	for _, image := range v.seen.Images {
		size += int64(len(image)) + 16
	}
	return size
}

// of is what is known of the pod that a request is about; nil for nothing.
func (p *pods) of(e *audit.Event) *field.SeenPod {
	ref := e.Root().Get("objectRef")
	if ref.Get("resource").Text() != "pods" || ref.Get("apiGroup").Text() != "" {
		return nil
	}
	known := p.known.get(podKey(e.Cluster, ref.Get("namespace").Text(), ref.Get("name").Text()))
	if known == nil || known.value.at <= 1 {
		return nil
	}
	return &known.value.seen
}

func podKey(cluster, namespace, name string) string {
	return string(appendText(appendText(appendText(nil, cluster), namespace), name))
}

// podNewsOf is what an event tells of a pod; nil for nothing.
func podNewsOf(e *audit.Event) *podNews {
	root := e.Root()
	ref := root.Get("objectRef")
	if ref.Get("resource").Text() != "pods" || e.Stage != "ResponseComplete" || ref.Get("apiGroup").Text() != "" {
		return nil
	}
	if code := root.Path("responseStatus", "code").Text(); !strings.HasPrefix(code, "2") || strings.Contains(root.Get("requestURI").Text(), "dryRun=") {
		return nil
	}
	n := &podNews{key: podKey(e.Cluster, ref.Get("namespace").Text(), ref.Get("name").Text())}
	switch root.Get("verb").Text() {
	case "delete":
		n.gone = ref.Get("subresource").Text() == "" && root.Path("responseObject", "metadata", "deletionGracePeriodSeconds").Text() == "0"
		if n.gone {
			return n
		}
		return nil
	case "create", "update", "patch", "get":
	default:
		return nil
	}
	if ref.Get("subresource").Text() == "binding" {
		n.bind = true
		n.seen.Node = string([]byte(root.Path("requestObject", "target", "name").Text()))
		if n.seen.Node == "" {
			return nil
		}
		return n
	}
	object := root.Get("responseObject")
	if object.Get("kind").Text() != "Pod" {
		if object = root.Get("requestObject"); object.Get("kind").Text() != "Pod" || root.Get("verb").Text() != "create" {
			return nil
		}
	}
	if object.Path("spec", "containers").Len() == 0 {
		return nil
	}
	meta := object.Get("metadata")
	if name := meta.Get("name").Text(); name != "" { // the request of a generateName has none
		n.key = podKey(e.Cluster, ref.Get("namespace").Text(), name)
	}
	n.seen = seenOf(meta, object.Get("spec"))
	return n
}

// mostImages bounds the images that are kept of a pod.
const mostImages = 64

func seenOf(meta, spec audit.Value) field.SeenPod {
	p := field.SeenPod{UID: string([]byte(meta.Get("uid").Text())), Workload: workloadOf(meta), Node: string([]byte(spec.Get("nodeName").Text()))}
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for c := range spec.Get(list).Elems() {
			if yes, _ := c.Path("securityContext", "privileged").Bool(); yes {
				p.Privileged = true
			}
			if image := c.Get("image").Text(); image != "" && len(p.Images) < mostImages {
				p.Images = append(p.Images, limited(image))
			}
		}
	}
	return p
}

// workloadOf is what a pod belongs to. The ReplicaSet of a Deployment has its name,
// with the hash of the pod's template that the pod has as a label.
func workloadOf(meta audit.Value) string {
	for owner := range meta.Get("ownerReferences").Elems() {
		if is, _ := owner.Get("controller").Bool(); !is {
			continue
		}
		kind, name := owner.Get("kind").Text(), limited(owner.Get("name").Text())
		if kind == "ReplicaSet" {
			hash := meta.Path("labels", "pod-template-hash").Text()
			if base, ok := strings.CutSuffix(name, "-"+hash); ok && hash != "" {
				return "Deployment/" + base
			}
		}
		return limited(kind) + "/" + name
	}
	return ""
}
