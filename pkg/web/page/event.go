package page

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// eventPage is the page of one event.
type eventPage struct {
	frame
	ID       string
	Sentence string
	Time     time.Time
	Urgency  string
	Outcome  outcome
	Answers  []answerPart
	Findings []finding
	Faults   []string
	Redacted []string
	Related  []choice
	JSON     string
	JSONCut  bool
	JSONSize string
	Asked    string // a rule that did not fire, which is to be explained
	Others   []string
}

// finding is a rule that fired, or that was asked about, and why.
type finding struct {
	Rule, Priority, Class string
	Tags                  []string
	Output                string
	Fired                 bool
	Desc                  string
	Condition             string
	File                  string
	Gone                  string // why there is no explanation
	Note                  string // what speaks against taking the explanation for the verdict of the day
	Why                   *clause
	Link                  string
}

func (p *pages) event(w http.ResponseWriter, r *http.Request) {
	who, id := p.Principal(r), r.PathValue("id")
	h, err := p.get(r, who, id)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	page := p.eventPage(r, h)
	asked := r.URL.Query().Get("rule")
	for _, d := range byUrgency(h.Event.Detections) {
		f := p.finding(r, who, h, d.Rule.Name)
		f.Priority, f.Class, f.Tags, f.Output, f.Fired = d.Rule.Priority.String(), classOf(d.Rule.Priority), d.Rule.Tags, d.Output, true
		page.Findings = append(page.Findings, f)
		if d.Rule.Name == asked {
			asked = ""
		}
	}
	if asked != "" {
		page.Asked = asked
		page.Findings = append(page.Findings, p.finding(r, who, h, asked))
	}
	page.Others = p.others(h.Event.Detections)
	p.render(w, r, http.StatusOK, "event.html", page)
}

// get finds an event by the id in an address.
func (p *pages) get(r *http.Request, who search.Principal, id string) (*search.Hit, error) {
	if b, err := hex.DecodeString(id); err != nil || len(b) != len(audit.Identity{}) {
		return nil, search.NotFound{ID: id}
	}
	return p.Search.Get(r.Context(), who, id)
}

// raw gives the event's bytes as they are stored.
func (p *pages) raw(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	h, err := p.get(r, p.Principal(r), id)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="event-`+id[:12]+`.json"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(h.Event.Event.Raw)))
	_, _ = w.Write(h.Event.Event.Raw) // the browser may be gone
}

func (p *pages) eventPage(r *http.Request, h *search.Hit) *eventPage {
	e, a := h.Event, h.Answer
	page := &eventPage{
		frame: p.frame(r, onOneLine(a.Sentence())), ID: h.ID, Sentence: a.Sentence(), Time: e.Filed().UTC(),
		Outcome: outcomeOf(a.What), Answers: answersOf(h), Faults: e.Faults, Redacted: e.Redacted,
		Related: related(h), JSONSize: bytesText(len(e.Event.Raw)),
	}
	if found := byUrgency(e.Detections); len(found) > 0 {
		page.Urgency = classOf(found[0].Rule.Priority)
	}
	if p.Kibana != nil {
		page.Related = append(page.Related, choice{Text: "This event in Kibana", Link: p.Kibana(h.ID, e.Filed())})
	}
	page.JSON, page.JSONCut = indented(e.Event.Raw, jsonShown)
	return page
}

// finding explains a rule on an event.
func (p *pages) finding(r *http.Request, who search.Principal, h *search.Hit, name string) finding {
	f := finding{Rule: name, Link: query{Since: "7d", Rules: []string{name}}.link()}
	x, note, err := p.Search.Explain(r.Context(), who, h.ID, name)
	var gone search.NoRule
	switch {
	case errors.As(err, &gone) && gone.Fired && h.Answer.What.Action == audit.ActionUnwatched:
		f.Gone = "No rule of a file found this: kubewitness tells of it when it is there again."
		return f
	case errors.As(err, &gone) && gone.Fired:
		f.Gone = "This rule is not in force any more, so it cannot be shown why it fired."
		return f
	case errors.As(err, &gone):
		f.Gone = "There is no rule of this name in force."
		return f
	case err != nil:
		p.Logger.Error("rule cannot be explained", "rule", name, "event", h.ID, "error", err)
		f.Gone = "It cannot be shown why right now; the log of the service says more."
		return f
	}
	f.Why, f.Note = clauseOf(x, 0), asSentence(note)
	if rule := p.rule(name); rule != nil {
		f.Desc, f.Condition, f.File = strings.TrimSpace(rule.Desc), strings.TrimSpace(rule.Written), fmt.Sprintf("%s:%d", rule.File, rule.Line)
		f.Priority, f.Class, f.Tags = rule.Priority.String(), classOf(rule.Priority), rule.Tags
	}
	return f
}

// inForce are the rules in force; nil where there are none.
func (p *pages) inForce() []*rules.Rule {
	if set := p.Rules(); set != nil && set.Rules != nil {
		return set.Rules.Rules
	}
	return nil
}

// rule is a rule in force, nil where there is none of that name.
func (p *pages) rule(name string) *rules.Rule {
	for _, r := range p.inForce() {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// others are the rules in force that did not fire, to ask about.
func (p *pages) others(found []match.Detection) (names []string) {
	fired := map[string]bool{}
	for _, d := range found {
		fired[d.Rule.Name] = true
	}
	for _, r := range p.inForce() {
		if !fired[r.Name] {
			names = append(names, r.Name)
		}
	}
	return names
}

// related are searches that lead on from an event.
func related(h *search.Hit) (links []choice) {
	e, a := h.Event, h.Answer
	at := e.Filed().UTC().Truncate(time.Second)
	in := query{Show: "events", Clusters: filled([]string{e.Event.Cluster})}
	around := func(d time.Duration, clauses ...string) string {
		return in.with(during(at.Add(-d), at.Add(d+time.Second))).with(func(q *query) {
			for _, c := range clauses {
				and(c)(q)
			}
		}).link()
	}
	add := func(text, link string) { links = append(links, choice{Text: text, Link: link}) }
	if o, ok := objectOf(a); ok {
		add("History of this object", objectLink(o))
	}
	if askable(e.Event.AuditID) {
		add("All stages of this request", around(day, equals("ka.auditid", e.Event.AuditID)))
	}
	if askable(a.What.ReviewUID) {
		add("Admission review and audit events of this request", around(day, equals("kw.admission.uid", a.What.ReviewUID)))
	}
	if askable(a.Who.Name) {
		add("The same user, 15 minutes around", around(15*time.Minute, equals("ka.user.name", a.Who.Name)))
	}
	if askable(a.Who.SourceIP) {
		add("The same address, 15 minutes around", around(15*time.Minute, equals("kw.source.ip", a.Who.SourceIP)))
	}
	if askable(a.What.Resource) && askable(a.What.Name) && len(a.Where.Namespace) <= linkBytes {
		clauses := []string{equals("ka.target.resource", a.What.Resource), equals("kw.object.name", a.What.Name)}
		if a.Where.Namespace != "" && a.What.Resource != "namespaces" {
			clauses = append(clauses, equals("ka.target.namespace", a.Where.Namespace))
		}
		add("The same object, a week around", around(7*day, clauses...))
	}
	add("Everything, one minute around", around(time.Minute))
	return links
}

// came says how an event got here.
func came(e *record.Event) string {
	switch e.Source {
	case "":
		return ""
	case record.SourceWebhook:
		return "by webhook"
	case record.SourceFile:
		return "from a log file"
	case record.SourceAdmission:
		return "as an admission review"
	case record.SourceMutation:
		return "as an admission review that asks for changes"
	case record.SourceCorrelate:
		return "made here"
	case "pubsub":
		return "by Pub/Sub"
	case "cloudlogging":
		return "from Cloud Logging"
	}
	return "by " + e.Source
}
