package rules

import (
	"strings"
	"sync/atomic"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
)

// prepared is what can be made of a rule without a look at any other, and
// without telling anything: most of the work, and for many rules at once.
type prepared struct {
	faults    []finding // of the exceptions, to be told
	excepted  bool      // all exceptions are in the condition
	output    script    // without place holders of old
	format    *format.Format
	formatErr error
	condition parsed
	steps     []step // of the condition; nil where it does not parse
}

// parsed is a condition with its lists substituted.
type parsed struct {
	text script
	used []*wordList // the lists in it
	size int         // bytes of the text; 0 where the substitution failed
	tree condition.Expr
	err  error // why there is no tree
}

// prepareBatch is how many rules are prepared before they are compiled in their
// order: enough to keep all cores at work, few enough to keep little in memory.
const prepareBatch = 1024

// prepareAll prepares rules on all cores. It leaves out what it can not, which
// is then prepared in its turn, and goes wrong there.
func (c *compiler) prepareAll(items []*ruleItem) []*prepared {
	ready := make([]*prepared, len(items))
	var size atomic.Int64 // of the texts, which may be large beyond measure
	spread(len(items), func(i int) {
		defer func() { _ = recover() }()
		if !items[i].sourceKnown || size.Load() > maxSubstituted {
			return
		}
		p := c.prepare(items[i])
		size.Add(int64(p.condition.size))
		ready[i] = p
	})
	return ready
}

// prepare prepares one rule. It changes nothing that another rule has to do
// with.
func (c *compiler) prepare(item *ruleItem) *prepared {
	p := &prepared{}
	cat, _ := c.all.catalogue(item.source)
	if !item.noOutput {
		p.output = item.output
		if strings.Contains(p.output.text, containerInfo) {
			p.output = p.output.without(containerInfo)
		}
		p.format, p.formatErr = format.Parse(p.output.text, cat)
	}
	var cond script
	cond, p.faults, p.excepted = withExceptions(item)
	if !item.noCond {
		p.condition = c.parsed(cond)
		p.steps = c.steps(p.condition.tree, p.condition.text, item.condAt, item.source)
	}
	return p
}

// parsed puts the lists into a condition and parses it.
func (c *compiler) parsed(cond script) (p parsed) {
	p.text, p.used, p.err = c.substitute(cond)
	if p.err != nil {
		return p
	}
	if p.size = len(p.text.text); c.spent+p.size > maxSubstituted {
		return p // accept tells
	}
	p.tree, p.err = condition.Parse(p.text.text)
	return p
}
