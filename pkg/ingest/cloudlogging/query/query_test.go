package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

func TestQuery(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("", 3600))
	for want, q := range map[string]query.Query{
		`(log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/data_access")) AND protoPayload.serviceName="k8s.io"`: {},
		`(log_id("cloudaudit.googleapis.com/activity")) AND protoPayload.serviceName="k8s.io" AND timestamp>="2026-03-01T11:00:00.000000005Z" AND timestamp<"2026-03-01T11:00:01.000000005Z"` +
			` AND receiveTimestamp>="2026-03-01T11:00:00.000000005Z" AND receiveTimestamp<"2026-03-01T11:00:02.000000005Z" AND resource.labels.cluster_name="a\"b" AND (` + "\nx=1 OR y=2\n)": {
			Logs: []string{query.Activity}, Cluster: `a"b`, User: "x=1 OR y=2", From: at, To: at.Add(time.Second), ReceivedFrom: at, ReceivedTo: at.Add(2 * time.Second),
		},
	} {
		assert.Equal(t, want, q.String())
	}
}

func TestCheck(t *testing.T) {
	for filter, problem := range map[string]string{
		``:                                    ``,
		`resource.labels.cluster_name="prod"`: ``,
		`(a="b)" OR c=")\"(") AND NOT d:"x"`:  ``,
		"a=1\nb=2":                            ``,
		`a=1) OR (b=2`:                        `the parenthesis at byte 4 closes nothing`,
		`((a=1)`:                              `a parenthesis is not closed`,
		`a="x`:                                `the quote at byte 3 is not closed`,
		`a="x\"`:                              `the quote at byte 3 is not closed`,
		`a=')'`:                               `at byte 3 is a single quote; write strings in double quotes`,
		`a=1 -- )`:                            `at byte 5 is a comment; take it away`,
		"a=1\x00":                             `at byte 4 is the control character '\x00'`,
		strings.Repeat("a", 15_001):           `it has 15001 bytes, 15000 are possible`,
	} {
		err := query.Check(filter)
		if problem == "" {
			assert.NoError(t, err, filter)
			continue
		}
		assert.EqualError(t, err, problem, filter)
	}
}

// FuzzCheck: what passes cannot end the parentheses around it, read byte by byte.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`a="b" AND (c)`, `a) OR (b`, `"\")"`, `--)`, `')'`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		if query.Check(filter) != nil {
			return
		}
		text := query.Query{User: filter}.String()
		depth, quoted, ends := 0, false, 0
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '(':
				depth++
			case c == ')':
				if depth--; depth == 0 {
					ends = i
				}
			}
		}
		require.False(t, quoted)
		require.Zero(t, depth)
		if filter != "" {
			require.Equal(t, len(text)-1, ends)
		}
	})
}

func TestResource(t *testing.T) {
	for name, container := range map[string]string{
		"projects/acme-prod": "projects/acme-prod", "projects/example.com:acme": "projects/example.com:acme", "folders/123": "folders/123",
		"organizations/42": "organizations/42", "billingAccounts/01AB-CD": "billingAccounts/01AB-CD",
		"projects/p/locations/global/buckets/_Default/views/_AllLogs": "projects/p",
	} {
		require.NoError(t, query.CheckResource(name))
		assert.Equal(t, container, query.Container(name))
	}
	for _, name := range []string{"", "acme", "projects/", "projects/a/b", "projects/A", "folders/x", "projects/p/locations/global/buckets/b", "projects/p\n"} {
		assert.ErrorContains(t, query.CheckResource(name), "names nothing that has logs", name)
	}
}
