package match

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Plan tells how a matcher finds the rules that an event can match.
type Plan struct {
	Rules    int            `json:"rules"`
	Operands int            `json:"operands"` // distinct fields and transformers
	Checks   int            `json:"checks"`   // distinct checks
	Indexes  []PlanIndex    `json:"indexes"`
	Residual []PlanResidual `json:"residual"`
	Never    []string       `json:"never"`  // rules that can match no event
	Shared   []PlanShared   `json:"shared"` // checks that stand in several rules, most first
	Access   []PlanAccess   `json:"access"` // by rule: what finds it
}

// PlanIndex is a look-up done once for an event.
type PlanIndex struct {
	Operand string `json:"operand"`
	Kind    string `json:"kind"` // "value", "text inside", "text inside, any case"
	Keys    int    `json:"keys"`
	Rules   int    `json:"rules"`
}

// PlanResidual is a rule that no look-up finds.
type PlanResidual struct {
	Rule     string   `json:"rule"`
	Why      string   `json:"why"`
	RuledOut []string `json:"ruled_out_by"` // what spares it the judging
}

// PlanShared is a check with the number of rules that it stands in.
type PlanShared struct {
	Check string `json:"check"`
	Rules int    `json:"rules"`
}

// PlanAccess is what finds a rule.
type PlanAccess struct {
	Rule string `json:"rule"`
	By   string `json:"by"`
}

// Plan describes how the matcher works.
func (m *Matcher) Plan() Plan {
	p := Plan{Rules: len(m.prog.rules), Operands: len(m.prog.slots), Checks: len(m.prog.preds), Shared: m.sharedChecks()}
	for i := range m.index.values {
		v := &m.index.values[i]
		p.Indexes = append(p.Indexes, PlanIndex{Operand: m.prog.slots[v.slot].text, Kind: "value", Keys: len(v.rules), Rules: m.rulesBy(v.slot, atomValue)})
	}
	for i := range m.index.insides {
		v := &m.index.insides[i]
		kind, at := "text inside", atomInside
		if v.fold {
			kind, at = "text inside, any case", atomFolded
		}
		p.Indexes = append(p.Indexes, PlanIndex{Operand: m.prog.slots[v.slot].text, Kind: kind, Keys: v.texts, Rules: m.rulesBy(v.slot, at)})
	}
	acc := newAccesses(m.prog)
	for i := range m.prog.rules {
		r := &m.prog.rules[i]
		switch a := m.index.access[i]; {
		case r.root == falseNode:
			p.Never = append(p.Never, r.name)
		case a == nil:
			p.Residual = append(p.Residual, PlanResidual{Rule: r.name, Why: m.why(acc, r.root), RuledOut: m.ruledOut(int32(i))})
		default:
			p.Access = append(p.Access, PlanAccess{Rule: r.name, By: m.atomsText(a)})
		}
	}
	return p
}

func (m *Matcher) rulesBy(slot int32, kind atomKind) int {
	n := 0
	for _, a := range m.index.access {
		if a != nil && slices.ContainsFunc(a.atoms, func(at atom) bool { return at.slot == slot && at.kind == kind }) {
			n++
		}
	}
	return n
}

// shownAtoms is how many values of an access are printed.
const shownAtoms = 4

func (m *Matcher) atomsText(a *access) string {
	var parts []string
	for i, at := range a.atoms {
		if i == shownAtoms {
			parts = append(parts, fmt.Sprintf("%d more", len(a.atoms)-i))
			break
		}
		verb := "="
		if at.kind != atomValue {
			verb = "with"
		}
		parts = append(parts, fmt.Sprintf("%s %s %q", m.prog.slots[at.slot].text, verb, at.text))
	}
	return strings.Join(parts, " or ")
}

// why tells why a rule is residual.
func (m *Matcher) why(acc *accesses, root nodeID) string {
	if root == trueNode {
		return "it matches every event"
	}
	n := &m.prog.nodes[root]
	switch a := acc.of(root); {
	case a != nil && a.cost >= costBody:
		return "what it demands stands in a body or has to be made from one: " + m.atomsText(a)
	case a != nil && a.cost >= costTransform:
		return "what it demands has to be made: " + m.atomsText(a)
	case a != nil && a.score > residualScore:
		return "the rarest it demands is " + m.atomsText(a) + ", which too many events have"
	case a != nil:
		return "too few other rules ask about the same: " + m.atomsText(a)
	case n.op == opOr:
		for _, t := range n.terms {
			if acc.of(t) == nil {
				return "one of its alternatives demands no value: " + m.text(t)
			}
		}
	}
	return "it demands no value or text: it excludes, compares or asks for existence only"
}

// ruledOut gives the terms of a rule by which it is ruled out with others.
func (m *Matcher) ruledOut(rule int32) []string {
	out := []string{}
	for _, t := range m.index.residual.terms[rule] {
		out = append(out, m.text(t))
	}
	return out
}

// text prints a node as a condition.
func (m *Matcher) text(id nodeID) string {
	n := &m.prog.nodes[id]
	switch n.op {
	case opPred:
		return m.prog.preds[n.pred].check.String()
	case opNotPred:
		return "not " + m.prog.preds[n.pred].check.String()
	case opTrue:
		return "true"
	case opFalse:
		return "false"
	}
	sep := " and "
	if n.op == opOr {
		sep = " or "
	}
	parts := make([]string, len(n.terms))
	for i, t := range n.terms {
		parts[i] = m.text(t)
	}
	return "(" + strings.Join(parts, sep) + ")"
}

// sharedChecks counts in how many rules each check stands.
func (m *Matcher) sharedChecks() []PlanShared {
	counts := make([]int, len(m.prog.preds))
	for i := range m.prog.rules {
		seen := map[int32]bool{}
		m.visit(m.prog.rules[i].root, seen, map[nodeID]bool{})
		for p := range seen {
			counts[p]++
		}
	}
	out := []PlanShared{}
	for p, n := range counts {
		if n > 1 {
			out = append(out, PlanShared{Check: m.prog.preds[p].check.String(), Rules: n})
		}
	}
	slices.SortFunc(out, func(a, b PlanShared) int {
		return cmp.Or(cmp.Compare(b.Rules, a.Rules), cmp.Compare(a.Check, b.Check))
	})
	return out
}

func (m *Matcher) visit(id nodeID, preds map[int32]bool, nodes map[nodeID]bool) {
	if nodes[id] {
		return
	}
	nodes[id] = true
	n := &m.prog.nodes[id]
	if n.op == opPred || n.op == opNotPred {
		preds[n.pred] = true
	}
	for _, t := range n.terms {
		m.visit(t, preds, nodes)
	}
}

// shownShared is how many shared checks the text of a plan has.
const shownShared = 20

// Write prints the plan for people.
func (p Plan) Write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "%d rules with %d distinct checks on %d fields and transformers\n", p.Rules, p.Checks, p.Operands)
	fmt.Fprintf(tw, "\nLOOK-UP\tBY\tKEYS\tRULES\n")
	for _, x := range p.Indexes {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\n", x.Operand, x.Kind, x.Keys, x.Rules)
	}
	fmt.Fprintf(tw, "\nRULE\tFOUND BY\n")
	for _, a := range p.Access {
		fmt.Fprintf(tw, "%s\t%s\n", a.Rule, a.By)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nresidual rules, candidates for every event unless ruled out: %d\n", len(p.Residual))
	for _, r := range p.Residual {
		fmt.Fprintf(w, "  %s: %s\n", r.Rule, r.Why)
		for _, by := range r.RuledOut {
			fmt.Fprintf(w, "    ruled out unless %s\n", by)
		}
	}
	for _, name := range p.Never {
		fmt.Fprintf(w, "rule that can match no event: %s\n", name)
	}
	fmt.Fprintf(tw, "\nRULES\tSHARED CHECK (%d in all)\n", len(p.Shared))
	for _, s := range p.Shared[:min(len(p.Shared), shownShared)] {
		fmt.Fprintf(tw, "%d\t%s\n", s.Rules, s.Check)
	}
	return tw.Flush()
}
