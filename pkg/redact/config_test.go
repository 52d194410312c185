package redact

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func TestConfig(t *testing.T) {
	raw := []byte(request("configmaps", `{"data":{"pin":"1","db-password":"keep"}}`))
	r, err := New(Config{Keys: []string{"PI?"}, OptOut: []string{"lab"}})
	require.NoError(t, err)
	out, paths, changed := r.Event(&audit.Event{Raw: raw})
	assert.True(t, changed)
	assert.Equal(t, []string{"/requestObject/data/pin"}, paths)
	assert.Contains(t, string(out), "keep")

	out, paths, changed = r.Event(&audit.Event{Raw: raw, Cluster: "lab"})
	assert.False(t, changed)
	assert.Nil(t, paths)
	assert.Equal(t, &raw[0], &out[0], "the very bytes")
	e := &audit.Event{Raw: raw, Cluster: "lab"}
	stored, _ := r.Redacted(e)
	assert.Same(t, e, stored)
}

func TestConfigErrors(t *testing.T) {
	_, err := New(Config{EnvNames: []string{"x", ""}})
	assert.EqualError(t, err, "redact: an empty pattern of names; remove it, or write * for every name")
	_, err = New(Config{Except: []string{strings.Repeat("x", 300)}})
	assert.ErrorContains(t, err, "has 300 bytes, the limit is 256")
}

func TestNames(t *testing.T) {
	r := redactor(t)
	for name, want := range map[string]bool{
		"DB_PASSWORD": true, " db.password\t": true, "PGPASSWORD": true, "AWS_SECRET_ACCESS_KEY": true, "tls.key": true,
		"API_KEY": true, "github-token": true, ".dockerconfigjson": true, "MYSQL_PWD": true, "pass": true,
		"PWD": false, "AWS_ACCESS_KEY_ID": false, "PASSWORD_FILE": false, "secretName": false, "tls.crt": false,
		"TOKEN_TTL": false, "LOG_LEVEL": false, "compass": false, "username": false, "": false,
		strings.Repeat("x", 1000) + "_token": true,
	} {
		assert.Equal(t, want, r.keys.match([]byte(name)), name)
	}
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"a*c", "abc", true}, {"a*c", "abcd", false}, {"a?c", "ac", false}, {"*a*b*", "xaxbx", true}, {"*", "", true},
		{"*", "x", true}, {"a*b*c", "abbc", true}, {"?", "x", true}, {"x", "xx", false}, {"**x", "x", true}, {"x*", "xy", true},
	} {
		p := newPatterns([]string{c.glob})
		assert.Equal(t, c.want, p.match([]byte(c.name)), "%s %s", c.glob, c.name)
	}
}

func TestNotJSON(t *testing.T) {
	r := redactor(t)
	for _, raw := range []string{`{"secret`, `secret`, `{"a":"secret"}{"data":"canary"}`, `["secret",]`, `{"secret":}`} {
		out, paths, changed := r.Event(&audit.Event{Raw: []byte(raw)})
		assert.Equal(t, `"`+Marker+`"`, string(out), raw)
		assert.Equal(t, []string{""}, paths)
		assert.True(t, changed)
	}
	out, _, changed := r.Event(&audit.Event{})
	assert.Empty(t, out)
	assert.False(t, changed)
}

func TestRedactedEvent(t *testing.T) {
	r := redactor(t)
	e := &audit.Event{Raw: []byte(`{"auditID":"` + jwt + `","stage":"Panic"}`), AuditID: jwt, Stage: "Panic", Cluster: "c", Input: "i", Line: 7, Offset: 9}
	stored, paths := r.Redacted(e)
	assert.Equal(t, []string{"/auditID"}, paths)
	assert.Equal(t, Marker, stored.AuditID)
	assert.Equal(t, "Panic", stored.Stage)
	assert.Equal(t, int64(7), stored.Line)
	assert.Equal(t, jwt, e.AuditID)
}
