package rules

import (
	"fmt"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// State is what a rule says of several events together: one of the keys
// kw_threshold, kw_sequence, kw_new_terms and kw_absence. Their grammar stands in
// the comment of package correlate.
type State struct {
	Kind     StateKind
	By       []*condition.Field // what makes events belong together, besides their cluster
	Within   time.Duration      // of a threshold and a sequence the window, of new terms the days, of a silence how long
	Suppress time.Duration      // once fired, how long not again for the same key; never below Within

	Count    int                // of a threshold: how many
	Distinct []*condition.Field // of a threshold: values of which are counted; none: events are
	Steps    []Step             // of a sequence
	Terms    []*condition.Field // of new terms
	Learning time.Duration      // of new terms
	// Timers are, of an absence, how long requests of a verb have to be completed;
	// nil where it is silence that the rule is about.
	Timers map[string]time.Duration

	Line int // of the key, 1-based
}

// StateKind is which of the keys a rule has.
type StateKind uint8

// The keys.
const (
	Threshold StateKind = iota
	Sequence
	NewTerms
	Absence
)

var stateKeys = [...]string{"kw_threshold", "kw_sequence", "kw_new_terms", "kw_absence"}

// Key is the key as it is written.
func (k StateKind) Key() string { return stateKeys[k] }

// Step is one of a sequence.
type Step struct {
	Condition condition.Expr     // the rule's own and the step's
	By        []*condition.Field // where in this step the values of the key stand
	Differs   []*condition.Field // whose values must be others than in the step before
}

// Stateful tells whether the rule can not be judged on an event alone: it has a
// [State], or asks for what earlier events have told.
func (r *Rule) Stateful() bool { return r.State != nil || r.ReadsSeen }

// StateKey is the key that says what of several events the rule is about; "" where there
// is none.
func (r *Rule) StateKey() string {
	if r.State == nil {
		return ""
	}
	return r.State.Kind.Key()
}

const day = 24 * time.Hour

// Units of durations, the greatest first.
var units = [...]struct {
	letter byte
	length time.Duration
}{{'d', day}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

// longestDuration is the longest that a rule may name.
const longestDuration = 3650 * day

// ParseDuration reads a length of time: numbers with the units d, h, m and s, the
// greater before the lesser, as in 90s, 1h30m or 14d.
func ParseDuration(text string) (time.Duration, error) {
	var total time.Duration
	unit, rest := 0, text
	for rest != "" {
		n, digits := time.Duration(0), 0
		for ; digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9'; digits++ {
			if n = n*10 + time.Duration(rest[digits]-'0'); n > longestDuration/time.Second {
				return 0, fmt.Errorf("%q is too long a time", text)
			}
		}
		if digits == 0 || digits == len(rest) {
			break
		}
		for unit < len(units) && units[unit].letter != rest[digits] {
			unit++
		}
		if unit == len(units) {
			break
		}
		if n > (longestDuration-total)/units[unit].length {
			return 0, fmt.Errorf("%q is too long a time", text)
		}
		total += n * units[unit].length
		unit, rest = unit+1, rest[digits+1:]
	}
	if rest != "" || text == "" {
		return 0, fmt.Errorf("%q is no length of time; write 90s, 5m, 1h30m or 14d", text)
	}
	return total, nil
}

// FormatDuration writes a length of time as ParseDuration reads it; what is less
// than a second is left out.
func FormatDuration(d time.Duration) string {
	var out []byte
	for _, u := range units {
		if n := d / u.length; n > 0 {
			out = fmt.Appendf(out, "%d%c", n, u.letter)
			d -= n * u.length
		}
	}
	if len(out) == 0 {
		return "0s"
	}
	return string(out)
}
