package server

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCgroupLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		self  string
		files map[string]string
		want  int64
	}{
		"version 2":                    {"0::/a/b\n", map[string]string{"a/b/memory.max": "1000\n"}, 1000},
		"the parent's is less":         {"0::/a/b\n", map[string]string{"a/b/memory.max": "1000", "a/memory.max": "900"}, 900},
		"no limit":                     {"0::/a\n", map[string]string{"a/memory.max": "max\n"}, 0},
		"the host's path":              {"0::/kubepods/pod1\n", map[string]string{"memory.max": "500"}, 500},
		"version 1":                    {"5:cpu,cpuacct:/x\n4:memory:/x\n", map[string]string{"memory/x/memory.limit_in_bytes": "700"}, 700},
		"version 1, none":              {"4:memory:/\n", map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712"}, 0},
		"both, version 1 has the file": {"4:memory:/x\n0::/x\n", map[string]string{"memory/x/memory.limit_in_bytes": "700"}, 700},
		"nonsense":                     {"what\n", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			self := filepath.Join(dir, "self")
			require.NoError(t, os.WriteFile(self, []byte(tt.self), 0o600))
			mount := filepath.Join(dir, "cgroup")
			for file, content := range tt.files {
				path := filepath.Join(mount, file)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			}
			assert.Equal(t, tt.want, cgroupLimit(self, mount))
		})
	}
	assert.Zero(t, cgroupLimit(filepath.Join(t.TempDir(), "none"), "/nowhere"))
}
