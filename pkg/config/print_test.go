package config

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMaskURL(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "nats://h:4222": "nats://h:4222", "nats://me:s3cret@h:4222": "nats://***@h:4222", "nats://s3cret@h": "nats://***@h",
		"tls://a:s3cret@h1:4222,tls://b:s3cret@h2:4222": "tls://***@h1:4222,tls://***@h2:4222",
		"nats://h1,nats://h2":                           "nats://h1,nats://h2",
		"nats://me:s3c,ret@h":                           "nats://***@h",
		"nats://me:s3c/ret@h":                           "nats://***",
		"nats://me:12/ret@h":                            "nats://***",
		"nats://me:12,ret@h,nats://h2":                  "nats://***",
		"nats://me:s3cret%zz@h":                         "nats://***",
		"me:s3cret@h:4222":                              "***",
		"s3cret":                                        "***",
		"nats:me:s3cret@h":                              "***",
		"https://h/p?key=s3cret&x=1":                    "https://h/p?key=***&x=***",
		"https://h/p?s3cret":                            "https://h/p?***",
		"https://h/p#s3cret":                            "https://h/p#***",
		"https://h/p#s3@cret":                           "https://***",
		"https://h/p?a=1,2":                             "https://h/p?a=***",
		"https://[::1]:9/":                              "https://[::1]:9/",
	} {
		assert.Equal(t, want, MaskURL(in), in)
	}
}

func TestWriteYAML(t *testing.T) {
	l, err := load(Sources{
		File:  "k.yaml",
		Env:   []string{"KUBEWITNESS_SPOOL_URL=nats://me:s3cret@h:4222", "KUBEWITNESS_LOG_LEVEL=warn"},
		Flags: map[string][]string{"insecure": {"true"}, "rules": {"a b.yaml", "true"}},
	}, []byte(`
webhook: {listen: "127.0.0.1:9443"}
clusters:
  - name: prod
    labels: [{name: Team, value: "7"}, {name: x, value: ""}]
    events_per_second: 1e21
  - name: lab
outputs:
  http: {url: "https://me:s3cret@h/p?k=s3cret", headers: [{name: Authorization, value_file: /run/h}]}
  elasticsearch: {nodes: ["https://me:s3cret@h:9200"]}
`))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, l.WriteYAML(&b))
	golden(t, "testdata/effective.yaml", b.String())
	assert.NotContains(t, b.String(), "s3cret")
	requireSame(t, &l.Config)
}

// requireSame holds that what is printed loads as it was.
func requireSame(t *testing.T, c *Config) {
	t.Helper()
	var p printer
	text := p.tree(c)
	again, err := load(Sources{File: "again.yaml"}, text)
	require.NoError(t, err, "%s", text)
	require.Equal(t, *c, again.Config, "%s", text)
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"": `""`, "prod": "prod", "/var/lib/x": "/var/lib/x", "yes": `"yes"`, "NULL": `"NULL"`, "n": `"n"`, "1": `"1"`, "a b": `"a b"`,
		"a:1": `"a:1"`, "*": `"*"`, `"\`: `"\"\\"`, "\ufeff\u2028": `"\ufeff\u2028"`, "ä": `"ä"`, "-": `"-"`, "a#": `"a#"`,
	} {
		assert.Equal(t, want, quote(in))
	}
}

func TestFormatSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 5 * time.Millisecond: "5ms", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 10 * time.Hour: "10h",
		time.Hour + time.Minute: "1h1m", time.Hour + 10*time.Second: "1h0m10s", 10 * time.Minute: "10m", 100 * time.Second: "1m40s",
	} {
		assert.Equal(t, want, formatSpan(d))
		back, err := parseSpan(want)
		require.NoError(t, err)
		assert.Equal(t, d, back)
	}
}

// FuzzLoad: no file makes Load panic, and what it has loaded is printed so that it
// loads alike.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "data: x\n", "webhook:\n  listen: '[::1]:1'\n  max_body: 0x10\n", "clusters:\n- name: A\n  labels: [{name: a, value: \"\\u2028\"}]\n  events_per_second: 1e300\n",
		"rules: {paths: [yes, 'no', \"~\", .5, '1_0'], min_priority: info}\n", "spool: {group_wait: 1h0m0.5s, url: 'nats://a@b'}\n", "a: &a {b: *a}\n",
		"x: &x {name: a}\nclusters: [*x, {<<: *x, redact: false}]\n", "? {a: b}\n: c\n", "%YAML 1.1\n---\n{}\n...\n", "\ufeffdata: a\n", "data: |\n  a\n", "- - - a\n", "tail: [{}]\n",
		"outputs:\n  http:\n    headers:\n    - name: \"\xf0\x9f\x98\x80\"\n", "log: !!binary aGk=\n", "spool: {replicas: 0o7, max_bytes: 1_000}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := load(Sources{File: "k.yaml"}, data)
		if err != nil {
			require.ErrorAs(t, err, new(Problems))
			for _, line := range lines(t, err) {
				require.NoError(t, printable(line))
			}
			return
		}
		_ = lines(t, l.Validate())
		requireSame(t, &l.Config)
		var b bytes.Buffer
		require.NoError(t, l.WriteYAML(&b))
		_, err = load(Sources{File: "masked.yaml"}, b.Bytes())
		require.NoError(t, err, "%s", b.String())
	})
}
