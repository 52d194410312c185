// Package service tests `kubewitness serve` as a process: started, fed, reloaded,
// killed, cut off from its disk and its receiver, and started again.
//
// Only what needs the whole process is tested here; what one package promises is
// tested in that package. Nothing in here is for others to import.
package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long anything may take on a busy machine before a test gives up.
const patience = time.Minute

// builds are the programs, made once for all tests: by build tags.
var (
	builds   = map[string]func() (string, error){}
	buildsMu sync.Mutex
	buildDir string
)

func TestMain(m *testing.M) {
	var err error
	if buildDir, err = os.MkdirTemp("", "kubewitness-service-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(buildDir)
	os.Exit(code)
}

// binary is the program, built with tags.
func binary(t testing.TB, tags string) string {
	t.Helper()
	buildsMu.Lock()
	if builds[tags] == nil {
		builds[tags] = sync.OnceValues(func() (string, error) {
			path := filepath.Join(buildDir, "kubewitness-"+tags)
			cmd := exec.Command("go", "build", "-tags", tags, "-o", path, "../../cmd/kubewitness")
			cmd.Stderr = os.Stderr
			return path, cmd.Run()
		})
	}
	build := builds[tags]
	buildsMu.Unlock()
	path, err := build()
	require.NoError(t, err)
	return path
}

// long skips a test that is too long for `go test ./...`.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("KUBEWITNESS_INTEGRATION") != "1" && os.Getenv("KUBEWITNESS_CRASH") != "1" {
		t.Skip("run by make integration and make crash; or set KUBEWITNESS_INTEGRATION=1")
	}
}

// eventually waits for something that the process does in its own time.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 20*time.Millisecond, what)
}
