package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// loadText loads the text of a file named k.yaml.
func loadText(t *testing.T, text string, env ...string) (*Loaded, error) {
	t.Helper()
	return load(Sources{File: "k.yaml", Env: env}, []byte(text))
}

// lines are the problems of an error, as `config check` prints them.
func lines(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var ps Problems
	require.ErrorAs(t, err, &ps)
	var out []string
	for _, p := range ps {
		var one *Problem
		require.ErrorAs(t, err, &one)
		out = append(out, p.String())
	}
	assert.Equal(t, "config: "+strings.Join(out, "\nconfig: "), err.Error())
	return out
}

func TestLoadNothing(t *testing.T) {
	l, err := Load(Sources{})
	require.NoError(t, err)
	assert.Equal(t, Default(), l.Config)
	assert.Empty(t, l.Warnings)
	for _, text := range []string{"", "# nothing\n", "---\n", "{}", "null", "webhook:\nrules: {paths: , matching: null}\nclusters: []\nredact: {}"} {
		l, err := loadText(t, text)
		require.NoError(t, err, text)
		assert.Equal(t, Default(), l.Config, "%q: what has no value is as by default", text)
	}
}

// TestDefaultSpool: the defaults of the log are the log's own.
func TestDefaultSpool(t *testing.T) {
	s := Default().Spool
	assert.Equal(t, spool.DefaultStream, s.Stream)
	assert.EqualValues(t, spool.DefaultMaxBytes, s.MaxBytes)
	assert.EqualValues(t, spool.DefaultFreeFloor, s.FreeFloor)
	assert.EqualValues(t, spool.DefaultDeadBytes, s.DeadBytes)
	assert.EqualValues(t, spool.DefaultMaxPayload, s.MaxPayload)
	assert.EqualValues(t, spool.DefaultMaxRecord, s.MaxRecord)
	assert.EqualValues(t, spool.DefaultMaxQueued, s.MaxQueued)
	assert.Equal(t, spool.DefaultGroupWait, s.GroupWait)
	assert.Equal(t, spool.DefaultAppendTimeout, s.AppendTimeout)
	assert.Equal(t, spool.DefaultRetryAfter, s.RetryAfter)
	assert.Equal(t, spool.DefaultAckWait, s.AckWait)
}

// TestDefaultOutputs: the defaults of outputs are their own, and they know all formats.
func TestDefaultOutputs(t *testing.T) {
	o := Default().Outputs
	assert.Equal(t, output.DefaultTimeout, o.HTTP.Timeout)
	assert.Equal(t, output.DefaultInFlight, o.HTTP.InFlight)
	assert.Equal(t, output.DefaultUserAgent, o.HTTP.UserAgent)
	for _, s := range []string{"outputs.stdout.format", "outputs.file.format"} {
		for _, name := range root.find(s).one {
			_, err := output.ParseFormat(name)
			assert.NoError(t, err)
		}
	}
}

// TestLoadLists: lists keep their order and the case of names; what an entry leaves
// out is as by default.
func TestLoadLists(t *testing.T) {
	l, err := loadText(t, `
clusters:
- name: prod
  labels:
  - {name: Team-Name, value: "1.10"}
  - {name: app.kubernetes.io/Part-Of, value: Shop}
  events_per_second: 400
  burst: 2000
  quota: 1GiB
- {name: lab, redact: false, whole_dead_letters: true, events_per_second: 0.5}
tail: [{file: /var/log/audit.log, cluster: prod}]
rules: {paths: [b.yaml, A.yaml], min_priority: WARNING}
webhook:
  credentials: [{name: prod, token_file: /t, clusters: [prod, lab]}]
outputs: {http: {headers: [{name: X-Key, value_file: /k}], timeout: 1m30s}}
`)
	require.NoError(t, err)
	assert.Equal(t, []Cluster{
		{Name: "prod", Labels: []Label{{"Team-Name", "1.10"}, {"app.kubernetes.io/Part-Of", "Shop"}}, EventsPerSecond: 400, Burst: 2000, Quota: 1 << 30, Redact: true},
		{Name: "lab", EventsPerSecond: 0.5, WholeDeadLetters: true},
	}, l.Clusters)
	assert.Equal(t, map[string]string{"Team-Name": "1.10", "app.kubernetes.io/Part-Of": "Shop"}, l.Clusters[0].LabelMap())
	assert.Nil(t, l.Clusters[1].LabelMap())
	assert.Equal(t, []Tail{{File: "/var/log/audit.log", Cluster: "prod"}}, l.Tail)
	assert.Equal(t, "prod", l.TailCluster(l.Tail[0]))
	l.Webhook.DefaultCluster = "lab"
	assert.Equal(t, "lab", l.TailCluster(Tail{File: "/x"}))
	assert.Equal(t, []string{"b.yaml", "A.yaml"}, l.Rules.Paths)
	assert.Equal(t, rules.Warning, l.Rules.MinPriority)
	assert.True(t, l.Webhook.Credentials[0].Allows("lab"))
	assert.False(t, l.Webhook.Credentials[0].Allows("Lab"))
	assert.Equal(t, []Header{{"X-Key", "/k"}}, l.Outputs.HTTP.Headers)
	assert.Equal(t, 90*time.Second, l.Outputs.HTTP.Timeout)
	cl, ok := l.Cluster("lab")
	assert.True(t, ok)
	assert.Equal(t, l.Clusters[1], cl)
	_, ok = l.Cluster("LAB")
	assert.False(t, ok)
}

// TestOrder: flags beat the environment, which beats the file, which beats the
// defaults; and each value knows where it is from.
func TestOrder(t *testing.T) {
	file := "data: /file\nwebhook: {listen: file:1, max_body: 1MiB}\nrules:\n  paths: [file.yaml]\n  min_priority: error\n"
	l, err := load(Sources{
		File:  "k.yaml",
		Env:   []string{"KUBEWITNESS_DATA=/env", "KUBEWITNESS_WEBHOOK_LISTEN=env:1", "KUBEWITNESS_SPOOL_GROUP_WAIT=7ms", "KUBEWITNESS_RULES_MIN_PRIORITY=", "OTHER=1", "=x", "KUBEWITNESS"},
		Flags: map[string][]string{"data": {"/first", "/flag"}, "rules": {"a.yaml", "b.yaml"}, "tail": {"/var/log/a=b.log", "lab=/var/log/lab.log"}},
	}, []byte(file))
	require.NoError(t, err)
	assert.Equal(t, "/flag", l.Data)
	assert.Equal(t, "env:1", l.Webhook.Listen)
	assert.Equal(t, Size(1<<20), l.Webhook.MaxBody)
	assert.Equal(t, 7*time.Millisecond, l.Spool.GroupWait)
	assert.Equal(t, rules.Error, l.Rules.MinPriority, "an empty variable is not set")
	assert.Equal(t, []string{"a.yaml", "b.yaml"}, l.Rules.Paths)
	assert.Equal(t, []Tail{{File: "/var/log/a=b.log"}, {File: "/var/log/lab.log", Cluster: "lab"}}, l.Tail)
	assert.Equal(t, "127.0.0.1:8080", l.HTTP.Listen)

	for key, want := range map[string]string{
		"data": "flag --data", "webhook.listen": "environment KUBEWITNESS_WEBHOOK_LISTEN", "webhook.max_body": "file k.yaml:2",
		"rules.min_priority": "file k.yaml:5", "rules.paths": "flag --rules", "rules.paths[1]": "flag --rules", "tail[0].file": "flag --tail",
		"http.listen": "default ", "nothing": "default ",
	} {
		origin, where := l.Origin(key)
		assert.Equal(t, want, fmt.Sprint(origin, " ", where), key)
	}
}

// TestEnvironment: every single value can be given by a variable of its own, which
// no Service of Kubernetes makes.
func TestEnvironment(t *testing.T) {
	samples := map[kind]string{text: "x", onOff: "true", whole: "3", number: "1.5", size: "3MiB", span: "3s", priority: "alert"}
	seen := map[string]bool{}
	root.leaves(func(s *setting) {
		name := s.env()
		assert.False(t, seen[name], "two settings have the variable %s", name)
		seen[name] = true
		assert.NotEqual(t, EnvFile, name)
		assert.False(t, serviceLink.MatchString(name), "Kubernetes sets %s for a Service of that name", name)
		if !s.scalar() {
			_, err := Load(Sources{Env: []string{name + "=x"}})
			assert.Equal(t, []string{name + ": " + s.key + ": is a list, which the environment cannot give; set it in the file"}, lines(t, err))
			return
		}
		value := samples[s.kind]
		l, err := Load(Sources{Env: []string{name + "=" + value}})
		require.NoError(t, err, name)
		assert.Equal(t, value, format(s.in(&l.Config).Interface()), name)
		origin, where := l.Origin(s.key)
		assert.Equal(t, FromEnvironment, origin)
		assert.Equal(t, name, where)
	})
}

func TestEnvironmentProblems(t *testing.T) {
	_, err := Load(Sources{Env: []string{
		"KUBEWITNESS_WEBHOOK_INSECURE=perhaps", "KUBEWITNESS_SPOOL_REPLICAS=three", "KUBEWITNESS_SPOOL_QUOTA=-1", "KUBEWITNESS_LOG_LEVEL=\xff",
	}})
	assert.Equal(t, []string{
		`KUBEWITNESS_WEBHOOK_INSECURE: webhook.insecure: "perhaps" is neither true nor false`,
		"KUBEWITNESS_LOG_LEVEL: log.level: is no UTF-8",
		`KUBEWITNESS_SPOOL_REPLICAS: spool.replicas: "three" is no whole number`,
		`KUBEWITNESS_SPOOL_QUOTA: spool.quota: "-1" is below 0; write a size such as 64MiB`,
	}, lines(t, err))
	_, err = root.find("clusters").below[2].parse("some") // events_per_second
	assert.EqualError(t, err, `"some" is no number`)
}

func TestEnvironmentWarnings(t *testing.T) {
	l, err := Load(Sources{Env: []string{
		"KUBEWITNESS_WEBHOK_LISTEN=x", "KUBEWITNESS_ALL=1", "KUBEWITNESS_CONFIG=k.yaml", "KUBEWITNESS_EMPTY=",
		"KUBEWITNESS_PORT=tcp://10.0.0.1:443", "KUBEWITNESS_PORT_443_TCP_ADDR=10.0.0.1", "KUBEWITNESS_WEBHOOK_SERVICE_HOST=10.0.0.1",
		"KUBEWITNESS_WEBHOOK_SERVICE_PORT_HTTPS=443",
	}})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"KUBEWITNESS_ALL in the environment sets nothing; kubewitness config docs lists what is read",
		"KUBEWITNESS_WEBHOK_LISTEN in the environment sets nothing; did you mean KUBEWITNESS_WEBHOOK_LISTEN?",
	}, l.Warnings)
}

func TestFlags(t *testing.T) {
	names := regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)*$`)
	for _, f := range Flags() {
		require.NotNil(t, root.find(f.Key), f.Name)
		assert.Regexp(t, names, f.Name)
		assert.Empty(t, readFlags(map[string][]string{f.Name: {f.Default()}}).problems, "the default of %s can be given", f.Name)
		assert.Equal(t, f.Switch(), !strings.Contains(f.Doc, "`"), "%s: a switch has no value to name", f.Name)
		if f.Repeated() {
			assert.Empty(t, f.Default())
		}
	}
	_, err := Load(Sources{Flags: map[string][]string{"min-priority": {"loud"}, "insecure": {"maybe"}, "data": {"a\nb"}, "rules": {"a\x00"}}})
	assert.Equal(t, []string{
		`--data: data: holds the control character '\n'; take it out`,
		`--insecure: webhook.insecure: "maybe" is neither true nor false`,
		`--rules: rules.paths: holds the control character '\x00'; take it out`,
		`--min-priority: rules.min_priority: "loud": write emergency, alert, critical, error, warning, notice, informational or debug`,
	}, lines(t, err))
}

// TestFlagsAlone: a trial needs no file.
func TestFlagsAlone(t *testing.T) {
	given := map[string][]string{
		"data": {"d"}, "webhook-listen": {"127.0.0.1:9443"}, "http-listen": {"127.0.0.1:0"}, "rules": {"r.yaml"}, "insecure": {"true"},
	}
	l, err := Load(Sources{Flags: given})
	require.NoError(t, err)
	require.NoError(t, l.Validate())
	assert.True(t, l.AnyClusterName())

	given["webhook-listen"] = []string{"0.0.0.0:9443"}
	l, err = Load(Sources{Flags: given})
	require.NoError(t, err)
	assert.Equal(t, []string{
		`--webhook-listen: webhook.listen: "0.0.0.0:9443" can be reached by others, which webhook.insecure forbids; write 127.0.0.1 as the host, or set up TLS and credentials instead`,
	}, lines(t, l.Validate()))
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.yaml")
	_, err := Load(Sources{File: path})
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.True(t, strings.HasPrefix(err.Error(), "config: "))
	assert.False(t, errors.As(err, new(Problems)))
	require.NoError(t, os.WriteFile(path, []byte("data: /d\n"), 0o600))
	l, err := Load(Sources{File: path})
	require.NoError(t, err)
	assert.Equal(t, "/d", l.Data)
}

// TestExample: the example is right, as it stands.
func TestExample(t *testing.T) {
	l, err := Load(Sources{File: "../../examples/config/kubewitness.yaml"})
	require.NoError(t, err)
	require.NoError(t, l.Validate())
	assert.NotEmpty(t, l.Clusters)
	assert.NotEmpty(t, l.Webhook.Credentials)
}
