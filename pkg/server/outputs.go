package server

import (
	"context"
	"fmt"
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
	"github.com/kubewitness/kubewitness/pkg/ingest/pubsub"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// remembered is how many events with detections each output knows to be written:
// an API server sends a batch again within minutes, or never.
const remembered = 1 << 17

// openOutputs opens the outputs that are configured.
func (s *Server) openOutputs(context.Context) error {
	o := s.cfg.Outputs
	opt := alert.Options{Hostname: s.opt.Hostname}
	if o.Stdout.Enabled {
		format, err := output.ParseFormat(o.Stdout.Format)
		if err != nil {
			return fmt.Errorf("outputs.stdout: %w", err)
		}
		opt := opt
		opt.Color = s.opt.Color
		s.addOutput(output.NewStream(output.StreamConfig{Name: "stdout", Writer: s.opt.Stdout, Format: format, Options: opt}))
	}
	if o.File.Path != "" {
		format, err := output.ParseFormat(o.File.Format)
		if err != nil {
			return fmt.Errorf("outputs.file: %w", err)
		}
		f, err := output.OpenFile(output.FileConfig{Name: "file", Path: o.File.Path, Format: format, Options: opt})
		if err != nil {
			return fmt.Errorf("outputs.file: %w", err)
		}
		s.addOutput(f)
	}
	if o.HTTP.URL != "" {
		h, err := s.newHTTPOutput(opt)
		if err != nil {
			return fmt.Errorf("outputs.http: %w", err)
		}
		s.addOutput(h)
	}
	return nil
}

// fromCloud tells whether an event came out of the log of a cloud, with whatever delay that
// has. What several events told together has no source of its own; there the last of them
// says where it is from.
func fromCloud(e *record.Event) bool {
	switch e.Source {
	case cloudlogging.Source, pubsub.Source:
		return true
	case record.SourceCorrelate:
		return e.Event.Root().Path("annotations", "gcp.kubewitness.io/insert-id").Exists()
	}
	return false
}

// addOutput puts a memory in front of an output: an event that comes twice is
// written once, and so is what both an audit log and a review of the request tell. Unless it is asked for, an output is not told what a log brings late.
func (s *Server) addOutput(out sink.Sink) {
	var front sink.Counted = sink.NewJoined(sink.NewOnce(out, record.NewRecent(remembered)))
	if !s.cfg.Outputs.Late {
		front = sink.NewTimely(front, sink.TimelyConfig{Leave: fromCloud, Now: time.Now, Told: func(n uint64) {
			s.logger.Info("detections of late events are not sent out; they are stored (outputs.late sends them)", "output", out.Name(), "detections", n)
		}})
	}
	s.feeds = append(s.feeds, &feed{sink: front, out: out, detections: true, logger: s.logger})
}

// reopen makes outputs let go of files that were rotated away.
func (s *Server) reopen() {
	for _, f := range s.feeds {
		file, ok := f.out.(interface{ Reopen() error })
		if !ok {
			continue
		}
		if err := file.Reopen(); err != nil {
			s.logger.Error("output not reopened, the next write tries again", "output", f.sink.Name(), "error", err)
		}
	}
}
