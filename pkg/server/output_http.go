package server

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

func (s *Server) newHTTPOutput(opt alert.Options) (sink.Sink, error) {
	c := s.cfg.Outputs.HTTP
	cfg := output.HTTPConfig{
		Name: "http", URL: c.URL, Timeout: c.Timeout, UserAgent: c.UserAgent,
		CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, Options: opt, Now: time.Now,
	}
	for _, h := range c.Headers {
		cfg.Headers = append(cfg.Headers, output.Header{Name: h.Name, ValueFile: h.ValueFile})
	}
	return output.NewHTTP(cfg)
}
