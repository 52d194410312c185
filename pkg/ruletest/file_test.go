package ruletest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
)

const recording = `{"kind":"Event","auditID":"one","stage":"ResponseComplete","verb":"get","stageTimestamp":"2026-01-01T00:00:00Z"}
{"kind":"Event","auditID":"two","stage":"ResponseComplete","verb":"list","stageTimestamp":"2026-01-01T00:00:00Z"}
{"kind":"Event","auditID":"two","stage":"RequestReceived","verb":"list","stageTimestamp":"2026-01-01T00:00:00Z"}
`

func open(path string) (io.ReadCloser, error) {
	if path != "recorded.jsonl" {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return io.NopCloser(strings.NewReader(recording)), nil
}

func parse(t *testing.T, content string) (*ruletest.File, error) {
	t.Helper()
	f, err := ruletest.Parse(ruletest.Source{Name: "x_test.yaml", Content: []byte(content), Open: open})
	if err != nil {
		require.ErrorAs(t, err, new(ruletest.Problems))
	}
	return f, err
}

func TestProblems(t *testing.T) {
	const head = "- test: a\n  detect: []\n"
	for _, tt := range []struct{ name, in, want string }{
		{"not YAML", "- a: [", "x_test.yaml:1:1: yaml: "},
		{"no list", "test: a", "x_test.yaml:1:1: a test file is a list of items"},
		{"two documents", "- defaults: {}\n---\n- defaults: {}\n", "x_test.yaml:2:1: is a second YAML document; write one"},
		{"item that is none", "- [a]", "1:3: an item is a mapping"},
		{"empty item", "- {}", "1:3: an item has the key test, about or defaults"},
		{"key twice", "- test: a\n  test: b\n", `x_test.yaml:2:3: "test" is there twice`},
		{"test without name", "- test: ''\n  detect: []\n  event: {verb: get, uri: /x}", "a test needs a name"},
		{"name twice", strings.Repeat(head+"  event: {verb: get, uri: /x}\n", 2), `4:9: there is a test "a" already`},
		{"no event", head, "a test has an event, or a list of events"},
		{"two kinds of events", head + "  event: {}\n  events: []\n", "a test has an event, or a list of events"},
		{"events no list", head + "  events: {verb: get, uri: /x}\n", "events is a list"},
		{"events empty", head + "  events: []\n", "a test without an event"},
		{"detect no list", "- test: a\n  event: {verb: get, uri: /x}\n  detect: Rule\n", "3:11: detect is a list of rules"},
		{"detect without rule", "- test: a\n  event: {verb: get, uri: /x}\n  detect: [{times: 2}]\n", "an expected detection names its rule"},
		{"times of detect", "- test: a\n  event: {verb: get, uri: /x}\n  detect: [{rule: R, times: 0}]\n", "a number from 1 to"},
		{"event no mapping", head + "  event: x\n", "an event is a mapping"},
		{"no verb", head + "  event: {resource: pods}\n", "an event needs a verb"},
		{"no resource", head + "  event: {verb: get}\n", "an event needs a resource, or a uri"},
		{"verb of HTTP", head + "  event: {verb: post, resource: pods, namespace: a, name: b}\n", `"post" is no verb for resources`},
		{"kind for resource", head + "  event: {verb: get, resource: Pod, namespace: a, name: b}\n", `no resource "Pod" is Kubernetes' own; write RESOURCE.GROUP for others; did you mean "pods"?`},
		{"namespace of a node", head + "  event: {verb: get, resource: nodes, namespace: a, name: b}\n", "nodes stand in no namespace"},
		{"no name", head + "  event: {verb: delete, resource: pods, namespace: a}\n", "delete of pods needs a name"},
		{"no namespace", head + "  event: {verb: create, resource: pods, name: a}\n", "create of pods needs a namespace"},
		{"generate_name", head + "  event: {verb: get, resource: pods, namespace: a, name: b, generate_name: c}\n", "generate_name stands in place of name"},
		{"apply", head + "  event: {verb: create, resource: pods, namespace: a, name: b, apply: true}\n", "a server-side apply is a patch"},
		{"command of a pod", head + "  event: {verb: get, resource: pods, namespace: a, name: b, command: [sh]}\n", "command goes with pods/exec"},
		{"container of a pod", head + "  event: {verb: get, resource: pods, namespace: a, name: b, container: c}\n", "container goes with"},
		{"pod of a secret", head + "  event: {verb: create, resource: secrets, namespace: a, name: b, pod: {}}\n", "pod and image go with pods"},
		{"pod in a JSON patch", head + "  event: {verb: patch, resource: pods, namespace: a, name: b, image: x, request: [{op: add}]}\n", "a JSON patch has no place"},
		{"pod no mapping", head + "  event: {verb: create, resource: pods, namespace: a, name: b, pod: [x]}\n", "pod is the spec of a pod"},
		{"request a text", head + "  event: {verb: create, resource: pods, namespace: a, name: b, request: x}\n", "request is an object"},
		{"response a list", head + "  event: {verb: get, resource: pods, namespace: a, name: b, response: []}\n", "response is an object"},
		{"address", head + "  event: {verb: get, uri: /x, source_ip: 300.1.1.1}\n", `"300.1.1.1" is no IP address`},
		{"stage", head + "  event: {verb: get, uri: /x, stage: Complete}\n", `"Complete" is not what can stand here`},
		{"level", head + "  event: {verb: get, uri: /x, level: RequestRespons}\n", `did you mean "RequestResponse"?`},
		{"code", head + "  event: {verb: get, uri: /x, code: OK}\n", "a number from 100 to 599"},
		{"time", head + "  event: {verb: get, uri: /x, at: soon}\n", `"soon" is neither a time after the start`},
		{"every", head + "  event: {verb: get, uri: /x, times: 2, every: -1s}\n", "no time between requests"},
		{"times", head + "  event: {verb: get, uri: /x, times: 100000}\n", "a number from 1 to"},
		{"true or false", head + "  event: {verb: get, uri: /x, dry_run: maybe}\n", "true or false"},
		{"null", head + "  event: {verb: get, uri: /x, user: }\n", "leave the key out"},
		{"key of a user", head + "  event: {verb: get, uri: /x, user: {nam: a}}\n", `a user has no key "nam"; did you mean "name"?`},
		{"raw that is none", head + "  event: {raw: nonsense}\n", "the event cannot be read: audit: x_test.yaml:1"},
		{"raw without event", head + "  event: {raw: ''}\n", "no event stands here"},
		{"inline without time", head + "  event: {kind: Event, verb: get}\n", "stageTimestamp"},
		{"file", head + "  event: {file: missing}\n", "3:17: open missing: file does not exist"},
		{"line of a file", head + "  event: {file: recorded.jsonl, line: [1, 9]}\n", "recorded.jsonl: no event begins in line 9"},
		{"id of a file", head + "  event: {file: recorded.jsonl, audit_id: three}\n", `no event has the auditID "three"`},
		{"variant without name", head + "  event: {verb: get, uri: /x}\n  variants: [{a: b}]\n", "${a} stands nowhere"},
		{"variant that lacks a value", head + "  event: {verb: get, uri: '/${a}${b}'}\n  variants: [{a: b}, {b: a}]\n", "a variant gives no value for ${"},
		{"variants no list", head + "  event: {verb: get, uri: /x}\n  variants: {a: b}\n", "variants is a list"},
		{"variants equal", head + "  event: {verb: get, uri: '/${a}'}\n  variants: [{a: b}, {a: b}]\n", `two variants are "a/a=b"`},
		{"matrix no mapping", head + "  event: {verb: get, uri: /x}\n  matrix: [a]\n", "matrix is a mapping"},
		{"matrix without values", head + "  event: {verb: get, uri: /x}\n  matrix: {user: []}\n", "matrix has a list of values"},
		{"defaults", "- defaults: {usr: a}", `a template of events has no key "usr"; did you mean "user"?`},
		{"defaults with more", "- defaults: {user: a}\n  event: {}", `an item with defaults has no key "event"`},
		{"about twice", "- about: R\n- about: R\n", `2:3: about "R": line 1 has it already`},
		{"about key", "- about: R\n  references: [x]\n  reponse: a\n", `did you mean "response"?`},
		{"reference", "- about: R\n  references: [x]\n", "reference 1 is no https:// address"},
		{"alias of itself", "- &a [*a]", "x_test.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(t, tt.in)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.want)
		})
	}
}

// TestAliasesEndless: a few lines that stand for more values than there is memory.
func TestAliasesEndless(t *testing.T) {
	var b strings.Builder
	b.WriteString("- &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&b, "- &a%d [%s]\n", i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	_, err := parse(t, b.String())
	assert.ErrorContains(t, err, "values")
}

func TestEmpty(t *testing.T) {
	for _, in := range []string{"", "# nothing yet\n", "[]", "---\n"} {
		f, err := parse(t, in)
		require.NoError(t, err)
		assert.Empty(t, f.Tests)
	}
}

// shown gives the events of a test in short.
func shown(t *testing.T, tt *ruletest.Test) (all []string) {
	t.Helper()
	for _, e := range tt.Events {
		root := e.Root()
		all = append(all, strings.Join([]string{
			e.Time.Format("01-02T15:04:05"), e.Stage, root.Path("user", "username").Text(), root.Get("verb").Text(), root.Get("requestURI").Text(),
		}, " "))
	}
	return all
}

func TestEvents(t *testing.T) {
	f, err := parse(t, `
- defaults: {user: sam, namespace: shop}
- test: all kinds
  detect: []
  events:
    - {verb: get, resource: pods, name: a, stage: ResponseComplete}
    - {verb: get, resource: pods, name: b, stage: ResponseComplete, user: bob}
    - {verb: get, resource: pods, name: "c${n}", stage: ResponseComplete, times: 2, every: 10s, at: 1m}
    - {verb: list, resource: pods, namespace: "", stage: ResponseComplete, at: 14d}
    - {kind: Event, stage: Panic, verb: x, stageTimestamp: 2026-01-01T00:00:00Z, cluster: eu}
    - raw: '{"kind":"Event","stage":"Panic","verb":"y","stageTimestamp":"2026-01-01T00:00:00Z"}'
    - {file: recorded.jsonl, audit_id: two}
    - {file: recorded.jsonl, line: 1, cluster: us}
    - {protoPayload: {serviceName: k8s.io, methodName: io.k8s.core.v1.pods.get, resourceName: core/v1/namespaces/shop/pods/web}, timestamp: 2026-01-01T00:00:00Z, insertId: i}
`)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"01-15T09:00:00 ResponseComplete sam get /api/v1/namespaces/shop/pods/a",
		"01-15T09:00:01 ResponseComplete bob get /api/v1/namespaces/shop/pods/b",
		"01-15T09:01:00 ResponseComplete sam get /api/v1/namespaces/shop/pods/c1",
		"01-15T09:01:10 ResponseComplete sam get /api/v1/namespaces/shop/pods/c2",
		"01-29T09:00:00 ResponseComplete sam list /api/v1/pods",
		"01-01T00:00:00 Panic  x ",
		"01-01T00:00:00 Panic  y ",
		"01-01T00:00:00 ResponseComplete  list ",
		"01-01T00:00:00 RequestReceived  list ",
		"01-01T00:00:00 ResponseComplete  get ",
		"01-01T00:00:00 ResponseComplete  get /api/v1/namespaces/shop/pods/web",
	}, shown(t, f.Tests[0]))
	assert.Equal(t, "eu", f.Tests[0].Events[5].Cluster)
	assert.Equal(t, "us", f.Tests[0].Events[9].Cluster)
}

func TestVariants(t *testing.T) {
	f, err := parse(t, `
- test: keys
  event: {verb: get, resource: pods, namespace: shop, name: a, stage: ResponseComplete}
  variants: [{user: bob}, {user: carol, namespace: web}]
  detect: []
- test: placeholders
  event: {verb: "${verb}", resource: pods, namespace: shop, name: "${a}-${b}", user: x, stage: ResponseComplete, request: "${body}"}
  variants: [{verb: update, body: {x: [1]}}]
  matrix: {a: [1, 2], b: [x]}
  detect: ["Rule ${a}"]
`)
	require.NoError(t, err)
	var names, all []string
	for _, tt := range f.Tests {
		names = append(names, tt.Name)
		all = append(all, shown(t, tt)...)
	}
	assert.Equal(t, []string{
		"keys", "keys/user=bob", "keys/user=carol,namespace=web",
		"placeholders/verb=update,body=a mapping 1,a=1,b=x", "placeholders/verb=update,body=a mapping 1,a=2,b=x",
	}, names)
	assert.Equal(t, []string{
		"01-15T09:00:00 ResponseComplete alice@example.com get /api/v1/namespaces/shop/pods/a",
		"01-15T09:00:00 ResponseComplete bob get /api/v1/namespaces/shop/pods/a",
		"01-15T09:00:00 ResponseComplete carol get /api/v1/namespaces/web/pods/a",
		"01-15T09:00:00 ResponseComplete x update /api/v1/namespaces/shop/pods/1-x",
		"01-15T09:00:00 ResponseComplete x update /api/v1/namespaces/shop/pods/2-x",
	}, all)
	assert.Equal(t, "Rule 2", f.Tests[4].Want[0].Rule)
	assert.Equal(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"2-x","namespace":"shop"},"x":[1]}`,
		string(f.Tests[4].Events[0].Root().Get("requestObject").Raw()))
}

// TestPod puts a pod where the resource has it.
func TestPod(t *testing.T) {
	const spec = `{"containers":[{"image":"i","name":"main"}],"hostPID":true}`
	for resource, path := range map[string]string{
		"pods": "spec", "deployments": "spec template spec", "cronjobs": "spec jobTemplate spec template spec", "podtemplates": "template spec",
	} {
		e := made(t, map[string]any{"verb": "create", "resource": resource, "namespace": "a", "name": "b", "image": "i", "pod": map[string]any{"hostPID": true}})
		root := e[1].Root().Get("requestObject")
		assert.Equal(t, spec, string(root.Path(strings.Fields(path)...).Raw()), resource)
		assert.Equal(t, "b", e[1].Root().Path("responseObject", "metadata", "name").Text())
		assert.Empty(t, e[0].Root().Path("objectRef", "name").Text(), "the name is in the body, which is read later")
		assert.Equal(t, "b", e[1].Root().Path("objectRef", "name").Text())
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"- defaults: {user: a}\n- test: b\n  event: {verb: get, resource: pods/exec, namespace: a, name: b, command: [sh]}\n  detect: [R]\n",
		"- test: a\n  events: [{verb: create, resource: cronjobs, namespace: a, name: '${x}', image: i, times: 3}]\n  matrix: {x: [1, 2]}\n  detect: []\n",
		"- test: a\n  event: {raw: '" + strings.TrimSpace(strings.SplitN(recording, "\n", 2)[0]) + "'}\n  rule: R\n  detect: []\n",
		"- about: R\n  why: x\n  references: ['https://a']\n",
		"- test: a\n  event: {kind: Event, stageTimestamp: 2026-01-01T00:00:00Z}\n  detect: [{rule: R, fields: {a: 1}}]\n",
		"- test: a\n  event: &e {verb: get, uri: /x, at: 1d2h, source_ip: ['::1']}\n  variants: [{user: {name: x, groups: []}}]\n  detect: []\n- <<: *e\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		src := ruletest.Source{Name: "x", Content: content, Open: open}
		file, err := ruletest.Parse(src)
		if err != nil {
			var ps ruletest.Problems
			require.True(t, errors.As(err, &ps) && len(ps) > 0)
			for _, p := range ps {
				require.Equal(t, "x", p.File)
				require.NotEmpty(t, p.Text)
			}
			return
		}
		again, err := ruletest.Parse(src)
		require.NoError(t, err)
		names := map[string]bool{}
		for i, tt := range file.Tests {
			require.False(t, names[tt.Name], "%q twice", tt.Name)
			names[tt.Name] = true
			require.Len(t, again.Tests[i].Events, len(tt.Events))
			for j, e := range tt.Events {
				require.Equal(t, e.Raw, again.Tests[i].Events[j].Raw, "made differently the second time")
				read, err := audit.NewReader(bytes.NewReader(e.Raw), "x", audit.Limits{}).Next()
				require.NoError(t, err)
				require.Equal(t, e.Stage, read.Stage)
				require.WithinDuration(t, e.Time, read.Time, time.Microsecond)
			}
		}
	})
}
