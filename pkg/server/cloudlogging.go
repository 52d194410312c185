package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
)

// CloudLoggingFolder is where below the data folder the cursors of logs in Cloud Logging are, what a back-fill has read, and
// the read requests that are left.
const CloudLoggingFolder = "cloudlogging"

// pull is a log in Cloud Logging that is read.
type pull struct {
	follower *cloudlogging.Follower
}

// openCloudLogging opens the logs of the configuration; the intake is there.
func (s *Server) openCloudLogging(ctx context.Context) error {
	c := s.cfg.CloudLogging
	if !c.On() {
		return nil
	}
	dir := filepath.Join(s.cfg.Data, CloudLoggingFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cloudlogging: %w", err)
	}
	client, err := cloudlogging.Dial(ctx, cloudlogging.AccessOf(c.CredentialsFile, os.Getenv))
	if err != nil {
		return err
	}
	s.pulled = client
	quotas := &cloudlogging.Quotas{Dir: dir, PerMinute: c.RequestsPerMin, Now: time.Now}
	claims := new(cloudlogging.Claims)
	for _, r := range c.Resources {
		f, err := cloudlogging.NewFollower(cloudlogging.Config{
			Client: client, Resource: r, Filter: c.Filter, Folder: dir, Quotas: quotas, Taker: s.intake,
			Tail: c.Tail, Poll: c.Poll, Overlap: c.Overlap, Since: c.Since, Logger: s.logger, Now: time.Now,
		}, claims)
		if err != nil {
			return err
		}
		s.pulls = append(s.pulls, &pull{follower: f})
	}
	return nil
}

func (p *pull) run(ctx context.Context) error {
	p.follower.Run(ctx)
	return nil
}

// closeCloudLogging ends the connection.
func (s *Server) closeCloudLogging() error {
	if s.pulled == nil {
		return nil
	}
	client := s.pulled
	s.pulled = nil // after a Run it is closed a second time
	if err := client.Close(); err != nil {
		return errors.Join(errors.New("cloudlogging: close the connection"), err)
	}
	return nil
}
