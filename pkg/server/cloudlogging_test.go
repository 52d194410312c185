package server

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
	logserver "github.com/kubewitness/kubewitness/test/cloudlogging"
)

// following is a configuration that reads a Cloud Logging of the test.
func following(t *testing.T) (config.Config, *logserver.Server) {
	log := logserver.New(t)
	t.Setenv(cloudlogging.EndpointVariable, log.Addr())
	cfg := testConfig(t)
	cfg.CloudLogging.Resources = []string{logserver.Project}
	cfg.CloudLogging.Since, cfg.CloudLogging.RequestsPerMin = 10*time.Hour, 100_000
	return cfg, log
}

func (s *service) page(t *testing.T, path string) string {
	t.Helper()
	res, err := http.Get("http://" + s.HTTPAddr() + path)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(text)
}

// TestCloudLogging: entries of Cloud Logging get through the durable log into the store, and how far it is read is told; a
// second service on the folder goes on there.
func TestCloudLogging(t *testing.T) {
	cfg, log := following(t)
	log.Add(logserver.Entries(0, 100, time.Now().Add(-time.Hour), time.Second)...)
	for lives, total := range []uint64{100, 103} {
		s := start(t, cfg)
		if lives == 0 {
			require.Eventually(t, func() bool { open, _ := log.Tails(); return open == 1 }, time.Minute, time.Millisecond)
		} else {
			log.Add(logserver.Entries(100, int(total), time.Now(), time.Millisecond)...)
		}
		require.Eventually(t, func() bool { return s.archive.store.Stats().Written >= total-uint64(100*lives) }, time.Minute, time.Millisecond)
		var status struct {
			State        string
			CloudLogging []cloudlogging.Status
		}
		require.NoError(t, json.Unmarshal([]byte(s.page(t, "/status")), &status))
		assert.Equal(t, "open", status.State)
		require.Len(t, status.CloudLogging, 1)
		assert.Equal(t, logserver.Project, status.CloudLogging[0].Resource)
		assert.EqualValues(t, total-uint64(100*lives), status.CloudLogging[0].Entries)
		assert.Contains(t, s.page(t, "/metrics"), `kubewitness_cloudlogging_failing{resource="projects/acme"} 0`)
		require.NoError(t, s.stop())
	}
	s := start(t, cfg)
	assert.EqualValues(t, 103, s.archive.store.Stats().Rows)
}

// TestCloudLoggingNotOpened: the service says why it does not begin.
func TestCloudLoggingNotOpened(t *testing.T) {
	cfg, _ := following(t)
	for problem, change := range map[string]func(){
		"is not this machine":          func() { t.Setenv(cloudlogging.EndpointVariable, "logging.example:443") },
		"credentials: open /not/there": func() { t.Setenv(cloudlogging.EndpointVariable, ""); cfg.CloudLogging.CredentialsFile = "/not/there" },
		"names nothing that has logs": func() {
			t.Setenv(cloudlogging.EndpointVariable, "127.0.0.1:1")
			cfg.CloudLogging.Resources = []string{"acme"}
		},
		"the parenthesis at byte 4 clo": func() {
			t.Setenv(cloudlogging.EndpointVariable, "127.0.0.1:1")
			cfg.CloudLogging.Filter = "a=1) OR (b=2"
		},
	} {
		before := cfg
		change()
		_, err := New(t.Context(), cfg, Options{Stdout: io.Discard, Logger: slog.New(slog.DiscardHandler)})
		assert.ErrorContains(t, err, problem)
		cfg = before
	}
}
