package elastic

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/test/rig"
	"github.com/kubewitness/kubewitness/test/rig/elastic"
)

// open makes a client of a server; set changes its configuration.
func open(t testing.TB, s *elastic.Server, set func(*elasticsearch.Config)) *elasticsearch.Client {
	t.Helper()
	cfg := elasticsearch.Config{Nodes: []string{s.URL}, CAFile: s.CAFile, Username: s.User, Now: time.Now}
	if s.User != "" {
		cfg.PasswordFile = file(t, s.Password)
	}
	if set != nil {
		set(&cfg)
	}
	c, err := elasticsearch.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// file writes a file of the test's own.
func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// creates is a bulk body that creates documents with these ids.
func creates(ids ...string) []byte {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "{\"create\":{\"_id\":%q}}\n{\"a\":1}\n", id)
	}
	return []byte(b.String())
}

func TestInfo(t *testing.T) {
	t.Parallel()
	info, err := open(t, server(t), nil).Info(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "8.19.13", info.Version)
	assert.Equal(t, "kubewitness-test", info.Name)
	assert.NotEmpty(t, info.UUID)
}

// TestBulk asks for each outcome of an item that a server gives of its own accord, with
// bodies plain and packed.
func TestBulk(t *testing.T) {
	t.Parallel()
	for _, gzip := range []bool{false, true} {
		t.Run(fmt.Sprintf("gzip %t", gzip), func(t *testing.T) {
			c := open(t, server(t), func(cfg *elasticsearch.Config) { cfg.Gzip = gzip })
			index := fmt.Sprintf("test-client-bulk-%t", gzip)
			require.NoError(t, c.Do(t.Context(), http.MethodPut, "/"+index, []byte(`{"mappings":{"properties":{"at":{"type":"ip"}}}}`), nil))

			items, err := c.Bulk(t.Context(), index, creates("1", "2"), 2)
			require.NoError(t, err)
			created := elasticsearch.BulkItem{Status: http.StatusCreated, Index: index}
			assert.Equal(t, []elasticsearch.BulkItem{created, created}, items)

			body := append(creates("2", "3"), "{\"create\":{\"_id\":\"4\"}}\n{\"at\":\"nowhere\"}\n{\"delete\":{\"_id\":\"1\"}}\n"...)
			items, err = c.Bulk(t.Context(), index, body, 4)
			require.NoError(t, err)
			assert.Equal(t, elasticsearch.BulkItem{Status: http.StatusConflict, Index: index, Type: "version_conflict_engine_exception",
				Reason: "[2]: version conflict, document already exists (current version [1])"}, items[0])
			assert.Equal(t, created, items[1])
			assert.Equal(t, http.StatusBadRequest, items[2].Status)
			assert.Equal(t, "document_parsing_exception", items[2].Type)
			assert.Contains(t, items[2].Reason, "'nowhere' is not an IP string literal.", "what is behind the reason")
			assert.Equal(t, elasticsearch.BulkItem{Status: http.StatusOK, Index: index}, items[3])

			items, err = c.Bulk(t.Context(), "Not A/Name", creates("1"), 1)
			require.NoError(t, err)
			assert.Equal(t, "invalid_index_name_exception", items[0].Type)

			_, err = c.Bulk(t.Context(), index, []byte("{\n"), 1)
			var refused *elasticsearch.Refused
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, http.StatusBadRequest, refused.Status)
			assert.NotEmpty(t, refused.Type)
			assert.NotEmpty(t, refused.Reason)
		})
	}
}

// TestBulkAnswer holds that the server writes its answers as the client's short way of
// reading them expects (pkg/elasticsearch, readCreated); else that way is never taken.
func TestBulkAnswer(t *testing.T) {
	t.Parallel()
	resp, err := http.Post(server(t).URL+"/test-client-answer/_bulk?filter_path=error,status,errors,items.*.status,items.*._index,items.*.error.type",
		"application/x-ndjson", strings.NewReader(string(creates("1", "2"))))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, `{"errors":false,"items":[{"create":{"_index":"test-client-answer","status":201}},{"create":{"_index":"test-client-answer","status":201}}]}`, string(body))
}

// TestTooLarge sends more than the server takes, which it may refuse before it has read
// it.
func TestTooLarge(t *testing.T) {
	const most = 100 << 20 // http.max_content_length
	c := open(t, server(t), nil)
	body := []byte("{\"create\":{}}\n{\"a\":\"" + strings.Repeat("a", most) + "\"}\n")
	for range 3 {
		_, err := c.Bulk(t.Context(), "test-client-large", body, 1)
		var large *elasticsearch.TooLarge
		require.ErrorAs(t, err, &large)
		assert.Equal(t, len(body), large.Bytes)
	}
	packed := open(t, server(t), func(cfg *elasticsearch.Config) { cfg.Gzip = true })
	_, err := packed.Bulk(t.Context(), "test-client-large", body, 1)
	var large *elasticsearch.TooLarge
	assert.ErrorAs(t, err, &large, "what counts is the size before it is packed")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	c := open(t, server(t), nil)
	_, err := c.Bulk(t.Context(), "test-client-search", creates("1", "2", "3"), 3)
	require.NoError(t, err)
	require.NoError(t, c.Do(t.Context(), http.MethodPost, "/test-client-search/_refresh", nil, nil))

	pit, err := c.OpenPIT(t.Context(), "test-client-search", time.Minute)
	require.NoError(t, err)
	query, err := json.Marshal(map[string]any{"pit": map[string]string{"id": pit}, "size": 2, "sort": "_shard_doc"})
	require.NoError(t, err)
	raw, err := c.Search(t.Context(), "", query)
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(raw), `"_id"`))
	require.NoError(t, c.ClosePIT(t.Context(), pit))
	assert.NoError(t, c.ClosePIT(t.Context(), pit), "gone already")

	raw, err = c.Search(t.Context(), "test-client-search,test-client-sea*", []byte(`{"query":{"ids":{"values":["3"]}}}`))
	require.NoError(t, err)
	assert.Contains(t, string(raw), `"_id":"3"`)
	_, err = c.Search(t.Context(), "test-client-nothing", nil)
	var refused *elasticsearch.Refused
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "index_not_found_exception", refused.Type)
	assert.Equal(t, http.StatusNotFound, refused.Status)
}

// TestWho asks with each way to say who one is, right and wrong.
func TestWho(t *testing.T) {
	t.Parallel()
	s := secureServer(t)
	admin := open(t, s, nil)
	_, err := admin.Info(t.Context())
	require.NoError(t, err, "user and password")

	key := func(name string) string {
		var made struct{ Encoded string }
		rights := `{"name":"` + name + `","role_descriptors":{"writer":{"indices":[{"names":["test-who-may"],"privileges":["create_doc","auto_configure"]}]}}}`
		require.NoError(t, admin.Do(t.Context(), http.MethodPost, "/_security/api_key", []byte(rights), &made))
		return made.Encoded
	}
	require.NoError(t, admin.Do(t.Context(), http.MethodPut, "/test-who-may", nil, nil))
	path := file(t, key("first")+"\n")
	writer := open(t, s, func(cfg *elasticsearch.Config) {
		cfg.Username, cfg.PasswordFile, cfg.APIKeyFile = "", "", path
	})
	items, err := writer.Bulk(t.Context(), "test-who-may", creates("1"), 1)
	require.NoError(t, err, "API key")
	assert.Equal(t, http.StatusCreated, items[0].Status)
	items, err = writer.Bulk(t.Context(), "test-who-may-not", creates("1"), 1)
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, items[0].Status)
	assert.Equal(t, "security_exception", items[0].Type)
	err = writer.Do(t.Context(), http.MethodGet, "/test-who-may/_search", nil, nil)
	var refused *elasticsearch.Refused
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusForbidden, refused.Status)

	require.NoError(t, admin.Do(t.Context(), http.MethodDelete, "/_security/api_key", []byte(`{"name":"first"}`), nil))
	_, err = writer.Bulk(t.Context(), "test-who-may", creates("2"), 1)
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
	require.NoError(t, os.WriteFile(path, []byte(key("second")), 0o600))
	_, err = writer.Bulk(t.Context(), "test-who-may", creates("2"), 1)
	assert.NoError(t, err, "the key was replaced")

	wrong := open(t, s, func(cfg *elasticsearch.Config) { cfg.PasswordFile = file(t, "not-the-password") })
	_, err = wrong.Info(t.Context())
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
	assert.NotContains(t, err.Error(), "not-the-password")
}

// TestTrust asks over TLS with authorities and certificates, right and wrong.
func TestTrust(t *testing.T) {
	t.Parallel()
	s := secureServer(t)
	dir := t.TempDir()
	stranger := rig.NewAuthority(t, dir, "stranger")

	path := file(t, read(t, stranger.File))
	c := open(t, s, func(cfg *elasticsearch.Config) { cfg.CAFile = path })
	_, err := c.Info(t.Context())
	var unavailable *elasticsearch.Unavailable
	require.ErrorAs(t, err, &unavailable)
	var authority x509.UnknownAuthorityError
	assert.ErrorAs(t, err, &authority)
	assert.ErrorContains(t, err, "its certificate is signed by an authority that is not among those of the CA file")

	require.NoError(t, os.WriteFile(path, []byte(read(t, s.CAFile)), 0o600))
	_, err = c.Info(t.Context())
	assert.NoError(t, err, "the file was replaced")

	id := s.CA.Issue("client", "client")
	c = open(t, s, func(cfg *elasticsearch.Config) { cfg.CertFile, cfg.KeyFile = id.CertFile, id.KeyFile })
	_, err = c.Info(t.Context())
	assert.NoError(t, err, "a certificate is shown")

	plain := open(t, s, func(cfg *elasticsearch.Config) { cfg.Nodes = []string{"http" + strings.TrimPrefix(s.URL, "https")} })
	_, err = plain.Info(t.Context())
	require.ErrorAs(t, err, &unavailable)
	tls := open(t, server(t), func(cfg *elasticsearch.Config) {
		cfg.Nodes = []string{"https" + strings.TrimPrefix(server(t).URL, "http")}
	})
	_, err = tls.Info(t.Context())
	require.ErrorAs(t, err, &unavailable)
	assert.ErrorContains(t, err, "does not speak TLS")
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}
