package enforce

import (
	"cmp"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/scope"
)

// Simulation tells what a policy would have done to requests of the past, if it had been
// what it is now: exceptions that have expired by then help nobody.
type Simulation struct {
	// Meets tells which rules an event meets: what was so before is not denied. nil: nobody knows.
	Meets func(e *audit.Event) []string

	policy *Policy
	now    time.Time
	rows   map[rowKey]*Row
	seen   map[seenKey]bool
}

// Row is a user whose requests a rule would have met in a namespace.
type Row struct {
	Verdict   string    `json:"verdict"` // "warn", "deny", "standing", "excepted"
	Rule      string    `json:"rule"`
	Cluster   string    `json:"cluster"`
	Namespace string    `json:"namespace"` // "": in none
	User      string    `json:"user"`
	Requests  int       `json:"requests"`
	Last      time.Time `json:"last"` // of them
}

type rowKey struct{ verdict, rule, cluster, namespace, user string }

// seenKey is a request that a rule found: it has events of several stages.
type seenKey struct{ cluster, auditID, rule string }

// NewSimulation begins one.
func NewSimulation(p *Policy, now time.Time) *Simulation {
	return &Simulation{policy: p, now: now, rows: map[rowKey]*Row{}, seen: map[seenKey]bool{}}
}

// Add adds a detection of the past. What no review tells of, as reads, and what the API server
// itself refused, is passed over.
func (s *Simulation) Add(e *audit.Event, rule string, tags []string) {
	if !Reviewed(e) {
		return
	}
	r := scope.RequestOf(e)
	d := s.policy.Decide(&r, rule, tags, s.now)
	if d.Action == Observe && d.Exception == nil {
		return
	}
	if d.Action == Deny && s.Meets != nil {
		if before, ok := Before(e); ok && slices.Contains(s.Meets(before), rule) {
			d.Stand()
		}
	}
	if id := (seenKey{e.Cluster, e.AuditID, rule}); s.seen[id] {
		return
	} else if e.AuditID != "" {
		s.seen[id] = true
	}
	key := rowKey{d.Verdict(false), rule, r.Cluster, r.Namespace, r.User}
	row := s.rows[key]
	if row == nil {
		row = &Row{Verdict: key.verdict, Rule: rule, Cluster: r.Cluster, Namespace: r.Namespace, User: r.User}
		s.rows[key] = row
	}
	row.Requests++
	if e.Time.After(row.Last) {
		row.Last = e.Time
	}
}

// order is that of verdicts in a report.
var order = map[string]int{string(Deny): 0, string(Warn): 1, standing: 2, "excepted": 3}

// Rows are what came of it: denials first, then warnings, what was so before, and what exceptions let through,
// the most requests first.
func (s *Simulation) Rows() []Row {
	list := make([]Row, 0, len(s.rows))
	for _, r := range s.rows {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Row) int {
		return cmp.Or(cmp.Compare(order[a.Verdict], order[b.Verdict]), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.User, b.User))
	})
	return list
}

// connects are the subresources whose requests are reviewed with any verb.
var connects = []string{"attach", "exec", "portforward", "proxy"}

// Reviewed tells whether a review could have told of a request: one that writes an object or
// opens a connection, and that neither authentication nor the authorizers refused.
func Reviewed(e *audit.Event) bool {
	root := e.Root()
	ref := root.Get("objectRef")
	if text(ref.Get("resource")) == "" || e.Stage == "RequestReceived" || e.Stage == "Panic" {
		return false
	}
	switch root.Path("responseStatus", "code").Text() {
	case "401", "404", "409", "422":
		return false
	}
	if text(root.Path("annotations", "authorization.k8s.io/decision")) == "forbid" {
		return false
	}
	switch text(root.Get("verb")) {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return slices.Contains(connects, text(ref.Get("subresource")))
}

func text(v audit.Value) string {
	if v.Kind() != audit.String {
		return ""
	}
	return v.Text()
}
