package store

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Defaults of Config.
const (
	DefaultRetention = 30 * 24 * time.Hour
	DefaultFreeFloor = 512 << 20
	DefaultMemory    = 160 << 20
	DefaultMaxRow    = 1 << 20
)

// Config says where a store is and what its limits are. Zero values stand for the
// defaults; Dir and Now are required.
type Config struct {
	// Dir is the folder of the store. One process at a time uses it.
	Dir string
	// Retention is how old a row gets; at least a day. Whole UTC days are removed.
	Retention time.Duration
	// MaxBytes is how many bytes the rows may take on disk; 0 is no limit. Beyond, the
	// oldest days go, but the last two days with rows always stay: on a small disk it
	// is FreeFloor that keeps room for others.
	MaxBytes int64
	// FreeFloor is how many bytes of the disk stay free: below, Write is ReadOnly.
	FreeFloor int64
	// KeepFree is how many bytes of the disk shall be free: below, the oldest days go, but
	// the last two with rows stay. 0: none go for that.
	KeepFree int64
	// Memory is how many bytes the engine's caches may take. There is one engine in a
	// process: of several stores the one that is opened first decides.
	Memory int64
	// MaxRow is how many raw bytes lie in a row; a longer body is kept in a file beside.
	// At most 1 MiB.
	MaxRow int
	// Logger gets what the store has to say. What the engine says goes to the logger of
	// the store that is opened first.
	Logger *slog.Logger
	// Now is the clock. The engine removes what is too old by the clock of the machine.
	Now func() time.Time
}

// withDefaults checks a configuration and fills it up.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Dir == "":
		return c, errors.New("store: a folder is needed")
	case c.Now == nil:
		return c, errors.New("store: a clock is needed")
	}
	orDefault(&c.Retention, DefaultRetention)
	orDefault(&c.FreeFloor, DefaultFreeFloor)
	orDefault(&c.Memory, DefaultMemory)
	orDefault(&c.MaxRow, DefaultMaxRow)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Retention < day || c.Retention > maxRetention:
		return c, fmt.Errorf("store: retention is %s; set one day to %d days", c.Retention, maxRetention/day)
	case c.MaxBytes < 0 || c.KeepFree < 0 || c.FreeFloor < 0 || c.Memory < 0:
		return c, errors.New("store: a limit is negative; set bytes")
	case c.MaxRow < 0 || c.MaxRow > DefaultMaxRow:
		return c, fmt.Errorf("store: rows of %d bytes; set at most %d", c.MaxRow, DefaultMaxRow)
	}
	return c, nil
}

func orDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

const (
	day = 24 * time.Hour
	// maxRetention keeps sums of times within 64 bits of nanoseconds.
	maxRetention = 100 * 365 * day
)
