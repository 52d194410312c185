package kibana_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/kibana"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// answering is a server that answers each request in the same way.
func answering(t *testing.T, status int, header http.Header, body string) kibana.Config {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for k := range header {
			w.Header().Set(k, header.Get(k))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return kibana.Config{URL: server.URL, Timeout: time.Minute}
}

// TestImport holds what is sent against the documentation of the saved objects API.
func TestImport(t *testing.T) {
	tests := []struct {
		name  string
		set   func(*kibana.Config)
		path  string
		check func(*testing.T, *http.Request)
	}{
		{"user", func(c *kibana.Config) { c.Username, c.PasswordFile = "jane", file(t, "secret\n") }, "/api/saved_objects/_import", func(t *testing.T, r *http.Request) {
			user, password, ok := r.BasicAuth()
			assert.True(t, ok)
			assert.Equal(t, "jane secret", user+" "+password)
		}},
		{"key and space", func(c *kibana.Config) { c.APIKeyFile, c.Space = file(t, "a2V5"), "security" }, "/s/security/api/saved_objects/_import", func(t *testing.T, r *http.Request) {
			assert.Equal(t, "ApiKey a2V5", r.Header.Get("Authorization"))
		}},
		{"base path", func(c *kibana.Config) { c.URL += "/kibana/s/team/" }, "/kibana/s/team/api/saved_objects/_import", func(t *testing.T, r *http.Request) {
			assert.Empty(t, r.Header.Get("Authorization"))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, http.MethodPost, r.Method)
				assert.Equal(t, tt.path, r.URL.Path)
				assert.Equal(t, "overwrite=true", r.URL.RawQuery)
				assert.NotEmpty(t, r.Header.Get("kbn-xsrf"))
				assert.True(t, strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data; boundary="))
				part, header, err := r.FormFile("file")
				if !assert.NoError(t, err) {
					return
				}
				assert.True(t, strings.HasSuffix(header.Filename, ".ndjson"), "Kibana takes no other")
				content, err := io.ReadAll(part)
				assert.NoError(t, err)
				assert.Equal(t, string(kibana.NDJSON()), string(content))
				tt.check(t, r)
				fmt.Fprint(w, `{"successCount":75,"success":true,"warnings":[],"successResults":[{"type":"lens","id":"x","meta":{}}]}`)
			}))
			t.Cleanup(server.Close)
			ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
			cfg := kibana.Config{URL: server.URL, CAFile: file(t, string(ca)), Timeout: time.Minute}
			tt.set(&cfg)
			n, err := kibana.Import(t.Context(), cfg, kibana.NDJSON())
			require.NoError(t, err)
			assert.Equal(t, 75, n)
		})
	}
}

// TestImportRefused is the sentence for each way in which an import fails.
func TestImportRefused(t *testing.T) {
	asJSON := http.Header{"Content-Type": {"application/json"}}
	refusal := func(status int, message string) string {
		b, err := json.Marshal(map[string]any{"statusCode": status, "error": http.StatusText(status), "message": message})
		require.NoError(t, err)
		return string(b)
	}
	failed := func(e string) string {
		return `{"successCount":74,"success":false,"errors":[{"id":"kubewitness-x","type":"lens","title":"X","meta":{},"error":` + e + `}]}`
	}
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		want   string
	}{
		{"missing reference", 200, asJSON, failed(`{"type":"missing_references","references":[{"type":"index-pattern","id":"gone"}]}`),
			`74 objects are in and 1 are not; the first of these is the lens "kubewitness-x": it refers to the index-pattern "gone", which is not there`},
		{"unknown type", 200, asJSON, failed(`{"type":"unsupported_type"}`), "this Kibana has no objects of the type"},
		{"other", 200, asJSON, failed(`{"type":"unknown","message":"[lens]: types that failed\u001b[2J","statusCode":400}`), "[lens]: types that failed [2J"},
		{"no reason", 200, asJSON, `{"success":false,"successCount":3}`, "3 objects are in and others are not; Kibana does not say why"},
		{"newer", 400, asJSON, refusal(400, "Document \"x\" belongs to a more recent version of Kibana [8.9.0] when the last known version is [8.7.0]."), "belongs to a more recent version of Kibana [8.9.0] when the last known version is [8.7.0].; it may be older than 8.13"},
		{"password", 401, asJSON, refusal(401, "[security_exception]: unable to authenticate user"), "Kibana does not know this user and password, or this API key"},
		{"rights", 403, asJSON, refusal(403, "Unable to bulk_create lens"), "Kibana knows who asks and does not allow it (Unable to bulk_create lens)"},
		{"space", 404, asJSON, refusal(404, "Not Found"), "check the base path and the ID of the space"},
		{"size", 413, asJSON, refusal(413, "Payload content length greater than maximum allowed"), "takes no import of this size"},
		{"starting", 503, nil, "Kibana server is not ready yet", "Kibana is not ready yet"},
		{"login", 302, http.Header{"Location": {"/login?next=%2F"}}, "", "answers with a redirect (status 302)"},
		{"error", 500, asJSON, refusal(500, "An internal server error occurred."), "Kibana refuses with status 500: An internal server error occurred."},
		{"empty error", 502, nil, "", "Kibana refuses with status 502: it does not say why"},
		{"Elasticsearch", 400, http.Header{"X-Elastic-Product": {"Elasticsearch"}}, `{"error":"no handler found for uri [/api/saved_objects/_import]"}`, "this is Elasticsearch; the saved objects go to Kibana, whose port is usually 5601"},
		{"page", 200, nil, "<html>welcome</html>", "whatever stands at this URL is no Kibana"},
		{"other JSON", 200, asJSON, `{"ok":true}`, "whatever stands at this URL is no Kibana"},
		{"endless", 200, nil, strings.Repeat("x", 5<<20), "the answer is longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := answering(t, tt.status, tt.header, tt.body)
			cfg.Username, cfg.PasswordFile = "jane", file(t, "very-secret")
			_, err := kibana.Import(t.Context(), cfg, kibana.NDJSON())
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "very-secret")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// TestImportUnreachable has no Kibana at all, or none that is trusted.
func TestImportUnreachable(t *testing.T) {
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.Config.ErrorLog = log.New(io.Discard, "", 0) // it says that we do not trust it
	secured.StartTLS()
	t.Cleanup(secured.Close)
	plain := answering(t, 200, nil, "").URL
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	hangUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(hangUp.Close)
	stuck := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(stuck) })
	tests := []struct {
		name string
		cfg  kibana.Config
		want string
	}{
		{"no such name", kibana.Config{URL: "https://no-such-host.invalid"}, `the name "no-such-host.invalid" cannot be resolved`},
		{"nobody listens", kibana.Config{URL: "http://" + closed.Addr().String()}, closed.Addr().String() + " refuses connections"},
		{"unknown authority", kibana.Config{URL: secured.URL}, "signed by an authority that is not known here"},
		{"plain HTTP", kibana.Config{URL: "https" + strings.TrimPrefix(plain, "http")}, "speaks plain HTTP"},
		{"hangs up", kibana.Config{URL: hangUp.URL}, "the connection ended before there was a whole answer"},
		{"silent", kibana.Config{URL: silent.URL, Timeout: 50 * time.Millisecond}, "no answer in time"},
		{"no URL", kibana.Config{URL: "kibana:5601"}, "this is no URL of Kibana"},
		{"password in it", kibana.Config{URL: "https://jane:hunter2@kibana"}, "this is no URL of Kibana"},
		{"two spaces", kibana.Config{URL: "https://kibana/s/a", Space: "b"}, "give one of them"},
		{"space", kibana.Config{URL: "https://kibana", Space: "../x"}, "no ID of a space"},
		{"two identities", kibana.Config{URL: "https://kibana", APIKeyFile: "k", Username: "jane"}, "give one of them"},
		{"no file", kibana.Config{URL: "https://kibana", APIKeyFile: "nowhere"}, "nowhere"},
		{"lines", kibana.Config{URL: "https://kibana", APIKeyFile: file(t, "hunter2\nhunter3\n")}, "not one line of text"},
		{"no certificate", kibana.Config{URL: "https://kibana", CAFile: file(t, "x")}, "no certificate in it, as PEM"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.cfg.Timeout == 0 {
				tt.cfg.Timeout = time.Minute
			}
			_, err := kibana.Import(t.Context(), tt.cfg, kibana.NDJSON())
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "hunter")
		})
	}
}
