package deploy_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// instruction is a line of a Dockerfile: its name, its --flags, and the rest.
type instruction struct {
	name  string
	flags map[string]string
	rest  string
}

// stage is what begins with FROM.
type stage struct {
	base  string
	name  string
	steps []instruction
}

// dockerfile reads the Dockerfile at the root.
func dockerfile(t *testing.T) (stages []stage) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "Dockerfile"))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(b), "\\\n", "")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		in := instruction{flags: map[string]string{}}
		in.name, in.rest, _ = strings.Cut(line, " ")
		for in.rest = strings.TrimSpace(in.rest); strings.HasPrefix(in.rest, "--"); in.rest = strings.TrimSpace(in.rest) {
			var flag string
			flag, in.rest, _ = strings.Cut(in.rest, " ")
			name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
			in.flags[name] = value
		}
		if in.name == "FROM" {
			f := strings.Fields(in.rest)
			stages = append(stages, stage{base: f[0]})
			if len(f) == 3 {
				stages[len(stages)-1].name = f[2]
			}
			continue
		}
		require.NotEmpty(t, stages, "%s stands before FROM", line)
		last := &stages[len(stages)-1]
		last.steps = append(last.steps, in)
	}
	return stages
}

// finalStage returns the stage that becomes the image, and the one that it copies from.
func finalStage(t *testing.T) (build, final stage) {
	t.Helper()
	stages := dockerfile(t)
	require.Len(t, stages, 2)
	return stages[0], stages[1]
}

// only returns what the one instruction of a name says.
func (s stage) only(t *testing.T, name string) string {
	t.Helper()
	var found []string
	for _, in := range s.steps {
		if in.name == name {
			found = append(found, in.rest)
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

// words returns the texts of a JSON array of an instruction.
func words(text string) (list []string) {
	for _, w := range strings.Split(strings.Trim(text, "[]"), ",") {
		list = append(list, strings.Trim(strings.TrimSpace(w), `"`))
	}
	return list
}

// user and group that the image runs as.
const (
	uid = 65532
	gid = 65532
)

func TestDockerfile(t *testing.T) {
	build, final := finalStage(t)
	assert.Equal(t, "scratch", final.base, "nothing but what is copied is in the image")
	for _, in := range final.steps {
		assert.Contains(t, []string{"COPY", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD"}, in.name)
		if in.name == "COPY" {
			assert.Equal(t, build.name, in.flags["from"], "%s: from the machine that builds", in.rest)
		}
	}
	assert.Equal(t, "65532:65532", final.only(t, "USER"), "in numbers: runAsNonRoot cannot see what a name means")
	assert.Equal(t, []string{"/var/lib/kubewitness"}, words(final.only(t, "VOLUME")))
	assert.Equal(t, []string{"/usr/local/bin/kubewitness"}, words(final.only(t, "ENTRYPOINT")))
	assert.Equal(t, []string{"serve"}, words(final.only(t, "CMD")))

	mod, err := os.ReadFile(filepath.Join(corpora.Root(t), "go.mod"))
	require.NoError(t, err)
	for line := range strings.Lines(string(mod)) {
		if v, ok := strings.CutPrefix(line, "go "); ok {
			minor := strings.Join(strings.Split(strings.TrimSpace(v), ".")[:2], ".")
			assert.Equal(t, "golang:"+minor, build.base)
		}
	}
}

// ignored tells whether a path is left out of what the builder gets.
func ignored(t *testing.T, patterns []string, file string) bool {
	segments := strings.Split(file, "/")
	out := false
	for _, p := range patterns {
		p, keep := strings.CutPrefix(p, "!")
		deep, anywhere := strings.CutPrefix(p, "**/")
		require.NotContains(t, deep, "/", "pattern %q: of a kind that is not read here", p)
		among := segments[:1]
		if anywhere {
			among = segments
		}
		for _, s := range among {
			if ok, err := path.Match(deep, s); err == nil && ok {
				out = !keep
			}
		}
	}
	return out
}

// buildContext copies what `docker build .` would send to the builder.
func buildContext(t *testing.T) string {
	t.Helper()
	root, dir := corpora.Root(t), t.TempDir()
	b, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	require.NoError(t, err)
	var patterns []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			patterns = append(patterns, line)
		}
	}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, e := range entries {
		if ignored(t, patterns, e.Name()) {
			continue
		}
		require.NoError(t, filepath.WalkDir(filepath.Join(root, e.Name()), func(file string, d os.DirEntry, err error) error {
			rel, relErr := filepath.Rel(root, file)
			if err != nil || relErr != nil || d.IsDir() || ignored(t, patterns, filepath.ToSlash(rel)) {
				return err
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(rel)), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, rel), content, 0o644)
		}))
	}
	return dir
}

// TestBuildContext: neither keys nor history go to the builder, or into a layer.
func TestBuildContext(t *testing.T) {
	entries, err := os.ReadDir(buildContext(t))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	assert.Equal(t, []string{"cmd", "go.mod", "go.sum", "pkg", "rules"}, names)
}
