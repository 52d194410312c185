package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTimeout is how long the embedded server may take to read its store: gigabytes
// without an index, after a crash.
const startTimeout = 2 * time.Minute

// askTimeout is how long the server may take to answer a question.
const askTimeout = 30 * time.Second

// engine is a connection to a server, which is the process's own if server is set.
// A full disk can only be left behind with a new one.
type engine struct {
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	gone   chan struct{} // closed with the engine
}

// startEngine connects to the server of a configuration; kick is called when the
// embedded one reports an error.
func startEngine(ctx context.Context, c *Config, kick func()) (*engine, error) {
	e := &engine{gone: make(chan struct{})}
	opts := []nats.Option{
		nats.Name("kubewitness"),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1), // what cannot be sent now fails now, and is not sent behind our back
		nats.NoEcho(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.Logger.Warn("spool: nats client", "error", err) }),
	}
	url := c.URL
	if c.Dir != "" {
		if err := e.startServer(c, kick); err != nil {
			return nil, err
		}
		url, opts = "", append(opts, nats.InProcessServer(e.server))
	}
	var err error
	if e.conn, err = nats.Connect(url, opts...); err != nil {
		e.close()
		return nil, fmt.Errorf("spool: connect to %s: %w", c.place(), err)
	}
	e.js, err = jetstream.New(e.conn, jetstream.WithPublishAsyncMaxPending(1<<16),
		jetstream.WithPublishAsyncTimeout(c.AppendTimeout), jetstream.WithDefaultTimeout(askTimeout))
	if err == nil {
		err = e.ensure(ctx, c)
	}
	if err != nil {
		e.close()
		return nil, fmt.Errorf("spool: %s: %w", c.place(), err)
	}
	return e, nil
}

// place names the store in messages, without credentials.
func (c *Config) place() string {
	if c.Dir != "" {
		return c.Dir
	}
	scheme, rest, found := strings.Cut(c.URL, "://")
	if !found {
		scheme, rest = "nats", c.URL
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	return scheme + "://" + rest
}

func (e *engine) startServer(c *Config, kick func()) error {
	s, err := server.NewServer(&server.Options{
		ServerName: "kubewitness",
		NoSigs:     true, // or it takes SIGTERM for itself
		DontListen: true,
		JetStream:  true,
		StoreDir:   c.Dir,
		SyncAlways: !c.noSync,
		// The store's own limits are the streams'; this one must only not be below them.
		JetStreamMaxStore:      2*(c.MaxBytes+c.DeadBytes) + 1<<30,
		JetStreamMaxMemory:     64 << 20,
		DisableJetStreamBanner: true,
		NoSystemAccount:        true,
	})
	if err != nil {
		return fmt.Errorf("spool: embedded server: %w", err)
	}
	s.SetLoggerV2(serverLog{c.Logger, kick}, false, false, false)
	s.Start()
	e.server = s
	if !s.ReadyForConnections(startTimeout) || !s.JetStreamEnabled() {
		e.close()
		return fmt.Errorf("spool: the embedded server does not start on %s; its log says why", c.Dir)
	}
	return nil
}

// close ends the connection and the embedded server, and waits for it.
func (e *engine) close() {
	close(e.gone)
	if e.conn != nil {
		e.conn.Close()
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
}

// health returns what the store reports about itself: an error means that a write
// failed and that the server will not answer another one.
func (e *engine) health() error {
	if e.server == nil {
		if !e.conn.IsConnected() {
			return fmt.Errorf("not connected to %s", e.conn.ConnectedUrlRedacted())
		}
		return nil
	}
	// Healthz gives its connections one millisecond to be ready; a busy machine is no
	// fault of the store.
	for _, h := range e.server.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if h.Type != server.HealthzErrorConn {
			return errors.New(h.Error)
		}
	}
	return nil
}

// maxPayload returns how many bytes a message may have.
func (e *engine) maxPayload(c *Config) int {
	const headers = 2 << 10 // of the dead letters' messages
	return min(c.MaxPayload, int(e.conn.MaxPayload())-headers)
}

// serverLog takes the embedded server's log. Its errors are news about the store.
type serverLog struct {
	log  *slog.Logger
	kick func()
}

// Noticef implements server.Logger.
func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}

// Warnf implements server.Logger.
func (l serverLog) Warnf(format string, v ...any) { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }

// Errorf implements server.Logger.
func (l serverLog) Errorf(format string, v ...any) {
	l.log.Error("nats: " + fmt.Sprintf(format, v...))
	l.kick()
}

// Fatalf implements server.Logger; unlike the server's own it does not exit.
func (l serverLog) Fatalf(format string, v ...any) { l.Errorf(format, v...) }

// Debugf implements server.Logger.
func (serverLog) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (serverLog) Tracef(string, ...any) {}
