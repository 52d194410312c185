// Package judge turns an event into what the durable log keeps of it: the rules
// judge it, its secrets are taken out, and what the rules found is printed from
// what is left.
//
// The order is the point. Rules see the event as it came; identity is that of
// the event as it came; nothing of either reaches the log unredacted. Rules can
// be exchanged while events are judged.
//
// Taking events in, storing them and reading rules files happen elsewhere.
package judge

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/correlate"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// Rules are compiled rules with what prints their detections. They are immutable.
type Rules struct {
	set     *ruleset.Set
	matcher *match.Matcher
	states  *correlate.Rules
	printer *redact.Printer
	digest  [sha256.Size]byte
	enabled int
}

// Options tell how rules are applied.
type Options struct {
	First        bool     // stop at the first rule that matches, as Falco's rule_matching: first
	AppendFields []string // fields added to the output fields of every detection
}

// Compile makes rules ready to judge by. The set must be one without errors.
func Compile(set *ruleset.Set, opt Options) (*Rules, error) {
	m, err := set.Matcher(opt.First, opt.AppendFields)
	if err != nil {
		return nil, err
	}
	p, err := redact.NewPrinter(set.Rules, set.Catalogue, match.Options{First: opt.First, AppendFields: opt.AppendFields})
	if err != nil {
		return nil, err
	}
	states, err := set.Stateful(opt.AppendFields)
	if err != nil {
		return nil, err
	}
	r := &Rules{set: set, matcher: m, states: states, printer: p, digest: digest(set.Rules, states, opt)}
	for _, rule := range set.Rules.Rules {
		if rule.Enabled {
			r.enabled++
		}
	}
	return r, nil
}

// Digest identifies what the rules say: it changes with every condition, macro,
// list, output and option that bears on a detection, and with nothing else.
func (r *Rules) Digest() []byte { return r.digest[:] }

// Set is what the rules were compiled from. It is not to be changed.
func (r *Rules) Set() *ruleset.Set { return r.set }

// Meets tells which rules an event meets. It is no detection: nothing is counted and nothing kept.
func (r *Rules) Meets(e *audit.Event) (names []string) {
	for _, d := range r.matcher.Match(&field.Context{Event: e, First: e.Time}).Detections {
		names = append(names, d.Rule.Name)
	}
	return names
}

// Stateful are those of the rules that need more than one event. A judge leaves them
// to others.
func (r *Rules) Stateful() *correlate.Rules { return r.states }

// Enabled is the number of rules in force.
func (r *Rules) Enabled() int { return r.enabled }

func digest(rs *rules.Ruleset, states *correlate.Rules, opt Options) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, r := range rs.Rules {
		if !r.Enabled {
			continue
		}
		addText(h, r.Name, r.Condition.String(), r.Output, r.Priority.String(), r.Source)
		addText(h, r.Tags...)
	}
	if states.Len() > 0 {
		addText(h, string(states.Digest()))
	}
	if opt.First {
		addText(h, "first")
	}
	addText(h, opt.AppendFields...)
	h.Sum(sum[:0])
	return sum
}

// addText adds a list of texts so that no other list gives the same bytes.
func addText(h hash.Hash, texts ...string) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(texts)))
	h.Write(n[:])
	for _, t := range texts {
		binary.LittleEndian.PutUint64(n[:], uint64(len(t)))
		h.Write(n[:])
		io.WriteString(h, t)
	}
}
