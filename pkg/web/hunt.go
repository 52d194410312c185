package web

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// errEnough ends a hunt that has given as many events as were asked for.
var errEnough = errors.New("web: enough")

// hunt runs the rules in the body over history and streams the events that they match.
func (c *call) hunt() error {
	p := c.params()
	req := c.request(p)
	req.Stateful = p.truth("stateful")
	limit := p.number("limit", c.cfg.Limits.Lines, 1, c.cfg.Limits.Lines)
	if err := p.none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeLines); err != nil {
		return err
	}
	set, err := c.huntRules()
	if err != nil {
		return err
	}
	return c.stream(c.r.Context(), func(ctx context.Context) error { return c.huntLines(ctx, set, req, limit) })
}

func (c *call) huntLines(ctx context.Context, set *ruleset.Set, req search.Request, limit int) error {
	out := c.lines()
	var text []byte
	sum, err := c.cfg.Search.Hunt(ctx, c.who.principal, set, req, func(h *search.Hit, found []match.Detection) (err error) {
		if out.written == limit {
			return errEnough
		}
		hit := api.HuntHit{Event: eventOf(h), Found: detectionsOf(h.Event.ID, found)}
		if text, err = api.AppendHuntHit(text[:0], &hit, true); err != nil {
			return err
		}
		return out.line(text)
	})
	s := summaryOf(sum)
	s.Hits = out.written
	if errors.Is(err, errEnough) {
		err = nil
		s.Partial, s.Why = true, "there are more events than the limit; raise it, or ask for a shorter time"
	}
	return out.end(s, err)
}

// huntRules reads the rules of the body.
func (c *call) huntRules() (*ruleset.Set, error) {
	if err := c.bodyType(rulesTypes); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, c.cfg.Limits.RulesBody))
	if err != nil {
		if p := bodyProblem(err); p != nil {
			return nil, p
		}
		return nil, problem(api.ProblemBody, "the body broke off; send it again")
	}
	set, err := ruleset.Compile([]rules.File{{Name: "rules", Content: text}}, ruleset.Options{MinPriority: rules.Debug})
	if err == nil && len(set.Rules.Rules) > 0 {
		return set, nil
	}
	p := problem(api.ProblemRules, "mend the rules and send them again; kubewitness rules check tells more")
	if err == nil {
		p.Detail = "there is no rule in the body; send rules as YAML"
	}
	for _, result := range set.Results {
		for _, d := range result.Errors {
			p.Rejected = append(p.Rejected, d.String())
		}
	}
	return nil, p
}
