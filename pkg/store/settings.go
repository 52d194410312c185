package store

import (
	"flag"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/logger"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/memory"
)

var settings struct {
	once sync.Once
	err  error
}

// setUp gives the engine its settings, which are flags of the process to it, once in
// the life of the process. The command line is neither read nor changed: the set of
// flags that the process has counts as parsed for the moment in which the engine looks.
func setUp(mem int64, log *slog.Logger) error {
	settings.once.Do(func() {
		for _, f := range [][2]string{
			{"memory.allowedBytes", strconv.FormatInt(mem, 10)},
			{"loggerLevel", "ERROR"}, // its warnings quote rows
			// Mapped files count as the process's memory, until the kernel needs it: all of what
			// was ever read, and orchestrators end who has too much.
			{"fs.disableMmap", "true"},
			{"loggerDisableTimestamps", "true"},
		} {
			if err := flag.Set(f[0], f[1]); err != nil {
				settings.err = fmt.Errorf("store: set up the engine: %w", err)
				return
			}
		}
		logger.SetOutputForTests(engineLog{log})
		settings.err = fixMemory()
	})
	return settings.err
}

// fixMemory has the engine read its limit of memory now. It insists that the flags of
// the process have been parsed, which is not the store's to do: an empty set that has
// been takes their place for the length of the call.
func fixMemory() error {
	if !flag.Parsed() {
		own := flag.CommandLine
		defer func() { flag.CommandLine = own }()
		flag.CommandLine = flag.NewFlagSet("", flag.ContinueOnError)
		if err := flag.CommandLine.Parse(nil); err != nil {
			return fmt.Errorf("store: set up the engine: %w", err)
		}
	}
	memory.Allowed()
	return nil
}

// engineLog hands what the engine says to a logger of ours.
type engineLog struct{ to *slog.Logger }

func (l engineLog) Write(p []byte) (int, error) {
	l.to.Error("store: the engine reports", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
