package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest/gate"
	"github.com/kubewitness/kubewitness/pkg/ingest/webhook"
	"github.com/kubewitness/kubewitness/pkg/listen"
	"github.com/kubewitness/kubewitness/pkg/watch"
)

// endpoint is where clusters send to: a listener with its certificate and credentials,
// which are read again when their files change.
type endpoint struct {
	name        string // of its section in the configuration
	handler     http.Handler
	credentials []config.Credential
	set         func([]gate.Credential) error
	listener    net.Listener
	keeper      *listen.Keeper // nil: plain HTTP
	watch       *watch.Watcher // of the secrets' files; nil: no credential is asked for
	logger      *slog.Logger
}

// open reads credentials, unless none are asked for, and certificate, unless it is plain
// HTTP, and listens.
func (e *endpoint) open(address string, tls config.WebhookTLS, insecure, anybody bool) (err error) {
	if !insecure && !anybody {
		e.watch = watch.New(watch.Config{Paths: e.secretFiles()}) // before they are read
		if err := e.readCredentials(); err != nil {
			return err
		}
	}
	if !insecure {
		files := listen.Config{CertFile: tls.CertFile, KeyFile: tls.KeyFile, ClientCAFile: tls.ClientCAFile}
		if e.keeper, err = listen.Open(certificate(e.name, files, e.logger)); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	if e.listener, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return nil
}

// secretFiles are the files that tokens and secret paths are in.
func (e *endpoint) secretFiles() (files []string) {
	for _, c := range e.credentials {
		files = append(files, c.TokenFile, c.PathSecretFile)
	}
	return files
}

// readCredentials reads tokens and secret paths and puts them in force.
func (e *endpoint) readCredentials() error {
	var all []gate.Credential
	for _, c := range e.credentials {
		token, err := readSecret(c.TokenFile)
		if err != nil {
			return fmt.Errorf("%s: credential %q: %w", e.name, c.Name, err)
		}
		path, err := readSecret(c.PathSecretFile)
		if err != nil {
			return fmt.Errorf("%s: credential %q: %w", e.name, c.Name, err)
		}
		all = append(all, gate.Credential{Name: c.Name, Token: token, PathSecret: path, CertificateName: c.CertificateName, Clusters: c.Clusters})
	}
	return e.set(all)
}

// readSecret gives the content of a file without white space around it; "" for no
// file.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return "", fmt.Errorf("%s is empty", path)
	}
	return string(b), nil
}

// reload reads certificate and credentials again, as when their files change.
func (e *endpoint) reload() {
	if e.keeper != nil {
		_ = e.keeper.Reload() // Refused has told it
	}
	e.reloadCredentials()
}

func (e *endpoint) reloadCredentials() {
	if e.watch == nil {
		return
	}
	if err := e.readCredentials(); err != nil {
		e.logger.Error("credentials not loaded, those from before stay in force", "error", err)
		return
	}
	e.logger.Info("credentials loaded", "endpoint", e.name, "credentials", len(e.credentials))
}

// serve takes requests until the context ends, and then answers those under way.
func (e *endpoint) serve(ctx context.Context) error {
	g := newGroup(ctx)
	defer g.work.Wait()
	defer g.end(nil)
	if e.keeper != nil {
		g.run("certificate", func(ctx context.Context) error {
			e.keeper.Run(ctx)
			return nil
		})
	}
	if e.watch != nil {
		g.run("credentials", func(ctx context.Context) error {
			e.watch.Run(ctx, func([]string) { e.reloadCredentials() })
			return nil
		})
	}
	// What goes wrong before a request is there is mostly the doing of strangers.
	srv := webhook.NewServer(e.handler, slog.NewLogLogger(e.logger.Handler(), slog.LevelDebug))
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		closed <- srv.Shutdown(closing)
	})
	defer stop()
	var err error
	if e.keeper == nil {
		err = srv.Serve(e.listener)
	} else {
		srv.TLSConfig = e.keeper.TLS()
		err = srv.ServeTLS(e.listener, "", "")
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-closed; err != nil {
		e.logger.Warn("requests were broken off", "error", err)
		_ = srv.Close()
	}
	return nil
}
