package field

import (
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classSeen = "The pod that a request is about, as seen before (kw.*)"

// SeenPod is what earlier events have told of the pod that a request is about.
type SeenPod struct {
	UID        string
	Privileged bool     // a container of any kind is
	Images     []string // of all containers, in the order of the spec
	Workload   string   // Kind/name of what it belongs to; "" for none
	Node       string   // that it is bound to; "" while not known
}

// seenTable has the fields of the pod that a request is about, which no request to
// it tells: an exec says where, not into what.
func seenTable() []*Field {
	of := func(name, doc, example string, typ condition.Type, add func(dst []Item, p *SeenPod) []Item) *Field {
		return &Field{Name: name, Class: classSeen, Doc: doc, Example: example, Type: typ, State: condition.OfBefore,
			extract: func(dst []Item, c *Context, _ Arg) []Item {
				if c.Seen == nil {
					return dst
				}
				return add(dst, c.Seen)
			}}
	}
	text := func(dst []Item, s string) []Item {
		if s == "" {
			return dst
		}
		return append(dst, Item{Text: s})
	}
	return []*Field{
		of("kw.pod.privileged", "Whether a container of the pod is privileged.", "ka.target.subresource = exec and kw.pod.privileged = true", condition.TypeBool,
			func(dst []Item, p *SeenPod) []Item { return appendBoolean(dst, p.Privileged) }),
		list(of("kw.pod.images", "Images of the pod's containers of all kinds, as written.", "ka.target.subresource = exec and kw.pod.images intersects (postgres:16)", condition.TypeString,
			func(dst []Item, p *SeenPod) []Item { return addTexts(dst, p.Images) })),
		of("kw.pod.node", "Node that the pod runs on.", "ka.target.subresource = exec and kw.pod.node = control-plane", condition.TypeString,
			func(dst []Item, p *SeenPod) []Item { return text(dst, p.Node) }),
		of("kw.workload", "What the pod belongs to, as Kind/name: Deployment/web of a pod that a ReplicaSet of it made, DaemonSet/agent, Job/backup. Absent of a pod that stands alone.",
			"ka.target.subresource = exec and kw.workload = StatefulSet/db", condition.TypeString,
			func(dst []Item, p *SeenPod) []Item { return text(dst, p.Workload) }),
	}
}
