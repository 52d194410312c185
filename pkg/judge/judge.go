package judge

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
)

// Judge judges events by the rules in force. It is safe for concurrent use.
type Judge struct {
	rules    atomic.Pointer[Rules]
	redactor redactor
	hostname string
	num      atomic.Uint64
	first    atomic.Pointer[time.Time]
	matches  sync.Map // rule name -> *ruleCount
	events   atomic.Uint64
	found    atomic.Uint64
	faults   atomic.Uint64
	redacted atomic.Uint64
	withheld atomic.Uint64
}

// redactor is *redact.Redactor.
type redactor interface {
	Redacted(e *audit.Event) (stored *audit.Event, paths []string)
	Text(s string) string
}

type ruleCount struct {
	priority string
	n        atomic.Uint64
}

// New makes a judge. hostname is what evt.hostname gives.
func New(r *Rules, red *redact.Redactor, hostname string) *Judge {
	j := &Judge{redactor: red, hostname: hostname}
	j.Use(r)
	return j
}

// Use puts other rules in force. Events that are being judged keep the ones that
// they began with.
func (j *Judge) Use(r *Rules) { j.rules.Store(r) }

// Rules are the rules in force.
func (j *Judge) Rules() *Rules { return j.rules.Load() }

// Text is a text that is no event without its secrets.
func (j *Judge) Text(s string) string { return j.redactor.Text(s) }

// Judge judges the events of a body, all by the same rules, and gives what the
// log keeps of each, and the digest of the rules. ids are the identities of the
// events. An item's Raw may be the event's own bytes; the rest is new.
func (j *Judge) Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	rules := j.Rules()
	items = make([]record.Item, len(events))
	for i, e := range events {
		items[i] = j.one(rules, e, ids[i], nil)
	}
	return items, rules.Digest()
}

// JudgeWith judges an event as Judge does, and shows decide what the rules found, printed
// from what may be kept, before it is encoded. decide may add output fields.
func (j *Judge) JudgeWith(e *audit.Event, id audit.Identity, decide func(found []match.Detection)) (item record.Item, ruleset []byte) {
	rules := j.Rules()
	return j.one(rules, e, id, decide), rules.Digest()
}

func (j *Judge) one(rules *Rules, e *audit.Event, id audit.Identity, decide func([]match.Detection)) record.Item {
	c := field.Context{Event: e, Num: j.num.Add(1), First: j.firstTime(e), Hostname: j.hostname}
	res := rules.matcher.Match(&c)
	stored, paths := j.redact(e)
	notes := record.Notes{ID: id, Redacted: paths}
	for _, f := range res.Faults {
		notes.Faults = append(notes.Faults, fmt.Sprintf("%s: %v", f.Rule.Name, f.Err))
	}
	for i, d := range res.Detections {
		res.Detections[i] = rules.printer.Detection(&c, stored, d)
		j.count(d)
	}
	if decide != nil {
		decide(res.Detections)
	}
	j.events.Add(1)
	j.faults.Add(uint64(len(res.Faults)))
	return record.Item{Raw: stored.Raw, Detections: record.EncodeDetections(res.Detections), Notes: record.EncodeNotes(notes)}
}

// firstTime is the time of the first event judged.
func (j *Judge) firstTime(e *audit.Event) time.Time {
	if t := j.first.Load(); t != nil {
		return *t
	}
	t := e.Time
	j.first.CompareAndSwap(nil, &t)
	return *j.first.Load()
}

// redact gives the event as it may be stored. A defect of the redaction costs
// the bodies, not the event: better a detail lost than a secret kept.
func (j *Judge) redact(e *audit.Event) (stored *audit.Event, paths []string) {
	defer func() {
		if r := recover(); r != nil {
			j.withheld.Add(1)
			stored, paths = withhold(e)
		}
	}()
	if stored, paths = j.redactor.Redacted(e); stored != e {
		j.redacted.Add(1)
	}
	return stored, paths
}

func (j *Judge) count(d match.Detection) {
	j.found.Add(1)
	c, ok := j.matches.Load(d.Rule.Name)
	if !ok {
		c, _ = j.matches.LoadOrStore(d.Rule.Name, &ruleCount{priority: d.Rule.Priority.String()})
	}
	c.(*ruleCount).n.Add(1)
}

// Counters count since the judge was made.
type Counters struct {
	Events     uint64 // judged
	Detections uint64
	Faults     uint64 // rules that failed on an event: defects of this program
	Redacted   uint64 // events that held secrets
	Withheld   uint64 // events stored without their bodies, since redacting failed
	Rules      []RuleCounter
}

// RuleCounter counts the detections of a rule.
type RuleCounter struct {
	Name     string
	Priority string
	Matches  uint64
}

// Counters gives the counts; rules that never matched are not among them.
func (j *Judge) Counters() Counters {
	c := Counters{
		Events: j.events.Load(), Detections: j.found.Load(), Faults: j.faults.Load(),
		Redacted: j.redacted.Load(), Withheld: j.withheld.Load(),
	}
	j.matches.Range(func(name, v any) bool {
		rc := v.(*ruleCount)
		c.Rules = append(c.Rules, RuleCounter{Name: name.(string), Priority: rc.priority, Matches: rc.n.Load()})
		return true
	})
	return c
}
