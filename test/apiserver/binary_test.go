package apiserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// built is the program under test, built once and when first needed.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // a folder of temporary files
	}
	os.Exit(code)
}

// binary is the path of kubewitness.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "kubewitness-apiserver-"); built.err != nil {
			return
		}
		args := []string{"build", "-tags", "failpoint", "-o", built.dir} // which does nothing unless it is told to
		if race {
			args = append(args, "-race")
		}
		cmd := exec.Command("go", append(args, "./cmd/kubewitness")...)
		cmd.Dir = corpora.Root(t)
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "kubewitness")
}
