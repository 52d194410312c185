package deploy_test

import (
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// built is the folder that the build stage leaves its results in, made once for all
// tests of a process.
var built struct {
	once sync.Once
	out  string
	err  error
	log  []byte
}

// runBuildStage runs the commands of the Dockerfile's first stage, over the files that
// a builder would get, with another folder in place of its /out.
func runBuildStage(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		build, _ := finalStage(t)
		src := buildContext(t)
		if built.out, built.err = os.MkdirTemp("", "kubewitness-image-"); built.err != nil {
			return
		}
		for _, in := range build.steps {
			if in.name != "RUN" {
				continue
			}
			cmd := exec.Command("sh", "-c", strings.ReplaceAll(in.rest, "/out/", built.out+"/"))
			cmd.Dir = src
			cmd.Env = append(os.Environ(), "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "GOFLAGS=", "GOWORK=off")
			if built.log, built.err = cmd.CombinedOutput(); built.err != nil {
				return
			}
		}
	})
	require.NoError(t, built.err, string(built.log))
	return built.out
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.out != "" {
		os.RemoveAll(built.out)
	}
	os.Exit(code)
}

// layOut makes the image's root: what the COPY lines of the final stage say, and
// nothing else. The test is skipped without the right to have owners and a chroot.
func layOut(t *testing.T) (root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the image is laid out with its owners, and run in a chroot: only root may; run this test as root")
	}
	out := runBuildStage(t)
	_, final := finalStage(t)
	root = t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	for _, in := range final.steps {
		if in.name == "COPY" {
			args := strings.Fields(in.rest)
			require.Len(t, args, 2, in.rest)
			copyInto(t, root, source(t, out, args[0]), args[1], in.flags["chown"])
		}
	}
	return root
}

// source is where a path of the build stage is here.
func source(t *testing.T, out, file string) string {
	t.Helper()
	if rest, ok := strings.CutPrefix(file, "/out/"); ok {
		return filepath.Join(out, rest)
	}
	require.Equal(t, "/etc/ssl/certs/ca-certificates.crt", file, "it is not known here what this file of the build stage is")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	empty := filepath.Join(t.TempDir(), "none.crt")
	require.NoError(t, os.WriteFile(empty, nil, 0o644))
	return empty
}

// copyInto does what COPY does: of a folder the content is copied, and has the owner.
func copyInto(t *testing.T, root, from, to, owner string) {
	t.Helper()
	info, err := os.Stat(from)
	require.NoError(t, err)
	if !info.IsDir() {
		copyFile(t, from, filepath.Join(root, to), info.Mode(), owner)
		return
	}
	require.True(t, strings.HasSuffix(to, "/"), "%s is a folder: a slash behind its target says so", from)
	require.NoError(t, filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		rel, err := filepath.Rel(from, file)
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		target := filepath.Join(root, to, rel)
		switch {
		case rel == ".":
			require.NoError(t, os.MkdirAll(target, 0o755))
		case d.IsDir():
			require.NoError(t, os.Mkdir(target, info.Mode().Perm()))
			own(t, target, owner)
		default:
			copyFile(t, file, target, info.Mode(), owner)
		}
		return nil
	}))
}

func copyFile(t *testing.T, from, to string, mode fs.FileMode, owner string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.WriteFile(to, b, mode.Perm()))
	own(t, to, owner)
}

func own(t *testing.T, file, owner string) {
	t.Helper()
	user, group := 0, 0
	if owner != "" {
		u, g, ok := strings.Cut(owner, ":")
		require.True(t, ok, owner)
		var err error
		user, err = strconv.Atoi(u)
		require.NoError(t, err)
		group, err = strconv.Atoi(g)
		require.NoError(t, err)
	}
	require.NoError(t, os.Lchown(file, user, group))
}

// inImage is a command in the image: its entry point, as its user, with nothing of
// this machine's files or environment.
func inImage(t *testing.T, root string, args ...string) *exec.Cmd {
	t.Helper()
	_, final := finalStage(t)
	entry := words(final.only(t, "ENTRYPOINT"))
	return &exec.Cmd{
		Path: entry[0], Args: append(entry, args...), Dir: "/", Env: []string{"HOSTNAME=kubewitness-0"},
		SysProcAttr: &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uid, Gid: gid}},
	}
}

// skipWithoutChroot skips where even root may not change its root, as in some sandboxes.
func skipWithoutChroot(t *testing.T, root string) {
	t.Helper()
	if err := inImage(t, root, "--help").Run(); err != nil && os.IsPermission(err) {
		t.Skipf("chroot and another user are refused here: %v", err)
	}
}

// files lists all files under a root but for those under the volume.
func files(t *testing.T, root, volume string) (list []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		rel := strings.TrimPrefix(file, root)
		if rel == volume {
			return fs.SkipDir
		}
		if !d.IsDir() {
			list = append(list, rel)
		}
		return nil
	}))
	return list
}

// TestImage holds what is in the image and whose it is.
func TestImage(t *testing.T) {
	root := layOut(t)
	_, final := finalStage(t)
	volume := words(final.only(t, "VOLUME"))[0]
	assert.Equal(t, []string{"/etc/ssl/certs/ca-certificates.crt", "/usr/local/bin/kubewitness"}, files(t, root, volume))

	require.NoError(t, filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		st := info.Sys().(*syscall.Stat_t)
		owner := [2]uint32{st.Uid, st.Gid}
		if strings.TrimPrefix(file, root) == volume {
			assert.Equal(t, [2]uint32{uid, gid}, owner, "the volume is the user's")
			assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
			return nil
		}
		assert.Equal(t, [2]uint32{0, 0}, owner, file)
		assert.Zero(t, info.Mode().Perm()&0o022, "%s can be written to by others than root", file)
		assert.Zero(t, info.Mode()&(fs.ModeSetuid|fs.ModeSetgid), file)
		return nil
	}))

	bin, err := elf.Open(filepath.Join(root, words(final.only(t, "ENTRYPOINT"))[0]))
	require.NoError(t, err)
	defer bin.Close()
	libs, err := bin.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libs)
	for _, p := range bin.Progs {
		assert.NotEqual(t, elf.PT_INTERP, p.Type, "the binary wants a loader, which is not there")
	}
}

// TestImageRules runs a command that needs nothing but the binary.
func TestImageRules(t *testing.T) {
	root := layOut(t)
	skipWithoutChroot(t, root)
	out, err := inImage(t, root, "rules", "list").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "Exec or Attach to Pod")
}

// TestImageServes runs the service in the image, as `docker run` would, and ends it.
func TestImageServes(t *testing.T) {
	root := layOut(t)
	skipWithoutChroot(t, root)
	s := start(t, inImage(t, root, "serve", "--insecure", "--webhook-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
		"--default-cluster", "here", "--stdout", "--log-format", "json"))
	assert.Equal(t, "ok\n", s.get(t, "/readyz"))
	assert.Regexp(t, `^stored \d+, known 0, no events 0\n$`, s.send(t, nil, "http", "/", sample(t)))
	assert.NotEmpty(t, s.detection(t)["rule"])
	s.stop(t)
	_, final := finalStage(t)
	assert.Len(t, files(t, root, words(final.only(t, "VOLUME"))[0]), 2, "something was written outside of the volume")
}

// TestImageServesAsInTheCluster runs what the StatefulSet runs, in the image, with its
// configuration and certificates where and how a kubelet would mount them.
func TestImageServesAsInTheCluster(t *testing.T) {
	root := layOut(t)
	skipWithoutChroot(t, root)
	certs := certificates(t, "127.0.0.1", "kubewitness.kubewitness.svc")
	set := manifest(t, "base/statefulset.yaml", "StatefulSet")
	container := at(set, "spec", "template", "spec", "containers", 0)
	for name, sources := range map[string][]string{
		"config": {manifestPath(t, "base/kubewitness.yaml")},
		"tls":    {filepath.Join(certs, "ca.crt"), filepath.Join(certs, "tls.crt"), filepath.Join(certs, "tls.key")},
	} {
		folder := mountPath(t, container, name)
		for _, file := range sources {
			to := filepath.Join(root, folder, filepath.Base(file))
			copyFile(t, file, to, 0o440, "0:65532") // a Secret's mode, with the group that is fsGroup
		}
	}
	var args []string
	for _, a := range all(container, "args") {
		args = append(args, a.(string))
	}
	cmd := inImage(t, root, args...)
	cmd.Env = append(cmd.Env, "KUBEWITNESS_WEBHOOK_LISTEN=127.0.0.1:0", "KUBEWITNESS_HTTP_LISTEN=127.0.0.1:0")
	s := start(t, cmd)
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		assert.Equal(t, "ok\n", s.get(t, at(container, probe, "httpGet", "path").(string)), probe)
	}
	apiserver := mutualTLS(t, certs, "kube-apiserver-prod")
	assert.Regexp(t, `^stored \d+, known 0, no events 0\n$`, s.send(t, apiserver, "https", "/audit/prod?timeout=30s", sample(t)))
	assert.NotEmpty(t, s.detection(t)["rule"])
	assert.Contains(t, s.get(t, "/metrics"), `kubewitness_ingest_events_total{cluster="prod",source="webhook"}`)
	s.stop(t)
}
