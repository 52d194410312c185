package server

import (
	"context"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/webhook"
)

// hook is the webhook at its endpoint.
type hook struct {
	endpoint
	handler *webhook.Handler
}

func (s *Server) openWebhook(context.Context) error {
	c := s.cfg.Webhook
	if c.Listen == "" {
		return nil
	}
	cfg := webhook.Config{
		Intake: s.intake, DefaultCluster: c.DefaultCluster, Insecure: c.Insecure, MaxBody: int64(c.MaxBody), Now: time.Now,
		MaxInHand: max(webhook.DefaultMaxInHand, 2*int64(c.MaxBody)),
	}
	for _, cl := range s.cfg.Clusters {
		cfg.Clusters = append(cfg.Clusters, cl.Name)
	}
	handler, err := webhook.New(cfg)
	if err != nil {
		return err
	}
	h := &hook{handler: handler, endpoint: endpoint{
		name: "webhook", handler: handler, credentials: c.Credentials, set: handler.SetCredentials, logger: s.logger,
	}}
	if err := h.open(c.Listen, c.TLS, c.Insecure, false); err != nil {
		return err
	}
	s.hook = h
	return nil
}
