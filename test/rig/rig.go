// Package rig runs a real Kubernetes control plane for the length of a test:
// etcd and kube-apiserver on the loopback interface, with whatever audit policy,
// log file and webhook the test is about; controllers, scheduler and fake nodes
// on demand. It also has traffic to send: ordinary requests, and requests that
// each of our rules is there for.
//
// The servers are built from their Go modules by build.sh, once, and kept outside
// the tree; README.md says where and how long it takes. The main module does not
// depend on Kubernetes for it: kube is a module of its own, and requests go over
// plain HTTP.
//
// Only tests may import this package. It knows nothing of what a test does with
// the events: rules, the durable log and the service stay out of it.
package rig

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// built is what build.sh said, once for all tests of a process.
var built struct {
	once   sync.Once
	dir    string // of the binaries
	report string // what it printed besides
	err    error
}

// Binaries returns the folder of etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler, kubectl and fakenode, and builds them where they are not there
// yet. The test is skipped where the long tests are off; where they are on and
// the servers cannot be built, it fails.
func Binaries(tb testing.TB) string {
	tb.Helper()
	corpora.Integration(tb)
	built.once.Do(func() {
		cmd := exec.Command(filepath.Join(corpora.Root(tb), "test", "rig", "build.sh"))
		var report bytes.Buffer
		cmd.Stderr = &report
		out, err := cmd.Output()
		built.dir, built.report, built.err = strings.TrimSpace(string(out)), report.String(), err
	})
	if built.err != nil {
		tb.Fatalf("rig: the Kubernetes servers cannot be built: %v\n%s", built.err, built.report)
	}
	if _, err := os.Stat(filepath.Join(built.dir, "kube-apiserver")); err != nil {
		tb.Fatalf("rig: %v; delete the folder and run test/rig/build.sh again", err)
	}
	return built.dir
}
