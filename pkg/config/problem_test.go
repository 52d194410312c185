package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFileProblems: each problem names its line, its key, and what to write.
func TestFileProblems(t *testing.T) {
	const sections = "the sections are data, hostname, rules, webhook, admission, clusters, tail, cloudlogging, pubsub, http, log, spool, store, redact, outputs"
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"webhok:\n  listen: x\n", []string{"k.yaml:1: webhok: no such key; did you mean webhook?"}},
		{"# a\nwebhook:\n  # b\n  max_bdy: 1\n", []string{"k.yaml:4: webhook.max_bdy: no such key; did you mean max_body?"}},
		{"Webhook: {}\n", []string{"k.yaml:1: Webhook: no such key; did you mean webhook?"}},
		{"webhook: {}\nWEBHOOK: {}\n", []string{"k.yaml:2: WEBHOOK: no such key; did you mean webhook?"}},
		{"listen: x\n", []string{"k.yaml:1: listen: no such key; did you mean webhook.listen, admission.listen or http.listen?"}},
		{strings.Repeat("x", 100) + ": x\n", []string{"k.yaml:1: " + strings.Repeat("x", 64) + ": no such key; " + sections}},
		{"\"a\\nb\": x\n", []string{"k.yaml: a?b: no such key; " + sections}},
		{"log: {level: {a: b}}\n", []string{"k.yaml:1: log.level: is a section; write a text"}},
		{"webhook.listen: x\n", []string{"k.yaml:1: webhook.listen: no such key; write a key with dots as sections in sections, one name a line"}},
		{"webhook::listen: x\n", []string{"k.yaml: webhook::listen: no such key; write a key with dots as sections in sections, one name a line"}},
		{"elasticsearch: x\n", []string{"k.yaml:1: elasticsearch: no such key; " + sections}},
		{"log: {verbosity: 3}\n", []string{"k.yaml:1: log.verbosity: no such key; there are level, format"}},
		{"1: x\n? [a, b]\n: y\n", []string{"k.yaml:2: is no mapping of names to values; write keys, each with a colon and its value"}},
		{"log: {[a, b]: y}\n", []string{"k.yaml: is no mapping of names to values; write keys, each with a colon and its value"}},
		{"log: {1: x}\n", []string{"k.yaml:1: log.1: no such key; there are level, format"}},
		{"clusters:\n- name: a\n- name: b\n  labels:\n    - name: x\n      valu: y\n", []string{"k.yaml:6: clusters[1].labels[0].valu: no such key; did you mean value?"}},
		{"clusters:\n  -\n    name: a\n  - nam: b\n", []string{"k.yaml:4: clusters[1].nam: no such key; did you mean name?"}},
		{"clusters: [{name: a}, {nam: b}]\n", []string{"k.yaml:1: clusters[1].nam: no such key; did you mean name?"}},
		{"clusters:\n  prod: {}\n", []string{"k.yaml:1: clusters: is a section; write a list, each entry after a dash"}},
		{"clusters: [prod]\n", []string{"k.yaml:1: clusters[0]: is text, not a section; write its keys below it, indented"}},
		{"rules: {paths: a.yaml}\n", []string{"k.yaml:1: rules.paths: is text; write a list, each entry after a dash"}},
		{"rules:\n  paths:\n  - a.yaml\n  - 5\n  - [b]\n  -\n", []string{
			"k.yaml:4: rules.paths[1]: is a number, not text; write it in quotes",
			"k.yaml:5: rules.paths[2]: is a list; write a text",
			"k.yaml:6: rules.paths[3]: is something else, not text; write it in quotes",
		}},
		{"webhook: true\n", []string{"k.yaml:1: webhook: is true or false, not a section; write its keys below it, indented"}},
		{"webhook:\n  insecure: yes\n  max_body: 64MB\n", []string{
			"k.yaml:2: webhook.insecure: is text; write true or false",
			`k.yaml:3: webhook.max_body: "64MB" has the unit MB; write MiB`,
		}},
		{"webhook: {max_body: -1}\n", []string{`k.yaml:1: webhook.max_body: "-1" is below 0; write a size such as 64MiB`}},
		{"webhook: {max_body: 1.5}\n", []string{`k.yaml:1: webhook.max_body: is a number; write a size such as 64MiB`}},
		{"webhook: {max_body: 99999999999999999999}\n", []string{`k.yaml:1: webhook.max_body: is a number; write a size such as 64MiB`}},
		{"spool: {group_wait: 5}\n", []string{"k.yaml:1: spool.group_wait: is a number; write a time with its unit, such as 5s or 1m30s"}},
		{"spool: {group_wait: 5 s}\n", []string{`k.yaml:1: spool.group_wait: "5 s" is no time; write one such as 5ms, 10s, 1m30s or 30d`}},
		{"spool: {group_wait: -5s}\n", []string{`k.yaml:1: spool.group_wait: "-5s" is below 0; write a time such as 10s`}},
		{"spool: {replicas: 1.5}\n", []string{"k.yaml:1: spool.replicas: 1.5 is no whole number"}},
		{"spool: {replicas: many}\n", []string{"k.yaml:1: spool.replicas: is text; write a whole number"}},
		{"spool: {replicas: -1}\n", []string{"k.yaml:1: spool.replicas: -1 is below 0"}},
		{"clusters: [{events_per_second: .nan}, {events_per_second: -.5}, {events_per_second: .inf}]\n", []string{
			"k.yaml:1: clusters[0].events_per_second: NaN is no number to count with",
			"k.yaml:1: clusters[1].events_per_second: -0.5 is below 0",
			"k.yaml:1: clusters[2].events_per_second: +Inf is no number to count with",
		}},
		{"rules: {min_priority: 3}\n", []string{"k.yaml:1: rules.min_priority: is a number; write emergency, alert, critical, error, warning, notice, informational or debug"}},
		{"hostname: 2026-01-01\n", []string{"k.yaml:1: hostname: is a date, not text; write it in quotes"}},
		{"hostname: \"a\\nb\"\n", []string{`k.yaml:1: hostname: holds the control character '\n'; take it out`}},
		{"clusters: [{labels: [{name: v, value: 1.10}]}]\n", []string{"k.yaml:1: clusters[0].labels[0].value: is a number, not text; write it in quotes"}},
		{"data: a\nlog: {}\ndata: b\n", []string{`k.yaml:3: mapping key "data" already defined at line 1`}},
		{"webhook:\n  listen: a\n  listen: b\n", []string{`k.yaml:3: mapping key "listen" already defined at line 2`}},
		{"data: a\n---\ndata: b\n", []string{"k.yaml:2: another document begins; one file is one document, take the --- away"}},
		{"data: a\n...\ndata: b\n", []string{"k.yaml:3: another document begins; one file is one document, take the --- away"}},
		{"data: [\n", []string{"k.yaml:1: did not find expected node content"}},
		{"s3cr3t-t0ken-of-somebody", []string{"k.yaml:1: is no mapping of names to values; write keys, each with a colon and its value"}},
		{"- data: x\n", []string{"k.yaml:1: is no mapping of names to values; write keys, each with a colon and its value"}},
		{"data: *nobody\n", []string{"k.yaml: unknown anchor 'nobody' referenced"}},
		{"data: &a [*a]\n", []string{"k.yaml: anchor 'a' value contains itself"}},
		{"data: \xff\n", []string{"k.yaml: is no UTF-8"}},
		{strings.Repeat("#", maxFile) + "\n", []string{"k.yaml: more than 1MiB; that is no configuration"}},
	} {
		l, err := loadText(t, tt.text)
		if assert.Error(t, err, tt.text) {
			assert.Nil(t, l)
			assert.Equal(t, tt.want, lines(t, err), tt.text)
		}
	}
}

// TestAllProblems: problems of all sources are told at once.
func TestAllProblems(t *testing.T) {
	_, err := load(Sources{
		File: "k.yaml", Env: []string{"KUBEWITNESS_SPOOL_GROUP_WAIT=soon", "KUBEWITNESS_SPOOL_URL=nats://me:s3cret@h\x01"},
		Flags: map[string][]string{"min-priority": {"loud"}},
	}, []byte("spool: {max_bytes: 1MB}\nlog:\n  color: blue\n"))
	require.Len(t, lines(t, err), 5)
	assert.NotContains(t, err.Error(), "s3cret")
}

// TestDocuments tells one document from two.
func TestDocuments(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "a: b": 0, "---\na: b\n": 0, "# c\n%YAML 1.1\n---\na: b\n...\n# c\n": 0, "--- {a: b}\n": 0, "a: ---b\n": 0, "---a: b\n": 0,
		"a: b\n---": 2, "---\n---\n": 2, "--- a\r\n--- b\r\n": 2, "a: b\r---\t": 2, "a: |\n  x\n--- y\n": 3, "a: b\n...\n\nc: d\n": 4, "a: b\u2028---": 2,
	} {
		assert.Equal(t, want, secondDocument(text), "%q", text)
	}
}
