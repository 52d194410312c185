package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
)

// Defaults of Config.
const (
	DefaultStream        = "KUBEWITNESS"
	DefaultMaxBytes      = 8 << 30
	DefaultDeadBytes     = 256 << 20
	DefaultMaxPayload    = 1<<20 - 4<<10
	DefaultMaxRecord     = 128 << 20
	DefaultMaxQueued     = 64 << 20
	DefaultFreeFloor     = 512 << 20
	DefaultGroupWait     = 5 * time.Millisecond
	DefaultAppendTimeout = 10 * time.Second
	DefaultRetryAfter    = 3 * time.Second
	DefaultAckWait       = 30 * time.Second
)

// Config says where a log is and what its limits are. Zero values stand for the
// defaults; Now, and one of Dir and URL, are required.
type Config struct {
	// Dir is the folder of the embedded store. One process at a time uses it.
	Dir string
	// URL is an external server, such as nats://host:4222, used instead of Dir.
	URL string
	// Replicas is how many servers of an external cluster store each message; 1.
	Replicas int
	// Stream is the name of the stream; letters, digits, "-" and "_".
	Stream string
	// Consumers are the names of all that read the log; letters, digits, "-" and "_".
	// A name that is new starts with the next record; one that is gone loses its
	// cursor and what only it had still to read. Without any, the log keeps the
	// newest MaxBytes and drops the oldest.
	Consumers []string

	// MaxBytes is how many bytes the log stores at most. With consumers, Append is
	// Full beyond.
	MaxBytes int64
	// DeadBytes is how many bytes of dead letters are kept; beyond, the oldest go.
	DeadBytes int64
	// MaxPayload is how many bytes a message has at most; what is larger is cut into
	// chunks. The server's own limit is observed in any case.
	MaxPayload int
	// MaxRecord is how many bytes the encoding of one record has at most.
	MaxRecord int
	// MaxQueued is how many bytes wait to be written at most.
	MaxQueued int64
	// FreeFloor is how many bytes of the disk under Dir stay free.
	FreeFloor int64
	// Quota is how many unsettled bytes, compressed, a cluster may have in the log;
	// 0 is no limit. Quotas holds exceptions by cluster.
	Quota  int64
	Quotas map[string]int64

	// GroupWait is how long a record waits for a write that is under way before it
	// goes off on its own.
	GroupWait time.Duration
	// AppendTimeout is how long an Append waits for the store: the server never
	// answers a write that failed.
	AppendTimeout time.Duration
	// RetryAfter is what Full tells the sender.
	RetryAfter time.Duration
	// AckWait is how long the server waits for a consumer that has vanished before
	// it delivers again; a handler at work is not hurried by it.
	AckWait time.Duration
	// TornAfter is how old a record's first chunk is when chunks that another writer
	// has not completed are discarded; twice AppendTimeout.
	TornAfter time.Duration

	// OnDead takes the dead letters of consumers. Without it they are kept beside the
	// log, for DeadLetters. An error of it is retried until it takes them.
	OnDead func(context.Context, Dead) error
	// Logger gets what the embedded server has to say, and what the log does about it.
	Logger *slog.Logger
	// Now is the clock.
	Now func() time.Time

	// What Inspect and tests change.
	readOnly  bool                            // streams and consumers stay as they are
	noSync    bool                            // writes without fsync
	freeSpace func(dir string) (int64, error) // free bytes of the disk under a folder
	recheck   time.Duration                   // how often disk, health and consumers are looked at
}

// leastPayload is how many bytes a message must be allowed to have.
const leastPayload = 4 << 10

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// withDefaults checks a configuration and fills it up.
func (c Config) withDefaults() (Config, error) {
	if (c.Dir == "") == (c.URL == "") {
		return c, errors.New("spool: set one of dir and url")
	}
	if c.Now == nil {
		return c, errors.New("spool: a clock is needed")
	}
	orDefault(&c.Replicas, 1)
	orDefault(&c.Stream, DefaultStream)
	orDefault(&c.MaxBytes, DefaultMaxBytes)
	orDefault(&c.DeadBytes, DefaultDeadBytes)
	orDefault(&c.MaxPayload, DefaultMaxPayload)
	orDefault(&c.MaxRecord, DefaultMaxRecord)
	orDefault(&c.MaxQueued, DefaultMaxQueued)
	orDefault(&c.FreeFloor, DefaultFreeFloor)
	orDefault(&c.GroupWait, DefaultGroupWait)
	orDefault(&c.AppendTimeout, DefaultAppendTimeout)
	orDefault(&c.RetryAfter, DefaultRetryAfter)
	orDefault(&c.AckWait, DefaultAckWait)
	orDefault(&c.TornAfter, 2*c.AppendTimeout)
	orDefault(&c.recheck, time.Second)
	c.noSync = c.noSync || failpoint.On("no-sync")
	if c.freeSpace == nil {
		c.freeSpace = freeSpace
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func orDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

func (c *Config) check() error {
	if c.MaxPayload < leastPayload {
		return fmt.Errorf("spool: max_payload is %d bytes, the least is %d", c.MaxPayload, leastPayload)
	}
	if c.MaxRecord < c.MaxPayload {
		return fmt.Errorf("spool: max_record is %d bytes, below max_payload, %d", c.MaxRecord, c.MaxPayload)
	}
	names := append([]string{c.Stream}, c.Consumers...)
	for i, name := range names {
		if !nameForm.MatchString(name) {
			return fmt.Errorf("spool: the name %q; use letters, digits, - and _, 64 at most", name)
		}
		if i > 0 && slices.Contains(c.Consumers[:i-1], name) {
			return fmt.Errorf("spool: two consumers named %q", name)
		}
	}
	return nil
}

func (c *Config) quotaOf(cluster string) int64 {
	if q, ok := c.Quotas[cluster]; ok {
		return q
	}
	return c.Quota
}

func (c *Config) hasQuotas() bool { return c.Quota > 0 || len(c.Quotas) > 0 }

// maxInflight is how many messages of payload bytes a consumer has in hands at most:
// all chunks of the largest record, twice, and groups besides.
func (c *Config) maxInflight(payload int) int { return 4*(c.MaxRecord/payload+1) + 4*fetchBatch }
