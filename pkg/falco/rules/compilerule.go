package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
)

// rule compiles one rule: its exceptions, its output, its condition. nil where
// it has errors, which have been told, or is skipped for an unknown field.
func (c *compiler) rule(item *ruleItem, p *prepared) *Rule {
	for _, f := range p.faults {
		c.fail(f.code, f.at, f.msg)
	}
	ok := p.excepted
	switch c.output(item, p) {
	case skipped:
		return nil
	case failed:
		ok = false
	}
	tree, verdict := c.condition(item, p)
	state, stateVerdict := c.compileState(item, tree)
	if verdict != fine || stateVerdict != fine || !ok || item.bad {
		return nil
	}
	c.warnEvttypes(item)
	tags := slices.AppendSeq([]string{}, maps.Keys(item.tags))
	slices.Sort(tags)
	r := &Rule{
		Name: item.name, Desc: item.desc, Source: item.source, Output: p.output.text, Priority: item.priority,
		Tags: tags, Enabled: item.enabled, SkipIfUnknownFilter: item.skipUnknown,
		Written: item.cond.text, ConditionText: p.condition.text.text, Condition: tree, Format: p.format,
		State: state, Exceptions: item.declared(), File: item.at.last().in.name, Line: item.at.last().line,
	}
	if !c.judgeState(item, r) {
		return nil
	}
	return r
}

// verdict is the outcome of compiling a part of a rule.
type verdict int

const (
	fine    verdict = iota
	failed          // an error has been told
	skipped         // a field does not exist, and the rule is to be skipped then
)

// containerInfo is a place holder of old that stands for nothing any more.
const containerInfo = "%container.info"

// deprecatedFields are the fields that Falco warns of, wherever their name
// stands in an output.
var deprecatedFields = []string{"evt.dir", "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.wait_latency"}

// output tells what there is to tell of the output of a rule.
func (c *compiler) output(item *ruleItem, p *prepared) verdict {
	if item.noOutput {
		return failed
	}
	if strings.Contains(item.output.text, containerInfo) {
		c.warn(WarnDeprecatedItem, item.at, containerInfo+" is deprecated and no more useful, and will be dropped by Falco 1.0.0. "+
			"The container plugin will automatically add required fields to the output message.")
	}
	if p.formatErr != nil {
		return c.outputError(item, p.output, p.formatErr)
	}
	if !c.strict {
		for _, w := range p.format.Warnings {
			c.warn(w.Code, outputExpression(item, p.output, w.Pos.Offset), w.Msg)
		}
	}
	for _, name := range deprecatedFields {
		if strings.Contains(p.output.text, name) {
			c.warnDeprecated(WarnDeprecatedItem, item.outputAt, "usage of deprecated field '"+name+"' has been detected in the rule output", name)
		}
	}
	return fine
}

func (c *compiler) outputError(item *ruleItem, output script, err error) verdict {
	var bad *format.Error
	if !errors.As(err, &bad) {
		c.fail(ErrCompileOutput, item.outputAt, err.Error())
		return failed
	}
	at := outputExpression(item, output, bad.Offset)
	if bad.UnknownField && item.skipUnknown {
		c.warn(WarnUnknownFilter, at, bad.Msg)
		return skipped
	}
	c.failHint(ErrCompileOutput, at, bad.Msg, sourceHint(item, bad.UnknownField))
	return failed
}

// outputExpression leads to a place in an output string. Offsets count from
// its first character that is no white space.
func outputExpression(item *ruleItem, output script, offset int) chain {
	offset += len(output.text) - len(strings.TrimLeft(output.text, " \t\n\v\f\r\u0085\u00a0"))
	at := output.at(offset)
	if at.in == nil {
		at = item.outputAt.last()
	}
	return item.outputAt.add("rule output expression", "", at)
}

// condition compiles the condition of a rule.
func (c *compiler) condition(item *ruleItem, p *prepared) (condition.Expr, verdict) {
	if item.noCond || !c.accept(p.condition, item.condAt) {
		return nil, failed
	}
	tree := p.condition.tree
	refs := c.references(tree, p.condition.text, item.condAt, func(*macro) bool { return true })
	ok := c.judgeReferences(refs, item.condAt)
	switch c.tell(item, c.validate(p.steps, item)) {
	case skipped:
		if ok {
			return nil, skipped
		}
		return nil, failed
	case failed:
		ok = false
	}
	if !ok {
		return nil, failed
	}
	if c.measure(tree) > maxConditionNodes {
		c.fail(ErrCompileCondition, item.condAt, "condition is too large with its macros in place")
		return nil, failed
	}
	resolved, err := c.resolve(tree)
	if err != nil { // a bad macro, which has been told
		return nil, failed
	}
	return resolved, fine
}

// tell tells what validation has found. Falco stops at the first error, so that
// one alone decides whether the rule is skipped.
func (c *compiler) tell(item *ruleItem, found []finding) verdict {
	outcome := fine
	for _, f := range found {
		switch {
		case f.warning:
			c.warn(f.code, f.at, f.msg)
		case f.unknown && item.skipUnknown && outcome == fine:
			c.warn(WarnUnknownFilter, f.at, f.msg)
			return skipped
		default:
			outcome = failed
			c.failHint(f.code, f.at, f.msg, sourceHint(item, f.unknown))
		}
	}
	return outcome
}

// sourceHint explains why nothing that a rule asks for exists.
func sourceHint(item *ruleItem, unknown bool) string {
	if !unknown || item.source != syscallSource {
		return ""
	}
	return fmt.Sprintf("rule '%s' is for system calls, as rules are that name no source; for audit events it needs 'source: %s'",
		item.name, defaultSource)
}

// warnEvttypes warns of a rule that is tried on every system call.
func (c *compiler) warnEvttypes(item *ruleItem) {
	if item.source == syscallSource && item.warnEvttype {
		c.warn(WarnNoEvttype, item.at, "Rule matches too many evt.type values. This has a significant performance penalty.")
	}
}

// syscallFields is what is left of a catalogue for system calls, which are not
// read here: the fields that every event has.
type syscallFields struct{ all condition.Catalogue }

// Field tells of a field.
func (s syscallFields) Field(name string) (condition.FieldInfo, bool) {
	if !strings.HasPrefix(name, "evt.") {
		return condition.FieldInfo{}, false
	}
	return s.all.Field(name)
}
