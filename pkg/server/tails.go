package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/file"
)

// tailFolder is where below the data folder the positions of tails are.
const tailFolder = "tail"

// tail is a log that is followed.
type tail struct {
	file    string
	cluster string
	tail    *file.Tail
}

func (s *Server) openTails(context.Context) error {
	if len(s.cfg.Tail) == 0 {
		return nil
	}
	dir := filepath.Join(s.cfg.Data, tailFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("tail: %w", err)
	}
	for _, c := range s.cfg.Tail {
		name := sha256.Sum256([]byte(c.File))
		t, err := file.New(file.Config{
			Path: c.File, Cluster: s.cfg.TailCluster(c), Position: filepath.Join(dir, hex.EncodeToString(name[:8])),
			FromStart: c.FromStart, Taker: s.intake, Now: time.Now,
		})
		if err != nil {
			return fmt.Errorf("tail of %s: %w", c.File, err)
		}
		s.tails = append(s.tails, &tail{file: c.File, cluster: s.cfg.TailCluster(c), tail: t})
	}
	return nil
}

func (t *tail) run(ctx context.Context) error {
	t.tail.Run(ctx)
	return nil
}
