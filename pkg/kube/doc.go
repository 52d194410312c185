// Package kube asks a Kubernetes API server: who and where is told by a kubeconfig, as
// kubectl reads it, or by the pod that the program runs in.
//
// It is the one place that knows client-go, and takes of it what is hard to do again:
// kubeconfig files, contexts, credential plugins, tokens that are renewed. Objects are whatever
// has a JSON form; a caller declares the members that it needs. There are no caches and
// no typed clients.
//
// What objects mean, and what is to be done with them, stays outside.
package kube
