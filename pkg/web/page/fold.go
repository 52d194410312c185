package page

import (
	"slices"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// listed is an event in a list, with the repeats of it that are folded into it.
type listed struct {
	ID        string
	Time      time.Time
	Day       string // set where the list comes to another day
	Rules     []fired
	Urgency   string // class of the most urgent one; "" for none
	Sentence  string
	Cluster   string
	Namespace string
	Outcome   string
	Redacted  bool

	Repeats int       // besides this one
	First   time.Time // of the oldest of them
	Link    string    // to all of them

	key string
}

// fired is a detection in a list.
type fired struct {
	Name, Priority, Class string
	Link                  string
}

// classOf is the style of a priority.
func classOf(p rules.Priority) string {
	switch {
	case p <= rules.Critical:
		return "critical"
	case p == rules.Error:
		return "error"
	case p == rules.Warning:
		return "warning"
	case p == rules.Notice:
		return "notice"
	}
	return "info"
}

// classNamed is classOf for a priority's name; "" for what is none.
func classNamed(name string) string {
	p, err := rules.ParsePriority(name)
	if err != nil {
		return ""
	}
	return classOf(p)
}

// byUrgency gives detections the most urgent first.
func byUrgency(found []match.Detection) []match.Detection {
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b match.Detection) int { return int(a.Rule.Priority) - int(b.Rule.Priority) })
	return found
}

func rowOf(q query, h *search.Hit) listed {
	a := h.Answer
	r := listed{
		ID: h.ID, Time: h.Event.Filed().UTC(), Sentence: a.Sentence(),
		Cluster: a.Where.Cluster, Namespace: a.Where.Namespace, Outcome: string(a.What.Outcome), Redacted: len(h.Event.Redacted) > 0,
	}
	names := []string{r.Cluster, a.Who.Name, a.Where.Object, string(a.What.Action), r.Outcome}
	for _, d := range byUrgency(h.Event.Detections) {
		class := classOf(d.Rule.Priority)
		if r.Urgency == "" {
			r.Urgency = class
		}
		r.Rules = append(r.Rules, fired{
			Name: d.Rule.Name, Priority: d.Rule.Priority.String(), Class: class,
			Link: q.with(byRule(d.Rule.Name)).link(),
		})
		names = append(names, d.Rule.Name)
	}
	r.Link = repeats(q, h).link()
	r.key = strings.Join(names, "\x00")
	return r
}

// byRule asks for one rule only.
func byRule(name string) func(*query) {
	return func(q *query) { q.Rules = []string{name} }
}

// fold puts repeats of a detection into the newest of them: the same rules, user,
// object, action and outcome.
func fold(rows []listed) []listed {
	at := map[string]int{}
	var folded []listed
	for _, r := range rows {
		if i, ok := at[r.key]; ok && len(r.Rules) > 0 {
			folded[i].Repeats++
			folded[i].First = r.Time
			continue
		}
		at[r.key] = len(folded)
		folded = append(folded, r)
	}
	return folded
}

// repeats is the search that finds an event's repeats one by one.
func repeats(q query, h *search.Hit) query {
	return q.with(func(q *query) {
		q.Show, q.Each = "detections", true
		if len(h.Event.Detections) > 0 {
			q.Rules = []string{byUrgency(h.Event.Detections)[0].Rule.Name}
		}
		a := h.Answer
		for _, c := range []struct{ field, value string }{
			{"ka.user.name", a.Who.Name}, {"ka.target.resource", a.What.Resource}, {"ka.target.namespace", a.Where.Namespace}, {"ka.target.name", a.What.Name},
		} {
			if askable(c.value) {
				and(equals(c.field, c.value))(q)
			}
		}
	})
}

// days marks where a list comes to another day.
func days(rows []listed) {
	last := ""
	for i := range rows {
		if d := rows[i].Time.Format("Monday, 2 January 2006"); d != last {
			rows[i].Day, last = d, d
		}
	}
}
