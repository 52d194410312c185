package replay

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// Summary counts a replay.
type Summary struct {
	Events   int64
	Alerts   int64
	Faults   int64 // rules that failed on an event: defects of this program
	Bytes    int64 // read, as stored
	Elapsed  time.Duration
	Rejected map[audit.Reason]int64     // items refused, by reason
	counts   map[*rules.Rule]*RuleCount // behind Rules
}

// RuleCount is a rule with its number of alerts.
type RuleCount struct {
	Name     string
	Priority rules.Priority
	Alerts   int64
}

func newSummary() *Summary {
	return &Summary{Rejected: map[audit.Reason]int64{}, counts: map[*rules.Rule]*RuleCount{}}
}

func (s *Summary) reject(r *audit.Rejection) { s.Rejected[r.Reason]++ }

func (s *Summary) detect(r *rules.Rule) {
	s.Alerts++
	c := s.counts[r]
	if c == nil {
		c = &RuleCount{Name: r.Name, Priority: r.Priority}
		s.counts[r] = c
	}
	c.Alerts++
}

// Refused is the number of items refused, whatever the reason.
func (s *Summary) Refused() int64 {
	var n int64
	for _, c := range s.Rejected {
		n += c
	}
	return n
}

// ByRule gives the rules that matched, most urgent first, then by number of
// alerts, then by name.
func (s *Summary) ByRule() []RuleCount {
	out := make([]RuleCount, 0, len(s.counts))
	for _, c := range s.counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// WriteTo writes the summary for people.
func (s *Summary) WriteTo(w io.Writer) (int64, error) {
	c := &countingWriter{w: w}
	fmt.Fprintf(c, "%s read, %s in %s (%s/s)\n", count(s.Events, "event"), count(s.Alerts, "alert"),
		s.Elapsed.Round(time.Millisecond), rate(s.Events, s.Elapsed))
	for _, r := range s.ByRule() {
		fmt.Fprintf(c, "%10d  %-13s  %s\n", r.Alerts, r.Priority, r.Name)
	}
	if n := s.Refused(); n > 0 {
		fmt.Fprintf(c, "%s rejected:\n", count(n, "item"))
		for _, reason := range slices.Sorted(keys(s.Rejected)) {
			fmt.Fprintf(c, "%10d  %s\n", s.Rejected[reason], reason)
		}
	}
	if s.Faults > 0 {
		fmt.Fprintf(c, "%s of rules failed; this is a defect of kubewitness, please report it\n", count(s.Faults, "evaluation"))
	}
	return c.n, c.err
}

func keys(m map[audit.Reason]int64) func(yield func(audit.Reason) bool) {
	return func(yield func(audit.Reason) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// rate is events per second as text.
func rate(n int64, d time.Duration) string {
	if d <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", float64(n)/d.Seconds())
}

type countingWriter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *countingWriter) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.err = err
	return n, err
}
