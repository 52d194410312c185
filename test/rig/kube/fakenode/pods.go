package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"time"
)

// watchPods lists the node's pods and watches them, again and again until the
// context ends: an API server closes every watch after a while, and may restart.
func (n *node) watchPods(ctx context.Context) {
	pause := time.NewTicker(200 * time.Millisecond)
	defer pause.Stop()
	for ctx.Err() == nil {
		if err := n.watchOnce(ctx); err != nil && ctx.Err() == nil {
			log.Printf("watching pods: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
	}
}

func (n *node) watchOnce(ctx context.Context) error {
	path := "/api/v1/pods?fieldSelector=" + url.QueryEscape("spec.nodeName="+n.name)
	list, err := n.api.call(ctx, http.MethodGet, path, plainJSON, nil)
	if err != nil {
		return err
	}
	for _, pod := range items(list, "items") {
		n.sync(ctx, pod)
	}
	resp, err := n.api.open(ctx, http.MethodGet, path+"&watch=true&timeoutSeconds=300&resourceVersion="+
		url.QueryEscape(text(list, "metadata", "resourceVersion")), plainJSON, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for d := json.NewDecoder(resp.Body); ; {
		var event struct {
			Type   string `json:"type"`
			Object any    `json:"object"`
		}
		if err := d.Decode(&event); err != nil {
			return nil // the watch has ended, as all do
		}
		if event.Type == "ADDED" || event.Type == "MODIFIED" {
			n.sync(ctx, event.Object)
		}
	}
}

// sync does what a kubelet would do for a pod, once: run it, or let it go. It does
// not wait for that.
func (n *node) sync(ctx context.Context, pod any) {
	uid := text(pod, "metadata", "uid")
	step := n.run
	if dig(pod, "metadata", "deletionTimestamp") != nil {
		uid, step = uid+" gone", n.remove
	}
	if n.seen[uid] {
		return
	}
	n.seen[uid] = true
	go retry(ctx, podPath(pod), func() error { return step(ctx, pod, podPath(pod)) })
}

// retry tries a few times: the API server needs a moment to know that a pod is
// this node's, and refuses its token until then.
func retry(ctx context.Context, path string, try func() error) {
	pause := time.NewTicker(100 * time.Millisecond)
	defer pause.Stop()
	for left := 50; left > 0; left-- {
		err := try()
		var status *statusError
		if err == nil || ctx.Err() != nil || errors.As(err, &status) && status.code == http.StatusNotFound {
			return // done, or the pod is gone
		}
		if left == 1 {
			log.Printf("%s: %v", path, err)
		}
		<-pause.C
	}
}

func podPath(pod any) string {
	return "/api/v1/namespaces/" + text(pod, "metadata", "namespace") + "/pods/" + text(pod, "metadata", "name")
}

// run asks for the pod's token, as kubelets do, and calls its containers running.
func (n *node) run(ctx context.Context, pod any, path string) error {
	if account := text(pod, "spec", "serviceAccountName"); account != "" {
		tokens := "/api/v1/namespaces/" + text(pod, "metadata", "namespace") + "/serviceaccounts/" + account + "/token"
		_, err := n.api.call(ctx, http.MethodPost, tokens, plainJSON, object{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
			"spec": object{"expirationSeconds": 3607, "boundObjectRef": object{
				"apiVersion": "v1", "kind": "Pod", "name": dig(pod, "metadata", "name"), "uid": dig(pod, "metadata", "uid")}},
		})
		if err != nil {
			return err
		}
	}
	ip, now := n.podIP(), stamp(time.RFC3339)
	var containers []object
	for _, c := range items(pod, "spec", "containers") {
		containers = append(containers, object{"name": dig(c, "name"), "image": dig(c, "image"), "imageID": dig(c, "image"),
			"containerID": "fake://" + text(pod, "metadata", "uid"), "ready": true, "started": true, "restartCount": 0,
			"state": object{"running": object{"startedAt": now}}})
	}
	_, err := n.api.call(ctx, http.MethodPatch, path+"/status", strategicPatch, object{"status": object{
		"phase": "Running", "hostIP": "127.0.0.1", "podIP": ip, "podIPs": []object{{"ip": ip}}, "startTime": now,
		"conditions":        []object{{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}, {"type": "Initialized", "status": "True"}},
		"containerStatuses": containers,
	}})
	return err
}

// remove deletes a pod that was told to go.
func (n *node) remove(ctx context.Context, pod any, path string) error {
	_, err := n.api.call(ctx, http.MethodDelete, path, plainJSON, object{"apiVersion": "v1", "kind": "DeleteOptions",
		"gracePeriodSeconds": 0, "preconditions": object{"uid": dig(pod, "metadata", "uid")}})
	return err
}
