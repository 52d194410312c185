package search

import (
	"fmt"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// verdict is what can be said of a condition and a stored event.
type verdict uint8

const (
	fails   verdict = iota
	holds           // also on what was redacted, whatever that was
	unknown         // it hangs on what was redacted
)

// noOutput is the output of rules that are made to judge by.
var noOutput = &format.Format{}

// matcher judges events by one rule.
type matcher interface {
	Match(c *field.Context) match.Result
}

// plain makes the evaluator of one condition, which costs little to make.
func plain(e condition.Expr, opt match.Options) (*match.Plain, error) {
	return match.NewPlain(ruleOf(e), field.Default(), opt)
}

// judge judges stored events by a condition. It is safe for concurrent use.
type judge struct {
	expr     condition.Expr // nil: holds for every event
	whole    matcher
	hostname string
	opt      match.Options
	clauses  map[*condition.Check]reads

	mu       sync.Mutex
	variants map[string]variant // by the clauses that are unknown
}

// variant is a condition with some clauses unknown: most holds where it can hold
// whatever they say, least where it does whatever they say. A nil one is constant.
type variant struct {
	most, least             matcher
	mostAlways, leastAlways bool // of a nil one
}

// maxVariants bounds the variants that are kept.
const maxVariants = 256

// newJudge prepares a condition; the options tell in which mode it is evaluated.
func newJudge(e condition.Expr, hostname string, opt match.Options) (*judge, error) {
	j := &judge{expr: e, hostname: hostname, opt: opt}
	if e == nil {
		return j, nil
	}
	m, err := match.New(ruleOf(e), field.Default(), opt)
	if err != nil {
		return nil, fmt.Errorf("search: condition: %w", err)
	}
	j.whole = m
	j.listClauses()
	return j, nil
}

func (j *judge) listClauses() {
	j.clauses = map[*condition.Check]reads{}
	j.variants = map[string]variant{}
	condition.Walk(j.expr, func(e condition.Expr) bool {
		if c, ok := e.(*condition.Check); ok {
			if _, known := j.clauses[c]; !known {
				j.clauses[c] = readsOf(c)
			}
		}
		return true
	})
}

// contextOf is what fields see of a stored event: it is judged as if it were the first.
func contextOf(e *audit.Event, hostname string) *field.Context {
	return &field.Context{Event: e, Num: 1, Hostname: hostname}
}

// event judges an event. The error is a fault of the evaluator.
func (j *judge) event(e *record.Event) (verdict, error) {
	if j.expr == nil {
		return holds, nil
	}
	if len(e.Redacted) > 0 {
		if v, key := j.unknowns(e.Redacted); len(v) > 0 {
			return j.threeValued(e.Event, v, key)
		}
	}
	return j.judged(j.whole, false, e.Event)
}

func (j *judge) judged(m matcher, otherwise bool, e *audit.Event) (verdict, error) {
	if m == nil {
		if otherwise {
			return holds, nil
		}
		return fails, nil
	}
	res := m.Match(contextOf(e, j.hostname))
	switch {
	case len(res.Faults) > 0:
		return fails, fmt.Errorf("search: %w", res.Faults[0].Err)
	case len(res.Detections) > 0:
		return holds, nil
	}
	return fails, nil
}

// unknowns are the clauses that look where something was redacted, with a key that no
// other set of clauses has.
func (j *judge) unknowns(redacted []string) (map[*condition.Check]bool, string) {
	var found map[*condition.Check]bool
	var key []byte
	condition.Walk(j.expr, func(e condition.Expr) bool {
		c, ok := e.(*condition.Check)
		if !ok {
			return true
		}
		r := j.clauses[c]
		if r.touched(redacted) {
			if found == nil {
				found = map[*condition.Check]bool{}
			}
			found[c] = true
			key = append(key, '1')
		} else {
			key = append(key, '0')
		}
		return true
	})
	return found, string(key)
}

// threeValued judges an event with some clauses unknown.
func (j *judge) threeValued(e *audit.Event, clauses map[*condition.Check]bool, key string) (verdict, error) {
	v, err := j.variant(clauses, key)
	if err != nil {
		return fails, err
	}
	switch can, err := j.judged(v.most, v.mostAlways, e); {
	case err != nil, can == fails:
		return fails, err
	}
	switch must, err := j.judged(v.least, v.leastAlways, e); {
	case err != nil, must == holds:
		return must, err
	}
	return unknown, nil
}

func (j *judge) variant(clauses map[*condition.Check]bool, key string) (v variant, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	v, ok := j.variants[key]
	if ok {
		return v, nil
	}
	if v.most, v.mostAlways, err = j.assumed(clauses, true); err != nil {
		return v, err
	}
	if v.least, v.leastAlways, err = j.assumed(clauses, false); err != nil {
		return v, err
	}
	if len(j.variants) >= maxVariants {
		clear(j.variants)
	}
	j.variants[key] = v
	return v, nil
}

// assumed makes the evaluator of the condition in which the unknown clauses speak for it,
// or against it. It is nil for a condition that is always the same.
func (j *judge) assumed(clauses map[*condition.Check]bool, speakFor bool) (matcher, bool, error) {
	left, value := assume(j.expr, clauses, speakFor)
	if left == nil {
		return nil, value, nil
	}
	m, err := plain(left, j.opt)
	if err != nil {
		return nil, false, fmt.Errorf("search: condition: %w", err)
	}
	return m, false, nil
}

// assume replaces the unknown clauses by a value, the opposite one below each "not". It
// gives what is left of the condition, or nil and the value of all of it.
func assume(e condition.Expr, clauses map[*condition.Check]bool, value bool) (condition.Expr, bool) {
	switch e := e.(type) {
	case *condition.Check:
		if clauses[e] {
			return nil, value
		}
	case *condition.Not:
		x, v := assume(e.X, clauses, !value)
		if x == nil {
			return nil, !v
		}
		return &condition.Not{X: x, At: e.At}, false
	case *condition.And:
		terms, decided := assumeTerms(e.Terms, clauses, value, false)
		switch {
		case decided:
			return nil, false
		case len(terms) == 0:
			return nil, true
		case len(terms) == 1:
			return terms[0], false
		}
		return &condition.And{Terms: terms, At: e.At}, false
	case *condition.Or:
		terms, decided := assumeTerms(e.Terms, clauses, value, true)
		switch {
		case decided:
			return nil, true
		case len(terms) == 0:
			return nil, false
		case len(terms) == 1:
			return terms[0], false
		}
		return &condition.Or{Terms: terms, At: e.At}, false
	}
	return e, false
}

// assumeTerms is assume for terms of which one decides by the value that it has.
func assumeTerms(terms []condition.Expr, clauses map[*condition.Check]bool, value, decides bool) (left []condition.Expr, decided bool) {
	for _, t := range terms {
		x, v := assume(t, clauses, value)
		switch {
		case x != nil:
			left = append(left, x)
		case v == decides:
			return nil, true
		}
	}
	return left, false
}
