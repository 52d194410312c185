package admission

import (
	"context"

	"github.com/kubewitness/kubewitness/pkg/scope"
)

// Namespaces knows the labels of namespaces. It is safe for concurrent use, and soon done: a review
// waits for it.
type Namespaces interface {
	// Watches tells whether labels of a cluster's namespaces are to be known.
	Watches(cluster string) bool
	// Labels gives the labels of a namespace, which are not changed; known is false where nothing
	// is known of them, though it should be.
	Labels(ctx context.Context, cluster, name string) (labels map[string]string, known bool)
}

// maxLabels is how many bytes of JSON the labels of a namespace may have in an event; more are
// not known. Real ones have some hundreds.
const maxLabels = 16 << 10

// lookUp finds the labels of the namespace that a review is about. A Namespace has its own.
func (h *Handler) lookUp(ctx context.Context, rv *review, cluster string) {
	t := &rv.target
	if h.cfg.Namespaces == nil || !h.cfg.Namespaces.Watches(cluster) || t.namespace == "" || t.resource == "namespaces" && t.group == "" {
		return
	}
	rv.labels = scope.LabelsUnknown
	if labels, known := h.cfg.Namespaces.Labels(ctx, cluster, t.namespace); known {
		if text := marshal(labels); len(text) <= maxLabels {
			rv.labels = string(text)
		}
	}
}
