package elasticsearch

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOpen(t *testing.T) {
	some := []string{"http://es:9200"}
	for _, c := range []struct {
		name string
		cfg  Config
		want string // of the error
	}{
		{"nothing", Config{}, "there are no nodes and no cloud id"},
		{"both", Config{Nodes: some, CloudID: "x"}, "there are nodes and a cloud id"},
		{"two ways to say who", Config{Nodes: some, APIKeyFile: "x", Username: "y", PasswordFile: "z"}, "an API key and a user"},
		{"half a user", Config{Nodes: some, Username: "y"}, "a user and the file with the password go together"},
		{"half a certificate", Config{Nodes: some, KeyFile: "y"}, "a certificate and the file with its key go together"},
		{"a colon", Config{Nodes: some, Username: "a:b", PasswordFile: "x"}, "colon"},
		{"credentials in a URL", Config{Nodes: []string{"http://es:9200", "https://me:hush@es:9200"}}, "node 2 has credentials in its URL"},
		{"credentials in what is no URL", Config{Nodes: []string{"https://me:hush@es:port"}}, "node 1 is no URL"},
		{"no scheme", Config{Nodes: []string{"es:9200"}}, "node 1 is not of the form"},
		{"no host", Config{Nodes: []string{"https://:9200"}}, "node 1 is not of the form"},
		{"a query", Config{Nodes: []string{"https://es?pretty"}}, "node 1 has a query"},
		{"no file", Config{Nodes: some, APIKeyFile: filepath.Join("no", "such", "file")}, "the API key: open no"},
		{"an empty file", Config{Nodes: some, Username: "x", PasswordFile: file(t, "\n")}, "is empty"},
		{"a key of two lines", Config{Nodes: some, APIKeyFile: file(t, "hush\nhush")}, "has something else in it"},
		{"the API's answer", Config{Nodes: some, APIKeyFile: file(t, `{"id": "x", "encoded": "hush"}`)}, "has something else in it"},
		{"no certificates", Config{Nodes: some, CAFile: file(t, "hush")}, "has no certificate in PEM"},
		{"no certificate", Config{Nodes: some, CertFile: file(t, "hush"), KeyFile: file(t, "hush")}, "the certificate: files"},
		{"no cloud id", Config{CloudID: "prod:hush!"}, "the cloud id is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Now = atNoon
			_, err := Open(c.cfg)
			require.ErrorContains(t, err, c.want)
			assert.True(t, strings.HasPrefix(err.Error(), "elasticsearch: "))
			assert.NotContains(t, err.Error(), "hush")
		})
	}
}

func TestNodeURLs(t *testing.T) {
	cloud := func(text string) string { return "label:" + base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, c := range []struct {
		cfg  Config
		want []string
	}{
		{Config{Nodes: []string{"http://a:9200/", "https://b/es//", "https://[::1]:9200"}}, []string{"http://a:9200", "https://b/es", "https://[::1]:9200"}},
		{Config{CloudID: cloud("eu.example.com$abc$def")}, []string{"https://abc.eu.example.com:443"}},
		{Config{CloudID: cloud("eu.example.com:9243$abc")}, []string{"https://abc.eu.example.com:9243"}},
		{Config{CloudID: cloud("eu.example.com:9243$abc:9244$def")}, []string{"https://abc.eu.example.com:9244"}},
		{Config{CloudID: cloud("eu.example.com")}, nil},
		{Config{CloudID: cloud("eu.example.com$")}, nil},
		{Config{CloudID: cloud("eu.example.com/path?$abc")}, nil},
		{Config{CloudID: cloud("eu.example.com$me:hush@abc")}, nil},
	} {
		c.cfg.Now = atNoon
		got, err := c.cfg.check()
		if c.want == nil {
			assert.ErrorContains(t, err, "the cloud id is none")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
}
