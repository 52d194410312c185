package enforce

import (
	"fmt"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/scope"
)

// Action is what a detection leads to.
type Action string

// The actions, from the mildest.
const (
	Observe Action = "observe"
	Warn    Action = "warn"
	Deny    Action = "deny"
)

// Policy is a file. It is not changed after [Parse].
type Policy struct {
	Contact    string // how to get an exception; may be empty
	Entries    []Entry
	Exceptions []Exception
}

// Scope is which detections an entry or an exception is about.
type Scope struct {
	Rules, Tags []string // one of these names it; one of the lists is empty
	scope.Scope
	Line int // in the file
}

// Entry is what detections lead to somewhere.
type Entry struct {
	Scope
	Action  Action
	Message string // "": the rule's own words
}

// Exception lets through what would be warned of, or denied.
type Exception struct {
	Scope
	Owner, Reason string
	Expires       time.Time // from then on it is none
}

// Request is what a detection is about.
type Request = scope.Request

// Decision is what a detection leads to. Without a policy all are observed.
type Decision struct {
	Action    Action
	Entry     *Entry     // that says so; nil: none does
	Exception *Exception // that lets it through, though the entry says otherwise; nil: none
	Standing  bool       // the entry says deny, and a warning is made of it: it was so before, see [Decision.Stand]
}

// Stand makes a warning of a denial: what was found was so before the request, which leaves it as
// it is. Else nobody could label, scale down or let go of what is there already.
func (d *Decision) Stand() { d.Action, d.Standing = Warn, true }

// Decide decides about a detection of a rule with these tags.
func (p *Policy) Decide(r *Request, rule string, tags []string, now time.Time) Decision {
	if p == nil {
		return Decision{Action: Observe}
	}
	for i := range p.Entries {
		e := &p.Entries[i]
		if !e.covers(r, rule, tags, e.Action == Observe) {
			continue
		}
		d := Decision{Action: e.Action, Entry: e}
		if e.Action != Observe {
			d.except(p, r, rule, tags, now)
		}
		return d
	}
	return Decision{Action: Observe}
}

// except looks for an exception.
func (d *Decision) except(p *Policy, r *Request, rule string, tags []string, now time.Time) {
	for i := range p.Exceptions {
		x := &p.Exceptions[i]
		if now.Before(x.Expires) && x.covers(r, rule, tags, true) {
			d.Action, d.Exception = Observe, x
			return
		}
	}
}

// covers tells whether something is about a detection. What is mild is, too, where the labels of the
// namespace cannot be read: nobody is denied since something fails.
func (s *Scope) covers(r *Request, rule string, tags []string, mild bool) bool {
	if !slices.Contains(s.Rules, rule) && !slices.ContainsFunc(s.Tags, func(t string) bool { return slices.Contains(tags, t) }) {
		return false
	}
	if mild {
		return s.MayCover(r)
	}
	return s.Covers(r)
}

// Labelled are the lines of what is scoped by labels of namespaces.
func (p *Policy) Labelled() (lines []int) {
	for i := range p.Entries {
		if len(p.Entries[i].NamespaceLabels) > 0 {
			lines = append(lines, p.Entries[i].Line)
		}
	}
	for i := range p.Exceptions {
		if len(p.Exceptions[i].NamespaceLabels) > 0 {
			lines = append(lines, p.Exceptions[i].Line)
		}
	}
	return lines
}

// Expired are the exceptions that are none any more.
func (p *Policy) Expired(now time.Time) (list []*Exception) {
	if p == nil {
		return nil
	}
	for i := range p.Exceptions {
		if x := &p.Exceptions[i]; !now.Before(x.Expires) {
			list = append(list, x)
		}
	}
	return list
}

// String tells whose exception it is, why, and how long.
func (x *Exception) String() string {
	return fmt.Sprintf("%s: %s, until %s", x.Owner, x.Reason, x.Expires.UTC().Format(time.RFC3339))
}

// standing is the verdict of a denial that is none.
const standing = "standing"

// Verdict is what a detection led to, in a word: the action, "excepted" for what an
// exception let through, "standing" for a denial that is none since it was so before, and with
// dryRun "would-warn" and "would-deny".
func (d *Decision) Verdict(dryRun bool) string {
	switch {
	case d.Exception != nil:
		return "excepted"
	case d.Standing:
		return standing
	case dryRun && d.Action != Observe:
		return "would-" + string(d.Action)
	}
	return string(d.Action)
}
