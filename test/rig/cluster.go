package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Options say what to run.
type Options struct {
	Policy      string   // audit policy file; "": every request, with both bodies
	Webhook     string   // kubeconfig file of the audit webhook; "": none
	NoAudit     bool     // no flags about audit events at all
	Flags       []string // further flags of kube-apiserver, such as --audit-webhook-batch-max-wait=1s
	Controllers bool     // run kube-controller-manager and kube-scheduler too
	Nodes       int      // fake nodes, named node-1, node-2, ...
}

// Cluster is a running control plane. Its servers end with the test.
type Cluster struct {
	Server     string // URL of the API server, on the loopback interface
	Dir        string // the test's folder, with the logs of all servers
	AuditLog   string // file of audit events, one a line; there once the first is written
	Kubeconfig string // of an administrator (system:masters)
	CA         string // file of the certificate that the API server's own is signed with

	tb      testing.TB
	opts    Options
	bin     string // folder of the binaries
	ca      *Authority
	admin   *Client
	users   int // certificates issued so far
	ports   ports
	keys    keys
	etcd    *Process
	api     *Process
	helpers []*Process // controllers, scheduler, nodes
}

// keys are the files that the servers are started with.
type keys struct {
	server, kubelet, admin Identity
	tokens, tokensPublic   string // of service accounts
}

// ports are chosen before the servers listen on them.
type ports struct{ api, etcd, peer int }

const (
	readyWithin = 90 * time.Second // a start takes 3 to 10 s; a machine may be busy
	pollEvery   = 50 * time.Millisecond
	tailLines   = 25
)

// Admin names the administrator. The rules know the name: what it does is
// part of setting a cluster up.
const Admin = "kubernetes-super-admin"

// Start runs a cluster until the test ends and returns when it is ready. The test
// is skipped, or fails, as [Binaries] says.
func Start(tb testing.TB, opts Options) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb, opts: opts, bin: Binaries(tb), Dir: tb.TempDir()}
	c.AuditLog = filepath.Join(c.Dir, "audit.log")
	tb.Cleanup(c.stop)
	c.makeKeys()
	c.boot()
	if opts.Controllers {
		c.startControllers()
	}
	for i := range opts.Nodes {
		c.startNode("node-" + strconv.Itoa(i+1))
	}
	return c
}

func (c *Cluster) makeKeys() {
	c.ca = NewAuthority(c.tb, c.Dir, "ca")
	c.CA = c.ca.File
	c.keys.server = c.ca.Issue("apiserver", "kube-apiserver")
	c.keys.kubelet = c.ca.Issue("kubelet-client", "kube-apiserver-kubelet-client")
	c.keys.admin = c.ca.Issue("admin", Admin, "system:masters")
	c.keys.tokens, c.keys.tokensPublic = signingKey(c.tb, c.Dir)
	if c.opts.Policy == "" {
		c.opts.Policy = c.write("everything.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n")
	}
}

// boot starts etcd and the API server. A port that somebody else took meanwhile
// is reason to try others.
func (c *Cluster) boot() {
	c.tb.Helper()
	for attempt := 1; ; attempt++ {
		c.ports = freePorts(c.tb)
		c.Server = "https://127.0.0.1:" + strconv.Itoa(c.ports.api)
		c.Kubeconfig = c.kubeconfig("admin", c.keys.admin)
		c.admin = c.connect(c.keys.admin)
		c.etcd = spawn(c.tb, c.Dir, c.program("etcd"), c.etcdFlags()...)
		c.api = spawn(c.tb, c.Dir, c.program("kube-apiserver"), c.apiFlags()...)
		err := c.awaitReady()
		if err == nil {
			return
		}
		logs := c.etcd.Tail(tailLines) + "\n" + c.api.Tail(tailLines)
		if attempt == 3 || !strings.Contains(logs, "address already in use") {
			c.tb.Fatalf("rig: %v\n%s", err, logs)
		}
		c.api.Kill()
		c.etcd.Kill()
	}
}

// awaitReady waits until the API server says so itself.
func (c *Cluster) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	return c.poll(ctx, "kube-apiserver is not ready", func() bool {
		r, err := c.admin.Do(ctx, Request{Method: http.MethodGet, Path: "/readyz"})
		return err == nil && r.Code == http.StatusOK
	})
}

// poll asks again and again until the answer is yes, the time is over, or a
// server has ended.
func (c *Cluster) poll(ctx context.Context, what string, done func() bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !done() {
		if c.etcd.Ended() || c.api.Ended() {
			return fmt.Errorf("%s: a server has ended", what)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

func (c *Cluster) startControllers() {
	manager := c.kubeconfig("controller-manager", c.ca.Issue("controller-manager", "system:kube-controller-manager"))
	scheduler := c.kubeconfig("scheduler", c.ca.Issue("scheduler", "system:kube-scheduler"))
	c.helpers = append(c.helpers,
		spawn(c.tb, c.Dir, c.program("kube-controller-manager"), c.managerFlags(manager)...),
		spawn(c.tb, c.Dir, c.program("kube-scheduler"), "--kubeconfig="+scheduler, "--secure-port=0", "--leader-elect=false"))
}

// startNode starts a node and returns when the API server knows its kubelet.
func (c *Cluster) startNode(name string) {
	c.tb.Helper()
	id := c.ca.Issue(name, "system:node:"+name, "system:nodes")
	p := spawn(c.tb, c.Dir, c.program("fakenode"), "-server="+c.Server, "-name="+name, "-ca="+c.CA, "-cert="+id.CertFile, "-key="+id.KeyFile)
	c.helpers = append(c.helpers, p)
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	err := c.poll(ctx, name+" does not come", func() bool {
		r, err := c.admin.Do(ctx, Request{Method: http.MethodGet, Path: "/api/v1/nodes/" + name})
		return p.Ended() || err == nil && strings.Contains(string(r.Body), `"daemonEndpoints":{"kubeletEndpoint":{"Port":`) &&
			!strings.Contains(string(r.Body), `{"Port":0}`)
	})
	if err != nil || p.Ended() {
		c.tb.Fatalf("rig: node %s: %v\n%s", name, err, p.Tail(tailLines))
	}
}

// StopAPIServer ends the API server as an administrator would, and waits: events
// that it still holds go to the webhook first, or are given up. It fails the test
// when that takes more than the time given.
func (c *Cluster) StopAPIServer(within time.Duration) {
	c.tb.Helper()
	if !c.api.Stop(within) {
		c.tb.Fatalf("rig: kube-apiserver did not end within %s\n%s", within, c.api.Tail(tailLines))
	}
}

// KillAPIServer ends the API server as a crash would.
func (c *Cluster) KillAPIServer() { c.api.Kill() }

// StartAPIServer starts the API server again, on the same port, and waits until
// it is ready. Flags that come twice count as given here.
func (c *Cluster) StartAPIServer(flags ...string) {
	c.tb.Helper()
	c.api = spawn(c.tb, c.Dir, c.program("kube-apiserver"), append(c.apiFlags(), flags...)...)
	if err := c.awaitReady(); err != nil {
		c.tb.Fatalf("rig: %v\n%s", err, c.api.Tail(tailLines))
	}
}

// Kubectl runs kubectl as the administrator and returns what it printed, to both
// outputs.
func (c *Cluster) Kubectl(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program("kubectl"), append([]string{"--kubeconfig=" + c.Kubeconfig, "--cache-dir=" + filepath.Join(c.Dir, "kubectl")}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+c.Dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// stop ends everything, last started first, and shows the logs of a test that
// failed.
func (c *Cluster) stop() {
	all := []*Process{c.etcd, c.api}
	all = append(all, c.helpers...)
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		if p == nil {
			continue
		}
		p.Stop(grace)
		if c.tb.Failed() {
			c.tb.Log(p.Tail(tailLines))
		}
	}
}

func (c *Cluster) program(name string) string { return filepath.Join(c.bin, name) }

func (c *Cluster) write(name, text string) string {
	path := filepath.Join(c.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.tb.Fatalf("rig: %v", err)
	}
	return path
}

// kubeconfig writes NAME.kubeconfig for somebody with a certificate.
func (c *Cluster) kubeconfig(name string, id Identity) string {
	type m = map[string]any
	b, err := json.Marshal(m{
		"apiVersion": "v1", "kind": "Config", "current-context": "rig",
		"clusters": []m{{"name": "rig", "cluster": m{"server": c.Server, "certificate-authority": c.CA}}},
		"users":    []m{{"name": name, "user": m{"client-certificate": id.CertFile, "client-key": id.KeyFile}}},
		"contexts": []m{{"name": "rig", "context": m{"cluster": "rig", "user": name}}},
	})
	if err != nil {
		c.tb.Fatalf("rig: %v", err)
	}
	return c.write(name+".kubeconfig", string(b))
}

// freePorts finds ports that nobody listens on.
func freePorts(tb testing.TB) ports {
	var free [3]int
	for i := range free {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatalf("rig: %v", err)
		}
		defer l.Close() // together, so that no port comes twice
		free[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports{api: free[0], etcd: free[1], peer: free[2]}
}
