package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"sync/atomic"
	"time"
)

// How often the lease is renewed. A node whose lease is older than 40 s counts
// as lost.
const leasePeriod = 10 * time.Second

// node is the node and its kubelet.
type node struct {
	api  *api
	name string
	port int             // of the kubelet
	seen map[string]bool // what was done for which pod, by watchPods alone
	ips  atomic.Int64    // addresses given to pods
}

// register creates the node, which may be there from an earlier run, and tells
// where its kubelet is.
func (n *node) register(ctx context.Context) error {
	_, err := n.api.call(ctx, http.MethodPost, "/api/v1/nodes", plainJSON, object{
		"apiVersion": "v1", "kind": "Node",
		"metadata": object{"name": n.name, "labels": object{"kubernetes.io/hostname": n.name, "kubernetes.io/os": "linux"}},
	})
	if err != nil && !isConflict(err) {
		return err
	}
	_, err = n.api.call(ctx, http.MethodPatch, "/api/v1/nodes/"+n.name+"/status", mergePatch, n.status())
	if err != nil {
		return err
	}
	_, err = n.api.call(ctx, http.MethodPost, leases, plainJSON, object{
		"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": object{"name": n.name}, "spec": n.lease(),
	})
	if isConflict(err) {
		return nil
	}
	return err
}

// isConflict tells of an object that exists already.
func isConflict(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.code == http.StatusConflict
}

func (n *node) status() object {
	size := object{"cpu": "16", "memory": "64Gi", "pods": "500", "ephemeral-storage": "100Gi"}
	var conditions []object
	for _, c := range []struct{ kind, status string }{{"Ready", "True"}, {"MemoryPressure", "False"}, {"DiskPressure", "False"}, {"PIDPressure", "False"}} {
		conditions = append(conditions, object{"type": c.kind, "status": c.status, "reason": "FakeNode", "message": "by test/rig",
			"lastHeartbeatTime": stamp(time.RFC3339), "lastTransitionTime": stamp(time.RFC3339)})
	}
	return object{"status": object{
		"capacity": size, "allocatable": size, "conditions": conditions,
		"addresses":       []object{{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": n.name}},
		"daemonEndpoints": object{"kubeletEndpoint": object{"Port": n.port}},
		"nodeInfo": object{"architecture": "amd64", "operatingSystem": "linux", "osImage": "fake", "kernelVersion": "fake", "bootID": "fake", "machineID": "fake",
			"systemUUID": "fake", "containerRuntimeVersion": "fake://0", "kubeletVersion": "v1.35.4", "kubeProxyVersion": "v1.35.4"},
	}}
}

const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

func (n *node) lease() object {
	return object{"holderIdentity": n.name, "leaseDurationSeconds": 40, "renewTime": stamp("2006-01-02T15:04:05.000000Z07:00")}
}

// keepLease renews the lease until the context ends.
func (n *node) keepLease(ctx context.Context) {
	tick := time.NewTicker(leasePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := n.api.call(ctx, http.MethodPatch, leases+"/"+n.name, mergePatch, object{"spec": n.lease()}); err != nil {
			log.Printf("the lease is not renewed: %v", err)
		}
	}
}

func stamp(layout string) string { return time.Now().UTC().Format(layout) }

func (n *node) podIP() string {
	i := n.ips.Add(1)
	return fmt.Sprintf("10.52.%d.%d", i/250%250, i%250+2)
}
