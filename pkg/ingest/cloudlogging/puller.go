package cloudlogging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"

	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

// Source is the name that events of Cloud Logging have as their source.
const Source = "cloudlogging"

const (
	// settle is how far back each reading begins, before the end of the one before: what is received can be found some
	// seconds later. The rest is for the sweep.
	settle = 10 * time.Second
	// skew is how far the clock of Cloud Logging may be ahead: what it received then is read, too.
	skew = time.Minute
	// lateness is how long before its receipt an entry may have happened.
	lateness = 24 * time.Hour
	// longestParts is how long the parts of an entry are waited for at most.
	longestParts = time.Minute
	// saveEvery is how often the cursor is stored at most while a tail brings entries one by one.
	saveEvery = time.Second
	// refusedEvery is when the API is asked again after it refused something.
	refusedEvery = time.Minute
)

// Taker stores events; an *ingest.Intake. It returns nil only when all that it was given is on disk.
type Taker interface {
	TakeGiven(ctx context.Context, g ingest.Given) (ingest.Receipt, error)
}

// Config says what to follow. Client, Resource, Folder, Quotas, Taker, Logger and Now are required.
type Config struct {
	Client   *Client
	Resource string // as query.CheckResource has it
	Filter   string // as query.Check has it; "": all
	Folder   string // where the cursor is; it must exist
	Quotas   *Quotas
	Taker    Taker
	Tail     bool
	Poll     time.Duration // between two readings
	Overlap  time.Duration // after which a second reading finds what could not be found before
	Since    time.Duration // where to begin without a cursor; 0: now
	Backoff  time.Duration // after the first error of several; 0: a second
	List     time.Duration // between two looks for the projects of a folder or an organization; 0: ten minutes
	Logger   *slog.Logger
	Now      func() time.Time
}

func (c Config) check() error {
	switch {
	case c.Client == nil || c.Quotas == nil || c.Taker == nil || c.Logger == nil || c.Now == nil || c.Folder == "":
		return errors.New("cloudlogging: Client, Quotas, Taker, Logger, Now and Folder must be set")
	case c.Poll <= 0 || c.Overlap <= 0:
		return errors.New("cloudlogging: Poll and Overlap must be positive")
	}
	if err := query.CheckResource(c.Resource); err != nil {
		return fmt.Errorf("cloudlogging: %w", err)
	}
	if err := query.Check(c.Filter); err != nil {
		return fmt.Errorf("cloudlogging: the filter: %w", err)
	}
	return nil
}

// Puller follows the log of one resource.
type Puller struct {
	cfg    Config
	reader *reader
	path   string // of the cursor
	cursor cursor
	seen   seen
	parts  parts
	skip   span          // of receipt: read when it was old enough, so that no sweep is needed
	gap    bool          // a tail left entries out since cursor.Read
	tails  <-chan tailed // what an open tail brings; nil: there is none
	saved  time.Time     // when the cursor was
	moved  bool          // since then

	tailFails int       // in a row
	tailAt    time.Time // when a tail may be tried again

	mu     sync.Mutex
	status Status
}

// span is a stretch of time.
type span struct{ from, to time.Time }

// New makes a puller and reads its cursor, if there is one. A cursor that cannot be understood is an error: whether entries
// are missed or read again is not for the program to choose.
func New(cfg Config) (*Puller, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Puller{cfg: cfg, path: filepath.Join(cfg.Folder, "cursor-"+nameOf(cfg.Resource)+".json")}
	p.reader = &reader{
		client: cfg.Client, quota: cfg.Quotas.Of(cfg.Resource), resource: cfg.Resource, logger: cfg.Logger, backoff: cfg.Backoff, told: p.note,
	}
	stored, err := loadCursor(p.path, cfg.Resource)
	if err != nil {
		return nil, err
	}
	if stored != nil {
		p.cursor = *stored
	} else {
		at := cfg.Now().Add(-cfg.Since).UTC()
		p.cursor = cursor{Resource: cfg.Resource, Read: at, Swept: at}
		if cfg.Since > 0 { // what happened before is not asked for
			p.cursor.Reading = &reading{Until: cfg.Now().UTC(), At: at}
		}
		if err := p.cursor.save(p.path); err != nil {
			return nil, err
		}
	}
	p.status = Status{Resource: cfg.Resource, Mode: ModeStarting, Read: p.cursor.Read}
	return p, nil
}

// Run follows until the context ends. What goes wrong is in Status, and tried again. It may be called once.
func (p *Puller) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := p.cfg.Poll
		err := p.round(ctx)
		if ctx.Err() != nil {
			break
		}
		var refused *Refused
		if errors.As(err, &refused) {
			wait = max(wait, min(refusedEvery, 6*p.cfg.Poll))
		}
		p.note(err)
		_ = pause(ctx, wait) // the loop looks at the context
	}
	p.save(true)
}

// round reads what is new, and follows if it can.
func (p *Puller) round(ctx context.Context) error {
	tail := p.cfg.Tail && !p.cfg.Now().Before(p.tailAt)
	if !tail {
		p.mode(ModePolling)
	}
	// A tail is opened when there is little to read: it would not wait.
	if !tail || p.cursor.Reading != nil || p.cfg.Now().Sub(p.cursor.Read) > time.Minute {
		if err := p.catchUp(ctx); err != nil {
			return err
		}
	}
	if err := p.sweep(ctx); err != nil {
		return err
	}
	if tail {
		return p.follow(ctx)
	}
	return nil
}

// rewind goes back where the clock was set back: a place that is still to come would keep all from being read that is
// received before. What was received while the clock was wrong is looked for again.
func (p *Puller) rewind() {
	now := p.cfg.Now().UTC()
	if !p.cursor.Read.After(now.Add(skew)) {
		return
	}
	to := now.Add(-2 * p.cfg.Overlap)
	p.cfg.Logger.Warn("cloudlogging: the cursor is in the future, the clock was set back; what came since is read again",
		"resource", p.cfg.Resource, "cursor", p.cursor.Read, "from", to)
	p.cursor.Read, p.cursor.Swept, p.cursor.Reading, p.skip = to, earlier(p.cursor.Swept, to), nil, span{}
}

// catchUp reads what was received since the cursor's place.
func (p *Puller) catchUp(ctx context.Context) error {
	p.rewind()
	for more := true; more; {
		now := p.cfg.Now().UTC()
		r := p.cursor.Reading
		more = r != nil // it was begun earlier
		if r == nil {
			r = &reading{Until: now, At: p.cursor.Read.Add(-lateness)}
		}
		began := p.cursor.Read.Add(-settle)
		q := query.Query{User: p.cfg.Filter, From: r.At, ReceivedFrom: began, ReceivedTo: r.Until.Add(skew)}
		p.gap = false
		err := p.reader.read(ctx, q, func(entries []*loggingpb.LogEntry) error {
			if _, err := p.take(ctx, entries); err != nil {
				return err
			}
			last := p.parts.holdTime(entries[len(entries)-1].GetTimestamp().AsTime())
			p.cursor.Reading = &reading{Until: r.Until, At: last}
			p.save(true)
			return p.drain(ctx)
		})
		if err != nil {
			return err
		}
		p.cursor.Reading = nil
		p.cursor.Read = later(p.cursor.Read, r.Until)
		p.swept(began, r.Until, now)
		p.save(true)
		p.count(func(s *Status) { s.Readings++ })
	}
	return p.expire(ctx)
}

// swept notes what a reading saw when it had been there for long enough.
func (p *Puller) swept(from, to, now time.Time) {
	if old := now.Add(-p.cfg.Overlap); old.Before(to) {
		to = old
	}
	switch {
	case !to.After(from):
	case !p.cursor.Swept.Before(from):
		p.cursor.Swept = later(p.cursor.Swept, to)
	default:
		p.skip = span{from, to}
	}
}

// sweep reads again what has been there for long enough, if it is time. It finds what could not be found before.
func (p *Puller) sweep(ctx context.Context) error {
	to := p.cfg.Now().UTC().Add(-p.cfg.Overlap)
	if to.Sub(p.cursor.Swept) < p.cfg.Overlap || p.cursor.Reading != nil {
		return nil
	}
	if p.skip.to.After(p.cursor.Swept) {
		to = earlier(to, p.skip.from)
	}
	if to.After(p.cursor.Swept) {
		q := query.Query{User: p.cfg.Filter, From: p.cursor.Swept.Add(-lateness), ReceivedFrom: p.cursor.Swept, ReceivedTo: to}
		late := 0
		err := p.reader.read(ctx, q, func(entries []*loggingpb.LogEntry) error {
			n, err := p.take(ctx, entries)
			late += n
			if err != nil {
				return err
			}
			return p.drain(ctx)
		})
		if err != nil {
			return err
		}
		if late > 0 {
			p.cfg.Logger.Info("cloudlogging: entries that could not be found at first", "resource", p.cfg.Resource, "entries", late)
		}
		p.count(func(s *Status) { s.Sweeps++; s.Late += int64(late) })
		p.cursor.Swept = to
	}
	if !p.skip.from.After(p.cursor.Swept) {
		p.cursor.Swept = later(p.cursor.Swept, p.skip.to)
	}
	p.cursor.Read = later(p.cursor.Read, p.held(p.cursor.Swept))
	p.seen.forget(earlier(p.cursor.Swept, p.cursor.Read.Add(-settle)))
	p.save(true)
	return nil
}

// held is a place that read may move to: not past a gap.
func (p *Puller) held(to time.Time) time.Time {
	if p.gap {
		return earlier(to, p.cursor.Read)
	}
	return to
}

// save stores the cursor; not at once, unless now.
func (p *Puller) save(now bool) {
	p.moved = true
	at := p.cfg.Now()
	if !now && at.Sub(p.saved) < saveEvery {
		return
	}
	c := p.cursor
	c.Read = p.parts.hold(c.Read)
	c.Swept = p.parts.hold(c.Swept)
	err := c.save(p.path)
	if err == nil {
		p.saved, p.moved = at, false
	}
	p.count(func(s *Status) {
		s.Read, s.Swept, s.Parts = c.Read, c.Swept, len(p.parts.open)
		if err != nil && s.saving == nil { // a restart reads again what was taken since
			p.cfg.Logger.Error("cloudlogging: the cursor cannot be stored", "resource", p.cfg.Resource, "error", err)
		}
		s.saving = err
	})
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
