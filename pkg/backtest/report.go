package backtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is what a tally came to. The names are part of the command's contract.
type Report struct {
	Events    uint64            `json:"events"` // judged
	From      *time.Time        `json:"from,omitempty"`
	To        *time.Time        `json:"to,omitempty"` // of the first and the last detection, unless the caller knows more
	Alerts    uint64            `json:"alerts"`
	Rules     []RuleReport      `json:"rules"` // that fired, or did before; most urgent first
	Never     []string          `json:"never"` // rules that did not fire
	Proposals []Proposal        `json:"proposals,omitempty"`
	Unhidden  map[string]uint64 `json:"unhidden,omitempty"` // marked detections that no exception can hide, by rule
	YAML      string            `json:"exceptions_yaml,omitempty"`
	Compared  bool              `json:"compared"`
	Hidden    map[string]uint64 `json:"hidden,omitempty"` // events of which it cannot be told, since what a rule asks for was redacted
	Partial   string            `json:"partial,omitempty"`
}

// RuleReport is what was counted of a rule.
type RuleReport struct {
	Rule       string  `json:"rule"`
	Priority   string  `json:"priority"`
	Alerts     uint64  `json:"alerts"`
	Days       []Day   `json:"days"`
	Users      []Value `json:"users"`
	Namespaces []Value `json:"namespaces"`
	// Of users and namespaces that are not listed.
	OtherUsers      uint64 `json:"other_users,omitempty"`
	OtherNamespaces uint64 `json:"other_namespaces,omitempty"`

	// Compared with the rules before.
	New          uint64   `json:"new,omitempty"`
	NewUsers     []Value  `json:"new_users,omitempty"`
	NewExamples  []string `json:"new_examples,omitempty"`
	Gone         uint64   `json:"gone,omitempty"`
	GoneUsers    []Value  `json:"gone_users,omitempty"`
	GoneExamples []string `json:"gone_examples,omitempty"`

	Marked uint64 `json:"marked,omitempty"`

	priority int
}

// Day is a day, UTC, with its detections.
type Day struct {
	Day    string `json:"day"`
	Alerts uint64 `json:"alerts"`
}

// Report makes a report, with at most top users and namespaces of each rule.
func (t *Tally) Report(top int) *Report {
	out := &Report{Rules: []RuleReport{}, Never: []string{}, Compared: t.opt.Before != nil}
	out.Proposals, out.Unhidden = t.Proposals()
	out.YAML = YAML(out.Proposals)
	t.mu.Lock()
	defer t.mu.Unlock()
	out.Alerts = t.alerts
	if !t.first.IsZero() {
		first, last := t.first.UTC(), t.last.UTC()
		out.From, out.To = &first, &last
	}
	names := slices.Clone(t.order)
	if t.opt.Before != nil {
		for _, name := range t.opt.Before.order {
			if t.rules[name] == nil {
				names = append(names, name) // it is gone with all that it found
			}
		}
	}
	for _, name := range names {
		r := t.ruleReport(name, top)
		if r.Alerts == 0 && r.Gone == 0 {
			out.Never = append(out.Never, name)
			continue
		}
		out.Rules = append(out.Rules, r)
	}
	slices.SortStableFunc(out.Rules, func(a, b RuleReport) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(b.Alerts, a.Alerts), strings.Compare(a.Rule, b.Rule))
	})
	return out
}

func (t *Tally) ruleReport(name string, top int) RuleReport {
	out := RuleReport{Rule: name, Days: []Day{}, Users: []Value{}, Namespaces: []Value{}}
	rt := t.rules[name]
	if rt != nil {
		out.Priority, out.priority = rt.rule.Priority.String(), int(rt.rule.Priority)
		out.Alerts, out.Marked, out.New, out.NewExamples = rt.alerts, rt.marked, rt.added, rt.newExamples
		for _, day := range sortedKeys(rt.days) {
			out.Days = append(out.Days, Day{day, rt.days[day]})
		}
		out.Users, out.OtherUsers = rt.users.top(top)
		out.Namespaces, out.OtherNamespaces = rt.namespaces.top(top)
		out.NewUsers, _ = rt.newUsers.top(top)
	}
	if t.opt.Before != nil && t.opt.Before.rules[name] != nil {
		before := t.opt.Before.rules[name]
		if rt == nil {
			out.Priority, out.priority = before.rule.Priority.String(), int(before.rule.Priority)
		}
		out.gone(before, rt, top)
	}
	return out
}

// gone counts the detections that were there before.
func (out *RuleReport) gone(before, now *ruleTally, top int) {
	var users counts
	for _, id := range sortedKeys(before.detections) {
		was := before.detections[id]
		times := was.times
		if now != nil && now.detections[id] != nil {
			times -= min(times, now.detections[id].times)
		}
		if times == 0 {
			continue
		}
		out.Gone += times
		users.addMany(was.user, times)
		if was.text != "" && len(out.GoneExamples) < maxExamples {
			out.GoneExamples = append(out.GoneExamples, was.text)
		}
	}
	out.GoneUsers, _ = users.top(top)
}

// WriteJSON writes the report as an object.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.head(r)
	for i := range r.Rules {
		p.rule(&r.Rules[i], r.Compared)
	}
	if len(r.Never) > 0 {
		p.line("")
		p.line("Never: %s", strings.Join(r.Never, ", "))
	}
	for _, name := range sortedKeys(r.Hidden) {
		p.line("%s: %s not judged for sure, since what the rule asks for was redacted", name, counted(r.Hidden[name], "event"))
	}
	p.proposals(r)
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func counted(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *printer) head(r *Report) {
	rate := ""
	if r.Events > 0 {
		rate = fmt.Sprintf(", %.2f for 1,000 events", 1000*float64(r.Alerts)/float64(r.Events))
	}
	p.line("%s in %s%s", counted(r.Alerts, "alert"), counted(r.Events, "event"), rate)
	if r.Partial != "" {
		p.line("This is not all: %s", r.Partial)
	}
}

func (p *printer) rule(r *RuleReport, compared bool) {
	p.line("")
	change := ""
	if compared {
		change = fmt.Sprintf(" (+%d new, -%d gone)", r.New, r.Gone)
	}
	p.line("%-13s  %s  %s%s", r.Priority, r.Rule, counted(r.Alerts, "alert"), change)
	if len(r.Days) > 0 {
		p.line("    days        %s", dayLine(r.Days))
		p.line("    users       %s%s", valueList(r.Users), andOthers(r.OtherUsers))
		p.line("    namespaces  %s%s", valueList(r.Namespaces), andOthers(r.OtherNamespaces))
	}
	if r.New > 0 {
		p.line("    new         %s", valueList(r.NewUsers))
		p.examples(r.NewExamples)
	}
	if r.Gone > 0 {
		p.line("    gone        %s", valueList(r.GoneUsers))
		p.examples(r.GoneExamples)
	}
	if r.Marked > 0 {
		p.line("    marked      %s as false positives", counted(r.Marked, "alert"))
	}
}

func (p *printer) examples(all []string) {
	for _, text := range all {
		p.line("                %s", text)
	}
}

func andOthers(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", others %d", n)
}

// bars are the heights of a day.
var bars = []rune("▁▂▃▄▅▆▇█")

// dayLine draws a bar for each day from the first to the last, and names the busiest.
func dayLine(days []Day) string {
	most := days[0]
	for _, d := range days {
		if d.Alerts > most.Alerts {
			most = d
		}
	}
	busiest := fmt.Sprintf("most %s %d", most.Day, most.Alerts)
	if len(days) == 1 {
		return fmt.Sprintf("%s %d", most.Day, most.Alerts)
	}
	first, err := time.Parse(time.DateOnly, days[0].Day)
	last, err2 := time.Parse(time.DateOnly, days[len(days)-1].Day)
	const widest = 100
	if span := last.Sub(first); err != nil || err2 != nil || span > widest*24*time.Hour {
		return fmt.Sprintf("%d, %s", len(days), busiest)
	}
	by := map[string]uint64{}
	for _, d := range days {
		by[d.Day] = d.Alerts
	}
	var b strings.Builder
	for at := first; !at.After(last); at = at.AddDate(0, 0, 1) {
		n := by[at.Format(time.DateOnly)]
		if n == 0 {
			b.WriteByte('.')
			continue
		}
		b.WriteRune(bars[(n*uint64(len(bars))-1)/max(most.Alerts, 1)])
	}
	return fmt.Sprintf("%s  %s to %s, %s", b.String(), days[0].Day, days[len(days)-1].Day, busiest)
}

// proposals writes the exceptions, ready to be pasted.
func (p *printer) proposals(r *Report) {
	for _, name := range sortedKeys(r.Unhidden) {
		p.line("%s: %s marked that no exception can hide: the fields have no value that one could hold", name, counted(r.Unhidden[name], "alert"))
	}
	if r.YAML == "" {
		return
	}
	p.line("")
	p.line("Exceptions for what was marked; load them after the rules:")
	p.line("")
	if p.err == nil {
		_, p.err = io.WriteString(p.w, r.YAML)
	}
}
