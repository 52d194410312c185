package web

import (
	"context"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// explain answers why a rule fires on an event, or why it does not.
func (c *call) explain() error {
	id, err := c.id()
	if err != nil {
		return err
	}
	p := c.params()
	rule := p.need("rule")
	if err := p.none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), c.cfg.Limits.Timeout)
	defer cancel()
	h, err := c.cfg.Search.Get(ctx, c.who.principal, id)
	if err != nil {
		return err
	}
	tree, note, err := c.cfg.Search.Explain(ctx, c.who.principal, id, rule)
	if err != nil {
		return err
	}
	e := eventOf(h)
	out := api.Explanation{
		EventID: e.ID, Rule: rule, Condition: c.written(rule), Note: note, Verdict: tree.Verdict, Tree: clauseOf(tree),
		Redacted: e.Redacted, Stored: []api.Detection{},
	}
	for _, d := range e.Detections {
		if d.Rule == rule {
			out.Stored = append(out.Stored, d)
		}
	}
	return c.write(out)
}

// written is the condition of a rule in force as its file has it.
func (c *call) written(rule string) string {
	if c.cfg.Rules == nil {
		return ""
	}
	set := c.cfg.Rules()
	if set == nil || set.Rules == nil {
		return ""
	}
	if r := set.Rules.Rule(rule); r != nil {
		return r.Written
	}
	return ""
}
