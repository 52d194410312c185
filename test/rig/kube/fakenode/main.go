// Command fakenode is a node for the API server of test/rig: it registers, renews
// its lease, calls every pod that is put on it running, and answers the kubelet's
// calls: logs, exec, attach, port-forward. No container runs.
//
// It is part of the module of the Kubernetes servers, whose streaming code it
// uses, so that kubectl and WebSocket clients get real streams. Nothing of
// kubewitness comes in here.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	server := flag.String("server", "", "URL of the API server")
	name := flag.String("name", "", "name of the node")
	ca := flag.String("ca", "", "certificate file of the cluster's CA")
	cert := flag.String("cert", "", "certificate file of the node, to log in with and to serve with")
	key := flag.String("key", "", "key file of the node")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *server, *name, *ca, *cert, *key); err != nil {
		log.Fatalf("fakenode: %v", err)
	}
}

func run(ctx context.Context, server, name, ca, cert, key string) error {
	api, err := dial(server, ca, cert, key)
	if err != nil {
		return err
	}
	kubelet, port, err := listen(cert, key)
	if err != nil {
		return err
	}
	defer kubelet.Close()
	n := &node{api: api, name: name, port: port, seen: map[string]bool{}}
	go n.serve(kubelet)
	if err := n.register(ctx); err != nil {
		return err
	}
	log.Printf("node %s is ready, its kubelet listens on port %d", name, port)
	go n.keepLease(ctx)
	n.watchPods(ctx)
	return nil
}
