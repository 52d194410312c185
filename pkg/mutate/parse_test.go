package mutate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
	"github.com/kubewitness/kubewitness/test/corpora"
)

func TestProblemsOfAFile(t *testing.T) {
	entry := func(action string) string { return "mutate:\n  - name: a\n    " + action + "\n" }
	for _, tt := range []struct{ name, file, want string }{
		{"an unknown key", "mutation: []\n", `f.yaml:1:1: "mutation" is no key here; there are mutate`},
		{"an unknown key of an entry", entry("label: {a: b}"), `f.yaml:3:5: "label" is no key here; did you mean "labels"?`},
		{"no action", "mutate:\n  - name: a\n", "f.yaml:2:5: does nothing; write one of labels, annotations, "},
		{"no name", "mutate:\n  - labels: {add: {a: b}}\n", "f.yaml:2:5: has no name; events and metrics tell by it who did something"},
		{"a name with a comma", "mutate:\n  - {name: 'a, b', labels: {add: {a: b}}}\n", "f.yaml:2:12: is no name; write at most 100 bytes in a line, without a comma"},
		{"a name twice", entry("labels: {add: {a: b}}") + "  - {name: a, labels: {add: {a: b}}}\n", `f.yaml:4:5: "a" is the name of an entry above; write another`},
		{"a field that is not there", entry("condition: ka.nothing = x\n    labels: {add: {a: b}}"), "f.yaml:3:16: condition, 1:1: filter_check called with nonexistent field ka.nothing"},
		{"a macro that is not there", entry("condition: nothing\n    labels: {add: {a: b}}"), "f.yaml:3:16: condition, 1:1: Undefined macro 'nothing'"},
		{"no syntax", entry("condition: ka.verb =\n    labels: {add: {a: b}}"), "f.yaml:3:16: condition, 1:10"},
		{"what several events tell", entry("condition: kw.correlation.count > 1\n    labels: {add: {a: b}}"), "f.yaml:3:16: condition, 1:1: "},
		{"labels without a word", entry("labels: {a: b}"), `f.yaml:3:14: "a" is no key here; there are add, overwrite`},
		{"labels that are empty", entry("labels: {}"), "f.yaml:3:13: does nothing; write add: {NAME: VALUE}, or overwrite"},
		{"a label in both", entry("labels: {add: {a: b}, overwrite: {a: c}}"), `f.yaml:3:13: "a" is under add and under overwrite; take one away`},
		{"no key of a label", entry("labels: {add: {a b: c}}"), `f.yaml:3:20: "a b" is no name of a label or an annotation; write letters, digits, - _ and ., perhaps a domain and a slash before them`},
		{"no domain", entry("annotations: {add: {A_/b: c}}"), `f.yaml:3:25: "A_/b" is no name of a label or an annotation`},
		{"no value of a label", entry("pod_labels: {add: {a: b c}}"), `f.yaml:3:27: "b c" is no value of a label; write at most 63`},
		{"no text", entry("annotations: {add: {a: [b]}}"), `f.yaml:3:28: is no text; write one`},
		{"a container without a name", entry("containers: [{image: a}]"), "f.yaml:3:18: has no name"},
		{"a container without an image", entry("containers: [{name: a}]"), "f.yaml:3:18: has no image"},
		{"a container twice", entry("init_containers: [{name: a, image: b}, {name: a, image: b}]"), `f.yaml:3:51: "a" is there twice`},
		{"no name of a container", entry("containers: [{name: a_b, image: b}]"), `f.yaml:3:25: "a_b" is no name; write at most 63 lower-case letters, digits and -`},
		{"a slip of the pen", entry("containers: [{name: a, image: b, arg: [c]}]"), `f.yaml:3:38: "arg" is no key here; did you mean "args"?`},
		{"an argument that is a number", entry("containers: [{name: a, image: b, args: [1]}]"), "f.yaml:3:44: args is a list of texts; write them in quotes"},
		{"a variable that is a number", entry("containers: [{name: a, image: b, env: [{name: A, value: 1}]}]"), "f.yaml:3:61: value is a text; write it in quotes"},
		{"a context in a container", entry("containers: [{name: a, image: b, securityContext: {privilege: true}}]"), `f.yaml:3:56: "privilege" is no key here; did you mean "privileged"?`},
		{"no containers", entry("containers: []"), "f.yaml:3:17: is an empty list; write something, or take it away"},
		{"a volume that is a text", entry("volumes: [{name: a, emptyDir: x}]"), "f.yaml:3:35: emptyDir is a mapping"},
		{"no variables", entry("env: {containers: [a]}"), "f.yaml:3:10: adds nothing; write add: [{name: NAME, value: VALUE}]"},
		{"no name of a variable", entry("env: {add: [{name: 'A=B', value: c}]}"), `f.yaml:3:24: "A=B" is no name; write letters, digits, - _ and .`},
		{"a variable in both", entry("env: {add: [{name: A}], overwrite: [{name: A}]}"), `f.yaml:3:10: "A" is under add and under overwrite; take one away`},
		{"a variable to be overwritten that cannot be compared", entry("env: {overwrite: [{name: A, valueFrom: {}}]}"), `f.yaml:3:33: "valueFrom" is no key here; there are name, value`},
		{"no mounts", entry("volume_mounts: {containers: [a]}"), "f.yaml:3:20: mounts nothing; write add: [{name: VOLUME, mountPath: PATH}]"},
		{"a mount without a path", entry("volume_mounts: {add: [{name: a}]}"), "f.yaml:3:27: has no mountPath"},
		{"a mount at no path", entry("volume_mounts: {add: [{name: a, mountPath: b}]}"), `f.yaml:3:48: "b" is no path in a container; begin it with /`},
		{"a path twice", entry("volume_mounts: {add: [{name: a, mountPath: /b}, {name: c, mountPath: /b/}]}"), `f.yaml:3:74: "/b/" is there twice`},
		{"a context of the pod in containers", entry("container_security_context: {fsGroup: 1}"), `f.yaml:3:34: "fsGroup" is no key here; there are allowPrivilegeEscalation, `},
		{"a flag that is a text", entry(`pod_security_context: {runAsNonRoot: "true"}`), "f.yaml:3:42: runAsNonRoot is true or false"},
		{"a user that is a name", entry(`pod_security_context: {runAsUser: nobody}`), "f.yaml:3:39: runAsUser is a number"},
		{"an empty context", entry("pod_security_context: {}"), "f.yaml:3:27: is empty; write something, or take it away"},
		{"tokens for all", entry("automount_service_account_token: true"), "f.yaml:3:38: can be false and nothing else; pods that need a token say so"},
		{"no images", entry("images: []"), "f.yaml:3:13: rewrites nothing; write [{from: PREFIX, to: PREFIX}]"},
		{"images without to", entry("images: [{from: docker.io}]"), "f.yaml:3:14: has no from, or no to; write both"},
		{"no registry", entry("images: [{from: nginx, to: a.b}]"), `f.yaml:3:21: "nginx" is no registry, with a path or not; write docker.io, or registry.example.com:5000/folder`},
		{"a tag", entry("images: [{from: docker.io, to: 'a.b/c:1'}]"), `f.yaml:3:36: "a.b/c:1" is no registry`},
		{"images that grow", entry("images: [{from: docker.io, to: docker.io/mirror}]"), "f.yaml:3:14: images of docker.io/mirror would be rewritten again and again, to docker.io/mirror/mirror/"},
		{"images that go round", entry("images: [{from: a.b, to: c.d}, {from: c.d, to: a.b}]"), "f.yaml:3:14: images of c.d would be rewritten again and again"},
		{"several", "mutate: [{name: a, labels: {add: {a: 'b c'}}, users: []}]", "f.yaml:1:38: \"b c\" is no value of a label; write at most 63 letters, digits, - _ and ., the first and the last of them a letter or a digit\nf.yaml:1:54: is an empty list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("f.yaml", []byte(tt.file), terms(t))
			require.Error(t, err)
			assert.Nil(t, f)
			assert.True(t, strings.HasPrefix(err.Error()+"\n", tt.want), "%s\n%s", tt.want, err)
		})
	}
}

func TestFilesThatSayNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}", "mutate:\n", "mutate: []\n"} {
		f := file(t, text)
		assert.Empty(t, f.Entries())
		assert.Empty(t, patched(t, f, pod), "%q", text)
	}
}

// TestExampleIsRight: the file in deploy/admission, by our own rules.
func TestExampleIsRight(t *testing.T) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	name := filepath.Join(corpora.Root(t), "deploy", "admission", "mutate.yaml")
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	f, err := Parse(name, content, set.Rules)
	require.NoError(t, err)
	assert.NotEmpty(t, f.Entries())
	c := apply(t, f, requestOf(fromYAML(t, pod), audit.Value{}, ""))
	assert.NotEmpty(t, c.Entries)
}

// FuzzParse holds that no file makes it panic, and that what it takes changes a pod so that
// it is left alone then.
func FuzzParse(f *testing.F) {
	content, err := os.ReadFile(filepath.Join(corpora.Root(f), "deploy", "admission", "mutate.yaml"))
	require.NoError(f, err)
	f.Add(content)
	f.Add([]byte("mutate: [{name: a, condition: privileged, labels: {add: {a: b}}, env: {add: [{name: A}]}, images: [{from: docker.io, to: a.b}]}]"))
	f.Add([]byte("mutate: [{name: a, volumes: [{name: v}], automount_service_account_token: false, users: ['[']}]"))
	rs := terms(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := Parse("f.yaml", content, rs)
		if err != nil {
			require.True(t, errors.As(err, new(yamlnode.Problems)), "%T %v", err, err)
			return
		}
		r := requestOf(fromYAML(t, pod), audit.Value{}, "")
		c, err := m.Apply(r)
		if err != nil {
			require.True(t, errors.As(err, new(*Failure)), "%T", err)
			return
		}
		hold(t, m, r, c)
	})
}
