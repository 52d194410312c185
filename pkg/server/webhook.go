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
	"time"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest/webhook"
	"github.com/kubewitness/kubewitness/pkg/listen"
	"github.com/kubewitness/kubewitness/pkg/watch"
)

// hook is the webhook with its listener, certificate and credentials.
type hook struct {
	cfg      config.Webhook
	handler  *webhook.Handler
	listener net.Listener
	keeper   *listen.Keeper // nil: plain HTTP
	watch    *watch.Watcher // of the secrets' files
	logger   *slog.Logger
}

func (s *Server) openWebhook(context.Context) error {
	c := s.cfg.Webhook
	if c.Listen == "" {
		return nil
	}
	h := &hook{cfg: c, logger: s.logger}
	cfg := webhook.Config{
		Intake: s.intake, DefaultCluster: c.DefaultCluster, Insecure: c.Insecure, MaxBody: int64(c.MaxBody), Now: time.Now,
		MaxInHand: max(webhook.DefaultMaxInHand, 2*int64(c.MaxBody)),
	}
	for _, cl := range s.cfg.Clusters {
		cfg.Clusters = append(cfg.Clusters, cl.Name)
	}
	var err error
	if h.handler, err = webhook.New(cfg); err != nil {
		return err
	}
	if !c.Insecure {
		h.watch = watch.New(watch.Config{Paths: h.secretFiles()}) // before they are read
		if err := h.readCredentials(); err != nil {
			return err
		}
		if h.keeper, err = listen.Open(h.tls()); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
	}
	if h.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	s.hook = h
	return nil
}

func (h *hook) tls() listen.Config {
	t := h.cfg.TLS
	return certificate("webhook", listen.Config{CertFile: t.CertFile, KeyFile: t.KeyFile, ClientCAFile: t.ClientCAFile}, h.logger)
}

// secretFiles are the files that tokens and secret paths are in.
func (h *hook) secretFiles() (files []string) {
	for _, c := range h.cfg.Credentials {
		files = append(files, c.TokenFile, c.PathSecretFile)
	}
	return files
}

// readCredentials reads tokens and secret paths and puts them in force.
func (h *hook) readCredentials() error {
	var all []webhook.Credential
	for _, c := range h.cfg.Credentials {
		token, err := readSecret(c.TokenFile)
		if err != nil {
			return fmt.Errorf("webhook: credential %q: %w", c.Name, err)
		}
		path, err := readSecret(c.PathSecretFile)
		if err != nil {
			return fmt.Errorf("webhook: credential %q: %w", c.Name, err)
		}
		all = append(all, webhook.Credential{Name: c.Name, Token: token, PathSecret: path, CertificateName: c.CertificateName, Clusters: c.Clusters})
	}
	return h.handler.SetCredentials(all)
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
func (h *hook) reload() {
	if h.keeper != nil {
		_ = h.keeper.Reload() // Refused has told it
	}
	h.reloadCredentials()
}

func (h *hook) reloadCredentials() {
	if h.cfg.Insecure {
		return
	}
	if err := h.readCredentials(); err != nil {
		h.logger.Error("credentials not loaded, those from before stay in force", "error", err)
		return
	}
	h.logger.Info("credentials loaded", "credentials", len(h.cfg.Credentials))
}

// serve takes requests until the context ends, and then answers those under way.
func (h *hook) serve(ctx context.Context) error {
	g := newGroup(ctx)
	defer g.work.Wait()
	defer g.end(nil)
	if h.keeper != nil {
		g.run("certificate", func(ctx context.Context) error {
			h.keeper.Run(ctx)
			return nil
		})
		g.run("credentials", func(ctx context.Context) error {
			h.watch.Run(ctx, func([]string) { h.reloadCredentials() })
			return nil
		})
	}
	// What goes wrong before a request is there is mostly the doing of strangers.
	srv := webhook.NewServer(h.handler, slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug))
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		closed <- srv.Shutdown(closing)
	})
	defer stop()
	var err error
	if h.keeper == nil {
		err = srv.Serve(h.listener)
	} else {
		srv.TLSConfig = h.keeper.TLS()
		err = srv.ServeTLS(h.listener, "", "")
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-closed; err != nil {
		h.logger.Warn("requests were broken off", "error", err)
		_ = srv.Close()
	}
	return nil
}
