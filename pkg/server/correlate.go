package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/correlate"
	"github.com/kubewitness/kubewitness/pkg/durable"
	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// correlateConsumer is the cursor of the rules about several events on the log.
const correlateConsumer = "correlate"

// CorrelateFolder is where below the data folder the state of these rules is.
const CorrelateFolder = "correlate"

// The state is written down behind so much of the log, or so long after it was read.
const (
	snapshotEvery = 3 * time.Second
	snapshotBytes = 256 << 20
)

// correlator judges what the log has by the rules that need more than one event, and
// appends what they find to the log, for all outputs.
//
// # What a crash leaves
//
// The cursor moves behind snapshots, so what came after the last one comes again, and
// makes the same state of it. What was found in it is found again, too, and may be in
// the log already: findings have identities that hang on nothing but the events, and
// are held back until the log has been read up to where it ended at the start. Findings
// that could not be appended stand in the snapshot.
type correlator struct {
	judge    *judge.Judge
	memory   int64 // bytes that a rule may keep
	hostname string
	path     string // of the snapshot
	logger   *slog.Logger
	now      func() time.Time
	append   func(context.Context, spool.Record) error

	mu       sync.Mutex
	rules    *judge.Rules // by which the stream was made
	stream   *correlate.Stream
	owed     []owed         // found, and not in the log yet
	known    *record.Recent // findings that are in the log
	until    uint64         // findings are held back up to this message of the log; 0: no more
	num      uint64
	first    time.Time
	idle     time.Time // since when nothing came; zero: something did since the last look
	labels   map[string]map[string]string
	counters correlateCounters
}

// correlateCounters count since the start.
type correlateCounters struct {
	events, found, known, unreadable, snapshots, dropped uint64
	bytes                                                int // of the last snapshot
	rules                                                map[string]uint64
}

// owed is a finding on its way to the log.
type owed struct {
	ID         audit.Identity
	Cluster    string
	Labels     map[string]string
	Ruleset    []byte
	Flags      uint64
	Raw        []byte
	Detections []byte
	Redacted   []string
}

// mostOwed bounds the findings that wait for the log.
const mostOwed = 20_000

// rememberedFindings is how many findings are known to be in the log.
const rememberedFindings = 1 << 16

// openCorrelate opens it, if there is an output for what it finds. Without one the log
// keeps what comes in, which a reader would take out of it.
func (s *Server) openCorrelate(context.Context) error {
	if len(s.feeds) == 0 {
		return nil
	}
	dir := filepath.Join(s.cfg.Data, CorrelateFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("correlate: %w", err)
	}
	c := &correlator{
		judge: s.judge, memory: int64(s.cfg.Rules.StateMemory), hostname: s.opt.Hostname, path: filepath.Join(dir, "snapshot"), logger: s.logger, now: time.Now,
		known: record.NewRecent(rememberedFindings), labels: map[string]map[string]string{},
	}
	c.counters.rules = map[string]uint64{}
	c.append = func(ctx context.Context, r spool.Record) error { return s.log.Append(ctx, r) }
	if err := c.load(); err != nil {
		return fmt.Errorf("correlate: %w", err)
	}
	s.correlator = c
	return nil
}

// load makes the stream, of the snapshot if there is one.
func (c *correlator) load() error {
	data, err := os.ReadFile(c.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(data) > 0 {
		if err = c.use(c.judge.Rules(), data); err == nil {
			return nil
		}
		aside := c.path + ".damaged"
		if err := os.Rename(c.path, aside); err != nil {
			return err
		}
		c.logger.Error("the state of the rules about several events could not be read and was moved aside; they begin anew", "moved_to", aside, "error", err)
	}
	return c.use(c.judge.Rules(), nil)
}

// use begins a stream by rules, which goes on from a snapshot.
func (c *correlator) use(rules *judge.Rules, snapshot []byte) error {
	stream := correlate.NewStream(rules.Stateful(), correlate.Options{Hostname: c.hostname, Memory: c.memory})
	if snapshot != nil {
		extra, anew, err := stream.Restore(snapshot)
		if err != nil {
			return err
		}
		var left []owed
		if len(extra) > 0 {
			if err := json.Unmarshal(extra, &left); err != nil {
				return fmt.Errorf("%w: %w", correlate.ErrSnapshot, err)
			}
		}
		c.owed = left
		if len(anew) > 0 {
			c.logger.Info("rules about several events begin anew", "rules", anew)
		}
	}
	c.rules, c.stream = rules, stream
	return nil
}

// follow exchanges the rules where others are in force; what has not changed goes on.
func (c *correlator) follow() {
	rules := c.judge.Rules()
	if rules == c.rules {
		return
	}
	snapshot, err := c.snapshot()
	if err == nil {
		err = c.use(rules, snapshot)
	}
	if err != nil {
		c.logger.Error("the rules about several events begin anew", "error", err)
		_ = c.use(rules, nil) // which reads nothing
	}
}

func (c *correlator) snapshot() ([]byte, error) {
	left, err := json.Marshal(c.owed)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = c.stream.Save(&b, left)
	return b.Bytes(), err
}

// run reads the log until the context ends.
func (c *correlator) run(ctx context.Context, log *spool.Log, ackWait time.Duration) error {
	st, err := log.Status(ctx)
	if err != nil {
		return fmt.Errorf("the log does not tell where it ends: %w", err)
	}
	c.until = st.LastSeq
	for _, s := range st.Consumers {
		if s.Name == correlateConsumer && s.Cursor >= st.LastSeq {
			c.until = 0
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.tick(ctx)
	}()
	err = log.ConsumeBehind(ctx, correlateConsumer, c.handle, spool.Barrier{Sync: c.sync, Every: min(snapshotEvery, ackWait/3), Bytes: snapshotBytes})
	<-ended
	if err := c.sync(context.WithoutCancel(ctx)); err != nil {
		c.logger.Warn("the state of the rules about several events was not written down; what came after the last time is read again", "error", err)
	}
	return err
}

// handle takes a delivery; a spool.Handler.
func (c *correlator) handle(ctx context.Context, d spool.Delivery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = time.Time{}
	c.follow()
	for i := range d.Records {
		c.record(&d.Records[i])
	}
	failpoint.Hit("correlate/judged")
	if d.Last >= c.until {
		c.until = 0
	}
	c.pay(ctx)
	failpoint.Hit("correlate/handled")
	return nil
}

// record judges the events of a record.
func (c *correlator) record(r *spool.Record) {
	if r.Kind == spool.KindUnreadable {
		return // a dead letter already
	}
	s := record.Stored{Source: r.Kind, Cluster: r.Cluster, Received: r.Received, Ruleset: r.Ruleset, Extra: r.Extra}
	for _, it := range r.Events {
		if it.Flags&record.Derived != 0 {
			c.settled(it.Notes)
		} else if c.rules.Stateful().Len() > 0 {
			s.Items = append(s.Items, record.Item(it))
		}
	}
	if len(s.Items) == 0 {
		return
	}
	events, broken := record.Decode(s)
	c.counters.unreadable += uint64(len(broken)) // the outputs make dead letters of them
	for _, e := range events {
		c.event(e)
	}
}

// settled notes a finding that is in the log.
func (c *correlator) settled(notes []byte) {
	n, err := record.DecodeNotes(notes)
	if err != nil {
		return
	}
	c.known.Add(n.ID)
	for i := range c.owed {
		if c.owed[i].ID == n.ID {
			c.owed = append(c.owed[:i], c.owed[i+1:]...)
			c.counters.known++
			return
		}
	}
}

func (c *correlator) event(e *record.Event) {
	if e.Flags&(record.Expired|record.Ahead) != 0 {
		return // no clock goes by these
	}
	if c.num++; c.num == 1 {
		c.first = e.Event.Time
	}
	c.counters.events++
	if len(e.Labels) > 0 {
		c.labels[e.Event.Cluster] = e.Labels
	}
	var id audit.Identity
	id, e.Event.Time = e.Counts()
	fc := field.Context{Event: e.Event, Num: c.num, First: c.first, Hostname: c.hostname}
	for _, f := range c.stream.Observe(&fc, c.rules.Stateful().Look(&fc, id)) {
		o := c.owe(f)
		if o != nil && f.Event == e.Event {
			o.Redacted, o.Flags = e.Redacted, e.Flags|record.Derived
		}
	}
}

// owe notes a finding for the log; nil where it is there already.
func (c *correlator) owe(f correlate.Found) *owed {
	c.counters.found++
	c.counters.rules[f.Detection.Rule.Name]++
	if c.known.Has(f.ID) {
		c.counters.known++
		return nil
	}
	if len(c.owed) >= mostOwed {
		c.counters.dropped++
		return nil
	}
	c.owed = append(c.owed, owed{
		ID: f.ID, Cluster: f.Event.Cluster, Labels: c.labels[f.Event.Cluster], Ruleset: c.rules.Digest(), Flags: record.Derived,
		Raw: bytes.Clone(f.Event.Raw), Detections: record.EncodeDetections([]match.Detection{f.Detection}),
	})
	return &c.owed[len(c.owed)-1]
}

// pay appends to the log what is owed, as far as the log takes it. What is left stands
// in the next snapshot, so that a log that is full can wait.
func (c *correlator) pay(ctx context.Context) {
	for c.until == 0 && len(c.owed) > 0 {
		r, n := c.bill()
		if err := c.append(ctx, r); err != nil {
			var unknown spool.Unknown
			if errors.As(err, &unknown) {
				c.logger.Warn("findings may come twice: the log did not say whether it has them", "findings", n, "error", err)
			}
			return
		}
		failpoint.Hit("correlate/appended")
		for _, o := range c.owed[:n] {
			c.known.Add(o.ID)
		}
		c.owed = append([]owed(nil), c.owed[n:]...)
	}
}

// bill makes a record of the first findings, as far as they are of one cluster.
func (c *correlator) bill() (r spool.Record, n int) {
	first := &c.owed[0]
	r = spool.Record{
		Kind: record.SourceCorrelate, Cluster: first.Cluster, Received: c.now().UTC(), Ruleset: first.Ruleset, Extra: record.EncodeExtra(first.Labels),
	}
	const most = 100
	for n < len(c.owed) && n < most && c.owed[n].Cluster == first.Cluster {
		o := &c.owed[n]
		r.Events = append(r.Events, spool.Item{
			Flags: o.Flags, Raw: o.Raw, Detections: o.Detections, Notes: record.EncodeNotes(record.Notes{ID: o.ID, Redacted: o.Redacted}),
		})
		n++
	}
	return r, n
}

// sync writes the state down; of a spool.Barrier.
func (c *correlator) sync(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules.Stateful().Len() == 0 && len(c.owed) == 0 && c.judge.Rules() == c.rules {
		return nil // there is no state
	}
	data, err := c.snapshot()
	if err != nil {
		return err
	}
	if err := durable.Write(c.path, data); err != nil {
		return err
	}
	c.counters.snapshots++
	c.counters.bytes = len(data)
	failpoint.Hit("correlate/saved")
	return nil
}

// tickEvery is how often is looked whether a cluster is silent.
const tickEvery = time.Second

// quiet is how long nothing may have come before a clock other than the events' counts:
// what is silent then is not the service.
const quiet = 30 * time.Second

func (c *correlator) tick(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.look(ctx)
		}
	}
}

// look tells the stream what time it is where nothing comes, and tries again to append
// what is owed.
func (c *correlator) look(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.idle.IsZero() {
		c.idle = now
	}
	if c.until == 0 && now.Sub(c.idle) >= quiet {
		for _, f := range c.stream.Tick(now) {
			c.owe(f)
		}
	}
	c.pay(ctx)
}

// gauges are the counts, for metrics.
func (c *correlator) gauges() (correlateCounters, correlate.Counters, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counters := c.counters
	counters.rules = map[string]uint64{}
	for name, n := range c.counters.rules {
		counters.rules[name] = n
	}
	return counters, c.stream.Counters(), len(c.owed)
}
