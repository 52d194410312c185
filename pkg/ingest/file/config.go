package file

import (
	"context"
	"errors"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest"
)

// Defaults of Config.
const (
	DefaultMaxBody = 1 << 20
	DefaultMaxLine = 16<<20 + 64<<10 // more than the largest event that the intake takes by default
	DefaultPoll    = 250 * time.Millisecond
	DefaultLinger  = 2 * time.Second
)

// Taker takes in what was read; an *ingest.Intake. It returns nil only when all of
// the body is on disk.
type Taker interface {
	Take(ctx context.Context, b ingest.Body) (ingest.Receipt, error)
}

// Config says what to follow. Path, Position, Taker and Now are required.
type Config struct {
	Path     string // the log file; it need not exist yet
	Cluster  string // whose it is
	Position string // the file, of this tail alone, that the position is kept in; its folder must exist
	// FromStart reads a file that there is no position for from its first line. Otherwise
	// it is followed from its end. A file that appears later is always read whole.
	FromStart bool
	Taker     Taker
	MaxBody   int           // bytes handed over at once, longer lines excepted; 0: DefaultMaxBody
	MaxLine   int           // bytes of a line beyond which it is cut, at least MaxBody; 0: DefaultMaxLine
	Poll      time.Duration // how often the file is looked at; 0: DefaultPoll
	Linger    time.Duration // how long a renamed file must be left alone; 0: DefaultLinger
	Now       func() time.Time
}

func (c Config) check() (Config, error) {
	switch {
	case c.Path == "":
		return c, errors.New("file: no file to follow is named")
	case c.Position == "":
		return c, errors.New("file: no file to keep the position in is named")
	case c.Taker == nil || c.Now == nil:
		return c, errors.New("file: Config.Taker and Config.Now must be set")
	}
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxLine <= 0 {
		c.MaxLine = DefaultMaxLine
	}
	c.MaxLine = max(c.MaxLine, c.MaxBody)
	if c.Poll <= 0 {
		c.Poll = DefaultPoll
	}
	if c.Linger <= 0 {
		c.Linger = DefaultLinger
	}
	return c, nil
}
