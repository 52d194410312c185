package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
	streaming "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
)

const (
	idleTimeout     = time.Minute
	creationTimeout = 10 * time.Second
)

var streamProtocols = []string{"v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"}

// listen opens the kubelet's port.
func listen(cert, key string) (net.Listener, int, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, 0, err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return nil, 0, err
	}
	return l, l.Addr().(*net.TCPAddr).Port, nil
}

// serve answers the API server until the listener is closed.
func (n *node) serve(l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", execute)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", forward)
	mux.HandleFunc("/run/{namespace}/{pod}/{container}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "uid=0(root)") })
	mux.HandleFunc("/containerLogs/{namespace}/{pod}/{container}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ready") })
	mux.HandleFunc("/pods", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"kind":"PodList","apiVersion":"v1","items":[]}`)
	})
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("/metrics", func(http.ResponseWriter, *http.Request) {})
	log.Printf("the kubelet's port is closed: %v", http.Serve(l, mux))
}

func execute(w http.ResponseWriter, r *http.Request) {
	opts, err := streaming.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streaming.ServeExec(w, r, containers{}, r.PathValue("pod"), "", r.PathValue("container"), r.Form["command"], opts, idleTimeout, creationTimeout, streamProtocols)
}

func attach(w http.ResponseWriter, r *http.Request) {
	opts, err := streaming.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streaming.ServeAttach(w, r, containers{}, r.PathValue("pod"), "", r.PathValue("container"), opts, idleTimeout, creationTimeout, streamProtocols)
}

func forward(w http.ResponseWriter, r *http.Request) {
	opts, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, containers{}, r.PathValue("pod"), "", opts, idleTimeout, creationTimeout, portforward.SupportedProtocols)
}

// containers stands for all containers: each repeats its command and ends.
type containers struct{}

// ExecInContainer prints the command to whoever ran it.
func (containers) ExecInContainer(_ context.Context, _ string, _ types.UID, _ string, cmd []string, _ io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if out != nil {
		fmt.Fprintln(out, strings.Join(cmd, " "))
	}
	return nil
}

// AttachContainer prints one line and ends.
func (containers) AttachContainer(_ context.Context, _ string, _ types.UID, _ string, _ io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	if out != nil {
		fmt.Fprintln(out, "ready")
	}
	return nil
}

// PortForward answers one line with one HTTP answer.
func (containers) PortForward(_ context.Context, _ string, _ types.UID, _ int32, stream io.ReadWriteCloser) error {
	if _, err := bufio.NewReader(stream).ReadString('\n'); err != nil {
		return err
	}
	_, err := io.WriteString(stream, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
	return err
}
