package watch

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watched runs a watcher over real files and the kernel's notices alone, and returns
// where its word arrives.
func watched(t *testing.T, paths ...string) <-chan []string {
	t.Helper()
	w := New(Config{Paths: paths, Quiet: 20 * time.Millisecond, Poll: time.Hour, Polled: func(cause error) { t.Error(cause) }})
	// The first notices must be in place before the test changes anything.
	ready, arm := make(chan struct{}, 1), w.arm
	w.arm = func() *notices {
		n := arm()
		select {
		case ready <- struct{}{}:
		default:
		}
		return n
	}
	word, done := make(chan []string, 100), make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		w.Run(ctx, func(paths []string) { word <- paths })
	}()
	t.Cleanup(func() { stop(); <-done })
	<-ready
	return word
}

// wait waits until all that changed was told of. On a busy machine a change of two
// files may be told in two parts.
func wait(t *testing.T, word <-chan []string, want ...string) {
	t.Helper()
	late := time.After(20 * time.Second)
	missing := slices.Clone(want)
	for len(missing) > 0 {
		select {
		case got := <-word:
			assert.Subset(t, want, got)
			missing = slices.DeleteFunc(missing, func(p string) bool { return slices.Contains(got, p) })
		case <-late:
			require.Fail(t, "no word of the change", "%v", missing)
		}
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	write(t, path, text)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.Rename(from, to))
}

func link(t *testing.T, target, path string) {
	t.Helper()
	require.NoError(t, os.Symlink(target, path))
}

func TestChangesOfOneFile(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, file string)
	}{
		{"written in place", func(t *testing.T, file string) { write(t, file, "2") }},
		{"renamed over", func(t *testing.T, file string) {
			write(t, file+".tmp", "2")
			rename(t, file+".tmp", file)
		}},
		{"as editors do: away, and a new one", func(t *testing.T, file string) {
			rename(t, file, file+"~")
			write(t, file, "2")
		}},
		{"removed", func(t *testing.T, file string) { require.NoError(t, os.Remove(file)) }},
		{"a link put in its place", func(t *testing.T, file string) {
			write(t, file+".2", "2")
			require.NoError(t, os.Remove(file))
			link(t, file+".2", file)
		}},
		{"its folder swapped", func(t *testing.T, file string) {
			dir := filepath.Dir(file)
			put(t, filepath.Join(dir+".new", filepath.Base(file)), "2")
			rename(t, dir, dir+".old")
			rename(t, dir+".new", dir)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "tls", "tls.crt")
			put(t, file, "1")
			word := watched(t, file)
			tt.change(t, file)
			wait(t, word, file)
		})
	}
}

func TestKubernetesVolumeSwapsItsLink(t *testing.T) {
	dir := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	put(t, at("..2026_1", "tls.crt"), "1")
	put(t, at("..2026_1", "tls.key"), "1")
	link(t, "..2026_1", at("..data"))
	link(t, filepath.Join("..data", "tls.crt"), at("tls.crt"))
	link(t, filepath.Join("..data", "tls.key"), at("tls.key"))
	word := watched(t, at("tls.crt"), at("tls.key"))
	for _, next := range []string{"..2026_2", "..2026_3", "..2026_4"} { // the second swap is told only if the first moved the watch
		put(t, at(next, "tls.crt"), next)
		put(t, at(next, "tls.key"), next)
		link(t, next, at("..data_tmp"))
		before, err := filepath.EvalSymlinks(at("..data"))
		require.NoError(t, err)
		rename(t, at("..data_tmp"), at("..data"))
		require.NoError(t, os.RemoveAll(before))
		wait(t, word, at("tls.crt"), at("tls.key"))
	}
}

func TestFileThatDoesNotExistYet(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "etc", "rules", "a.yaml")
	word := watched(t, file)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700)) // noticed, and nothing to tell
	write(t, file, "1")
	wait(t, word, file)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "etc")))
	wait(t, word, file)
	put(t, file, "2")
	wait(t, word, file)
}

func TestTargetOfALinkChanges(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	target, file := filepath.Join(elsewhere, "deep", "ca.crt"), filepath.Join(dir, "ca.crt")
	put(t, target, "1")
	link(t, filepath.Join(elsewhere, "deep", "..", "deep", "ca.crt"), filepath.Join(dir, "hop"))
	link(t, "hop", file)
	word := watched(t, file)
	write(t, target+".tmp", "2")
	rename(t, target+".tmp", target)
	wait(t, word, file)
}

func TestFolderOfRules(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, filepath.Join(elsewhere, "shared"), "1")
	write(t, at("a.yaml"), "1")
	link(t, filepath.Join(elsewhere, "shared"), at("b.yaml"))
	word := watched(t, dir)

	write(t, at("c.yml"), "1")
	wait(t, word, dir)
	write(t, filepath.Join(elsewhere, "shared"), "2")
	wait(t, word, dir)
	rename(t, at("a.yaml"), at("d.yaml"))
	wait(t, word, dir)
	require.NoError(t, os.Remove(at("c.yml")))
	wait(t, word, dir)
}

func TestWhatChangesNothingIsNotTold(t *testing.T) {
	dir := t.TempDir()
	quiet, loud, rules := filepath.Join(dir, "quiet"), filepath.Join(dir, "loud"), filepath.Join(dir, "rules")
	write(t, quiet, "1")
	put(t, filepath.Join(rules, "a.yaml"), "1")
	word := watched(t, quiet, loud, rules)

	f, err := os.OpenFile(quiet, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("1")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Chmod(quiet, 0o640))
	require.NoError(t, os.Chtimes(quiet, time.Unix(1, 0), time.Unix(1, 0)))
	write(t, filepath.Join(rules, "README"), "not a rule")
	write(t, quiet+".tmp", "1")
	rename(t, quiet+".tmp", quiet)
	write(t, loud, "1")
	wait(t, word, loud)
}

func TestFileThatBecomesAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	below := filepath.Join(file, "below")
	write(t, file, "1")
	word := watched(t, file, below)
	require.NoError(t, os.Remove(file))
	put(t, below, "1")
	wait(t, word, file, below)
}

func TestLinkToItself(t *testing.T) {
	loop := filepath.Join(t.TempDir(), "loop")
	link(t, "loop", loop)
	word := watched(t, loop)
	require.NoError(t, os.Remove(loop))
	write(t, loop, "1")
	wait(t, word, loop)
}
