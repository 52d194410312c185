package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/kube"
	"github.com/kubewitness/kubewitness/pkg/namespace"
)

// watchTimeout bounds a watch of namespaces; the API server ends it earlier by itself.
const watchTimeout = 10 * time.Minute

// namespaces are the labels of the namespaces of clusters, by the cluster's name; an
// admission.Namespaces.
type namespaces map[string]*namespace.Watcher

// newNamespaces makes watchers. Nothing is asked yet: an API server that is not there keeps
// nobody from starting.
func newNamespaces(list []config.Namespaces, logger *slog.Logger) (namespaces, error) {
	all := namespaces{}
	for _, n := range list {
		client, err := kube.Dial(kube.Access{Kubeconfig: n.Kubeconfig, Context: n.Context, Agent: "kubewitness", Timeout: watchTimeout})
		if err != nil {
			return nil, fmt.Errorf("admission.namespaces: cluster %s: %w", n.Cluster, err)
		}
		all[n.Cluster] = namespace.New(namespace.Config{Client: client, Tell: func(err error) {
			if err != nil {
				logger.Warn("labels of namespaces are not known: entries that ask for them warn of nothing and deny nothing where they are not", "cluster", n.Cluster, "error", err)
				return
			}
			logger.Info("labels of namespaces are known", "cluster", n.Cluster)
		}})
	}
	return all, nil
}

// Watches implements admission.Namespaces.
func (n namespaces) Watches(cluster string) bool { return n[cluster] != nil }

// Labels implements admission.Namespaces.
func (n namespaces) Labels(ctx context.Context, cluster, name string) (map[string]string, bool) {
	return n[cluster].Labels(ctx, name)
}

// run watches until the context ends.
func (n namespaces) run(ctx context.Context) error {
	var work sync.WaitGroup
	for _, w := range n {
		work.Go(func() { w.Run(ctx) })
	}
	work.Wait()
	return nil
}

func (n namespaces) export(out metrics) {
	for cluster, w := range n {
		c := w.Counters()
		out.gauge("admission_namespaces", "Namespaces whose labels are known.", float64(c.Known), "cluster", cluster)
		out.gauge("admission_namespaces_failing", "1 while changes of namespaces are not told, and what was known last counts.", truth(!c.Live), "cluster", cluster)
		out.counter("admission_namespaces_asked_total", "Namespaces that were asked for since they were not known yet.", c.Asked, "cluster", cluster)
		out.counter("admission_namespaces_unknown_total", "Reviews of objects in namespaces whose labels could not be known.", c.Unknown, "cluster", cluster)
	}
}
