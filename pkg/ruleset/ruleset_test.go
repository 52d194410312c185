package ruleset_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

func rule(name, priority, condition string) string {
	return "- {rule: " + name + ", desc: d, source: k8s_audit, priority: " + priority + ", condition: " + condition + ", output: x}\n"
}

// folder writes files and gives where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir
}

func names(s *ruleset.Set) (names []string) {
	for _, r := range s.Rules.Rules {
		names = append(names, r.Name)
	}
	return names
}

// TestFiles: files in the order in which they are named, those of a folder by
// name, and of it only what is a rules file, without tests.
func TestFiles(t *testing.T) {
	dir := folder(t, map[string]string{
		"20.yaml": "b", "10.yml": "a", "30.YAML": "c", "notes.txt": "x", "40.yaml.off": "x", "deeper/50.yaml": "x", ".yaml.d/60.yaml": "x", "single": "s",
		"20_test.yaml": "x", "10_test.yml": "x",
	})
	files, err := ruleset.Files([]string{filepath.Join(dir, "single"), dir, filepath.Join(dir, "20.yaml")})
	require.NoError(t, err)
	var got []string
	for _, f := range files {
		require.NoError(t, f.Err)
		got = append(got, filepath.Base(f.Name)+" "+string(f.Content))
	}
	assert.Equal(t, []string{"single s", "10.yml a", "20.yaml b", "30.YAML c", "20.yaml b"}, got)
}

func TestFilesErrors(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": "", "none/notes.txt": ""})
	_, err := ruleset.Files([]string{filepath.Join(dir, "a.yaml"), filepath.Join(dir, "missing.yaml")})
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "missing.yaml")
	_, err = ruleset.Files([]string{filepath.Join(dir, "none")})
	require.EqualError(t, err, filepath.Join(dir, "none")+": no *.yaml or *.yml files in this folder")
}

// TestUnreadableFile: a file that is there and can not be read is a result
// like another, so that the others are told too.
func TestUnreadableFile(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": rule("a", "INFO", "ka.verb = get"), "c.yaml": "- rule: [\n"})
	require.NoError(t, os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "b.yaml")))
	set, err := ruleset.Load(ruleset.Options{Paths: []string{dir}, MinPriority: rules.Debug})
	require.ErrorIs(t, err, ruleset.ErrInvalid)
	require.Len(t, set.Results, 3)
	assert.True(t, set.Results[0].Successful)
	require.Len(t, set.Results[1].Errors, 1)
	assert.Equal(t, rules.ErrFileRead, set.Results[1].Errors[0].Code)
	assert.Equal(t, rules.ErrYAMLParse, set.Results[2].Errors[0].Code)
	assert.Nil(t, set.Rules)
}

// TestOurs: without a path there are our own rules, in both modes.
func TestOurs(t *testing.T) {
	for _, strict := range []bool{false, true} {
		set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug, Strict: strict})
		require.NoError(t, err)
		for _, r := range set.Results {
			assert.True(t, r.Successful, "%s", r.Text())
			assert.Equal(t, "builtin", filepath.Dir(r.Name))
		}
		assert.NotEmpty(t, set.Rules.Rules)
		_, err = set.Matcher(false, nil)
		require.NoError(t, err)
	}
}

func TestMinPriority(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": rule("debug", "DEBUG", "ka.verb = get") + rule("error", "ERROR", "ka.verb = get") + rule("emergency", "EMERGENCY", "ka.verb = get")})
	for p, want := range map[rules.Priority][]string{
		rules.Debug: {"debug", "error", "emergency"}, rules.Informational: {"error", "emergency"}, rules.Error: {"error", "emergency"},
		rules.Critical: {"emergency"}, rules.Emergency: {"emergency"},
	} {
		set, err := ruleset.Load(ruleset.Options{Paths: []string{dir}, MinPriority: p})
		require.NoError(t, err)
		assert.Equal(t, want, names(set), p.String())
	}
}

// TestOrder: files are one after the other; a later one changes a rule in its
// place.
func TestOrder(t *testing.T) {
	dir := folder(t, map[string]string{
		"first.yaml":  rule("a", "INFO", "ka.verb = get") + rule("b", "INFO", "ka.verb = get"),
		"second.yaml": rule("c", "INFO", "ka.verb = get") + "- {rule: a, condition: and ka.user.name = x, override: {condition: append}}\n",
	})
	first, second := filepath.Join(dir, "first.yaml"), filepath.Join(dir, "second.yaml")
	set, err := ruleset.Load(ruleset.Options{Paths: []string{first, second}, MinPriority: rules.Debug})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, names(set))
	assert.Equal(t, "ka.verb = get and ka.user.name = x", set.Rules.Rules[0].ConditionText)
	_, err = ruleset.Load(ruleset.Options{Paths: []string{second, first}, MinPriority: rules.Debug})
	assert.ErrorIs(t, err, ruleset.ErrInvalid, "there is nothing yet to append to")
}

// TestStrictCatalogue: Falco has no kw.* fields.
func TestStrictCatalogue(t *testing.T) {
	files := []rules.File{{Name: "a.yaml", Content: []byte(rule("ours", "INFO", "kw.level = Metadata"))}}
	set, err := ruleset.Compile(files, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	assert.Equal(t, []string{"ours"}, names(set))
	set, err = ruleset.Compile(files, ruleset.Options{MinPriority: rules.Debug, Strict: true})
	require.ErrorIs(t, err, ruleset.ErrInvalid)
	assert.Contains(t, set.Results[0].Text(), "nonexistent field kw.level")
}

// TestMatcher: a field that is appended must be one, in this mode.
func TestMatcher(t *testing.T) {
	files := []rules.File{{Name: "a.yaml", Content: []byte(rule("a", "INFO", "ka.verb = get"))}}
	for _, strict := range []bool{false, true} {
		set, err := ruleset.Compile(files, ruleset.Options{MinPriority: rules.Debug, Strict: strict})
		require.NoError(t, err)
		_, err = set.Matcher(true, []string{"evt.num", "ka.uri.param[x]"})
		require.NoError(t, err)
		_, err = set.Matcher(true, []string{"kw.level"})
		assert.Equal(t, strict, err != nil)
		_, err = set.Matcher(true, []string{"ka.nothing"})
		assert.ErrorContains(t, err, "ka.nothing")
	}
}
