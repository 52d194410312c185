package pubsub

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/kubewitness/kubewitness/pkg/ingest"
)

// nobody takes nothing.
type nobody struct{}

func (nobody) TakeGiven(context.Context, ingest.Given) (ingest.Receipt, error) {
	return ingest.Receipt{}, nil
}

// valid is a configuration that is right.
func valid() Config {
	return Config{Subscription: subscription, Taker: nobody{}, Logger: slog.New(slog.DiscardHandler), Now: time.Now}
}

func TestOpen(t *testing.T) {
	key := func(text string) string {
		file := filepath.Join(t.TempDir(), "key.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string // "": it opens
	}{
		"good":                {func(*Config) {}, ""},
		"no subscription":     {func(c *Config) { c.Subscription = "" }, "no subscription is named"},
		"a topic":             {func(c *Config) { c.Subscription = topic }, "is no subscription; write projects/PROJECT/subscriptions/NAME"},
		"no taker":            {func(c *Config) { c.Taker = nil }, "must be set"},
		"emulator here":       {func(c *Config) { c.Emulator = "127.0.0.1:8085" }, ""},
		"emulator by name":    {func(c *Config) { c.Emulator = "localhost:8085" }, ""},
		"emulator on IPv6":    {func(c *Config) { c.Emulator = "[::1]:8085" }, ""},
		"emulator elsewhere":  {func(c *Config) { c.Emulator = "pubsub.example:8085" }, "is another machine; an emulator is spoken to in plain text"},
		"emulator for all":    {func(c *Config) { c.Emulator = "0.0.0.0:8085" }, "is another machine"},
		"emulator not so":     {func(c *Config) { c.Emulator = "localhost.example:8085" }, "is another machine"},
		"emulator sans port":  {func(c *Config) { c.Emulator = "localhost" }, "is another machine"},
		"key":                 {func(c *Config) { c.CredentialsFile = key(`{"type":"service_account"}`) }, ""},
		"federation":          {func(c *Config) { c.CredentialsFile = key(`{"type":"external_account"}`) }, ""},
		"no file":             {func(c *Config) { c.CredentialsFile = "/nowhere/key.json" }, "credentials: open /nowhere/key.json"},
		"another kind":        {func(c *Config) { c.CredentialsFile = key(`{"type":"gdch_service_account"}`) }, "is neither a service account's key nor"},
		"no JSON":             {func(c *Config) { c.CredentialsFile = key("hunter2") }, "holds no JSON"},
		"JSON of other shape": {func(c *Config) { c.CredentialsFile = key(`{"type":["hunter2"]}`) }, "holds no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid()
			tt.change(&cfg)
			s, err := Open(cfg)
			if tt.want == "" {
				require.NoError(t, err)
				assert.Equal(t, Status{Subscription: subscription}, s.Status())
				return
			}
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// TestErrorsSayWhatToDo where that is known, and are told once.
func TestErrorsSayWhatToDo(t *testing.T) {
	for code, want := range map[codes.Code]string{
		codes.NotFound:         "there is no such subscription; create it, or correct pubsub.subscriptions: x",
		codes.PermissionDenied: "the service account may not consume the subscription; grant it roles/pubsub.subscriber there: x",
		codes.Unauthenticated:  "the credentials are not accepted; look at pubsub.credentials_file, or at Workload Identity: x",
		codes.Internal:         "Internal: x",
	} {
		cfg, told := valid(), &lines{}
		cfg.Logger = slog.New(slog.NewTextHandler(told, nil))
		s := newSubscription(cfg, nil)
		for range 3 {
			s.note(receiving, grpcstatus.Error(code, "x"))
		}
		assert.Equal(t, want, s.Status().LastError)
		assert.Equal(t, 1, strings.Count(told.String(), "held up"))
		s.note(storing, errors.New("full"))
		assert.Equal(t, want, s.Status().LastError)
		s.note(receiving, nil)
		assert.Equal(t, "full", s.Status().LastError, "that messages come says nothing about storing them")
		s.note(storing, nil)
		assert.Empty(t, s.Status().LastError)
		assert.Zero(t, s.Status().ErrorSince)
	}
}

// TestRecent forgets the oldest.
func TestRecent(t *testing.T) {
	r := newRecent()
	assert.False(t, r.add("first"))
	assert.True(t, r.add("first"))
	for i := range recentMessages {
		r.add(string(rune('a'+i%26)) + time.Duration(i).String())
	}
	assert.False(t, r.add("first"))
	assert.Len(t, r.has, recentMessages)
}
