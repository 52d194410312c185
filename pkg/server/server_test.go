package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/config"
)

const execRule = `
- rule: Exec
  desc: d
  condition: ka.target.subresource = exec
  output: exec by %ka.user.name
  priority: NOTICE
  source: k8s_audit
`

// event is an audit event of an exec.
func event(id, user string, at time.Time) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":%q,"stage":"ResponseComplete",`+
		`"requestURI":"/x","verb":"get","user":{"username":%q},"objectRef":{"resource":"pods","subresource":"exec"},"stageTimestamp":%q}`,
		id, user, at.UTC().Format(time.RFC3339Nano))
}

// output is a buffer that one goroutine writes and others look at.
type outputBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *outputBuffer) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *outputBuffer) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// service is a server that runs.
type service struct {
	*Server
	out, told outputBuffer
	reload    chan struct{}
	stop      func() error
}

func testConfig(t *testing.T) config.Config {
	cfg := config.Default()
	cfg.Data = t.TempDir()
	cfg.Webhook.Listen = "127.0.0.1:0"
	cfg.Webhook.Insecure = true
	cfg.Webhook.DefaultCluster = "prod"
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.Spool.FreeFloor = 1
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte(execRule), 0o600))
	cfg.Rules.Paths = []string{rules}
	return cfg
}

func start(t *testing.T, cfg config.Config) *service {
	t.Helper()
	s := &service{reload: make(chan struct{}, 1)}
	var err error
	s.Server, err = New(t.Context(), cfg, Options{
		Hostname: "host", Stdout: &s.out, Reload: s.reload,
		Logger: slog.New(slog.NewTextHandler(&s.told, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	s.stop = func() (err error) {
		once.Do(func() {
			cancel()
			err = <-ended
		})
		return err
	}
	t.Cleanup(func() { _ = s.stop() })
	return s
}

func (s *service) post(t *testing.T, path, body string) int {
	t.Helper()
	res, err := http.Post("http://"+s.WebhookAddr()+path, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer res.Body.Close()
	return res.StatusCode
}

func (s *service) get(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := http.Get("http://" + s.HTTPAddr() + path)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

// until waits for something that another goroutine does.
func (s *service) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, 20*time.Second, 10*time.Millisecond, "%s\noutput:\n%s\ntold:\n%s", what, &s.out, &s.told)
}

func (s *service) metric(t *testing.T, line string) bool {
	_, text := s.get(t, "/metrics")
	return strings.Contains(text, line+"\n")
}

func TestDetectionsComeOutOnce(t *testing.T) {
	s := start(t, testConfig(t))
	s.until(t, "it gets ready", func() bool { code, _ := s.get(t, "/readyz"); return code == http.StatusOK })
	body := event("a-1", "jane", time.Now())
	require.Equal(t, http.StatusOK, s.post(t, "/audit/prod?timeout=30s", body))
	require.Equal(t, http.StatusOK, s.post(t, "/audit/prod?timeout=30s", body), "an API server sends a batch again that it saw no answer to")
	require.Equal(t, http.StatusOK, s.post(t, "/", "no events"))
	s.until(t, "the detection comes out", func() bool { return strings.Contains(s.out.String(), "exec by jane") })
	for _, line := range []string{
		`kubewitness_ingest_events_total{cluster="prod",source="webhook"} 1`,
		`kubewitness_ingest_known_events_total{cluster="prod",source="webhook"} 1`,
		`kubewitness_ingest_dead_letters_total{cluster="prod",source="webhook"} 1`,
		`kubewitness_rule_matches_total{priority="Notice",rule="Exec"} 1`,
		`kubewitness_webhook_answers_total{code="200"} 3`,
		`kubewitness_sink_detections_total{sink="stdout"} 1`,
		`kubewitness_rules_enabled 1`,
		`kubewitness_spool_up 1`,
	} {
		s.until(t, line, func() bool { return s.metric(t, line) })
	}
	_, status := s.get(t, "/status")
	assert.Contains(t, status, `"name": "stdout"`)
	code, _ := s.get(t, "/healthz")
	assert.Equal(t, http.StatusOK, code)
	require.NoError(t, s.stop())
	assert.Equal(t, 1, strings.Count(s.out.String(), "exec by jane"))
	assert.NotContains(t, s.told.String(), "level=ERROR")
}

// TestRestartGoesOn: what was acknowledged and not put out comes out after the
// next start, and nothing twice.
func TestRestartGoesOn(t *testing.T) {
	cfg := testConfig(t)
	cfg.Outputs.Stdout.Enabled = false
	cfg.Outputs.File.Path = filepath.Join(t.TempDir(), "detections.jsonl")
	s := start(t, cfg)
	require.Equal(t, http.StatusOK, s.post(t, "/", event("a-1", "jane", time.Now())))
	require.NoError(t, s.stop())
	s = start(t, cfg)
	require.Equal(t, http.StatusOK, s.post(t, "/", event("a-2", "john", time.Now())))
	require.NoError(t, s.stop())
	b, err := os.ReadFile(cfg.Outputs.File.Path)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(b), "exec by jane"), "%s", b)
	assert.Equal(t, 1, strings.Count(string(b), "exec by john"), "%s", b)
}

func TestRulesAreLoadedAgain(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	rules := cfg.Rules.Paths[0]
	write := func(text string) { require.NoError(t, os.WriteFile(rules, []byte(text), 0o600)) }

	write(strings.Replace(execRule, "exec by", "EXEC by", 1))
	s.until(t, "changed files are noticed", func() bool { return s.metric(t, "kubewitness_rules_reloads_total 1") })
	require.Equal(t, http.StatusOK, s.post(t, "/", event("a-1", "jane", time.Now())))
	s.until(t, "the new rules are in force", func() bool { return strings.Contains(s.out.String(), "EXEC by jane") })

	write("- rule: broken\n  condition: (\n")
	s.until(t, "errors are told", func() bool { return s.metric(t, "kubewitness_rules_reload_failing 1") })
	require.Equal(t, http.StatusOK, s.post(t, "/", event("a-2", "john", time.Now())))
	s.until(t, "the old rules stay in force", func() bool { return strings.Contains(s.out.String(), "EXEC by john") })
	assert.Contains(t, s.told.String(), "those from before stay in force")
	code, _ := s.get(t, "/readyz")
	assert.Equal(t, http.StatusOK, code)

	write(execRule)
	s.reload <- struct{}{}
	s.until(t, "a signal loads them too", func() bool { return s.metric(t, "kubewitness_rules_reload_failing 0") })
}

// TestWebhookLosesWhatTheLogHas: an event that the API server's own log has and its
// webhook never sent is judged all the same, and the loss is told.
func TestWebhookLosesWhatTheLogHas(t *testing.T) {
	cfg := testConfig(t)
	log := filepath.Join(t.TempDir(), "audit.log")
	cfg.Tail = []config.Tail{{File: log, Cluster: "prod", FromStart: true}}
	cfg.Webhook.Patience = time.Second
	s := start(t, cfg)
	require.Equal(t, http.StatusOK, s.post(t, "/audit/prod", event("heard", "jane", time.Now())))
	both, blind := event("both", "john", time.Now().Add(time.Second)), event("blind", "mallory", time.Now().Add(time.Second))
	require.NoError(t, os.WriteFile(log, []byte(both+"\n"+blind+"\n"), 0o600))
	s.until(t, "the log is judged", func() bool { return strings.Contains(s.out.String(), "exec by mallory") })
	item := strings.Replace(both, `"kind":"Event","apiVersion":"audit.k8s.io/v1",`, "", 1) // those of a list say no kind
	require.Equal(t, http.StatusOK, s.post(t, "/audit/prod", `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`+item+`]}`))
	s.until(t, "the loss is told", func() bool { return s.metric(t, `kubewitness_webhook_lost_events_total{cluster="prod"} 1`) })
	s.until(t, "and logged, which is after it is counted", func() bool { return strings.Contains(s.told.String(), "the webhook lost events") })
	require.NoError(t, s.stop())
	assert.Equal(t, 1, strings.Count(s.out.String(), "exec by john"), "what both have counts once")
}

func TestBadStart(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*config.Config)
		want  string
	}{
		"rules with errors": {func(c *config.Config) {
			require.NoError(t, os.WriteFile(c.Rules.Paths[0], []byte("- rule: x\n"), 0o600))
		}, "the rules have errors"},
		"no rules file": {func(c *config.Config) { c.Rules.Paths = []string{"/nowhere/rules.yaml"} }, "/nowhere/rules.yaml"},
		"no folder":     {func(c *config.Config) { c.Outputs.File.Path = "/nowhere/out" }, "/nowhere"},
		"no certificate": {func(c *config.Config) {
			c.Webhook.Insecure = false
			c.Webhook.TLS = config.WebhookTLS{CertFile: "/nowhere/tls.crt", KeyFile: "/nowhere/tls.key"}
		}, "/nowhere/tls.crt"},
		"address of others":  {func(c *config.Config) { c.Webhook.Listen = "192.0.2.1:1" }, "webhook: listen"},
		"http, none of ours": {func(c *config.Config) { c.HTTP.Listen = "192.0.2.1:1" }, "http: listen"},
		"no file of a token": {func(c *config.Config) {
			c.Webhook.Insecure = false
			c.Webhook.Credentials = []config.Credential{{Name: "prod", TokenFile: "/nowhere/token", Clusters: []string{"prod"}}}
		}, `credential "prod"`},
		"bad pattern": {func(c *config.Config) { c.Redact.Keys = []string{""} }, "redact"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			tt.spoil(&cfg)
			_, err := New(t.Context(), cfg, Options{Stdout: io.Discard, Logger: slog.New(slog.DiscardHandler)})
			require.ErrorContains(t, err, tt.want)
			// Everything that was opened is let go of.
			again, err := New(t.Context(), testConfigIn(t, cfg.Data), Options{Stdout: io.Discard, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			require.NoError(t, again.Close())
		})
	}
}

func testConfigIn(t *testing.T, dir string) config.Config {
	cfg := testConfig(t)
	cfg.Data = dir
	return cfg
}

func TestOnlyLocal(t *testing.T) {
	s := start(t, testConfig(t))
	for name, tt := range map[string]struct {
		host, origin string
		want         int
	}{
		"its own address":        {want: http.StatusOK},
		"localhost":              {host: "localhost:8080", want: http.StatusOK},
		"IPv6":                   {host: "[::1]:8080", want: http.StatusOK},
		"a name pointed here":    {host: "evil.example:8080", want: http.StatusForbidden},
		"looks like a loopback":  {host: "127.0.0.1.evil.example", want: http.StatusForbidden},
		"no host":                {host: " ", want: http.StatusForbidden},
		"a page of another site": {origin: "https://evil.example", want: http.StatusForbidden},
		"its own page":           {host: "localhost:8080", origin: "http://localhost:8080", want: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodGet, "http://"+s.HTTPAddr()+"/healthz", nil)
			require.NoError(t, err)
			if tt.host != "" {
				req.Host = strings.TrimSpace(tt.host)
				if req.Host == "" {
					req.Host = "nobody"
				}
			}
			if tt.origin != "" {
				req.Header.Set("Origin", tt.origin)
			}
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			res.Body.Close()
			assert.Equal(t, tt.want, res.StatusCode)
		})
	}
}
