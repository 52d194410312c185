package web

import (
	"github.com/kubewitness/kubewitness/pkg/api"
)

// rules answers with the rules in force.
func (c *call) rules() error {
	if err := c.params().none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	out := api.Rules{Rules: []api.Rule{}}
	if c.cfg.Rules == nil {
		return c.write(out)
	}
	set := c.cfg.Rules()
	if set == nil || set.Rules == nil {
		return c.write(out)
	}
	for _, r := range set.Rules.Rules {
		out.Rules = append(out.Rules, api.Rule{
			Name: r.Name, Desc: r.Desc, Priority: r.Priority.String(), Source: r.Source, Tags: orNone(r.Tags),
			Condition: r.Written, Output: r.Output, Enabled: r.Enabled, Stateful: r.Stateful(), State: r.StateKey(),
		})
	}
	return c.write(out)
}
