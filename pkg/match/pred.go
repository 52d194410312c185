package match

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

type predKind uint8

const (
	predFalse    predKind = iota // holds for no event
	predExists                   // the left side is present
	predEqual                    // text = value
	predDiffer                   // text != value
	predIn                       // text is among values
	predSome                     // an element of the list is among values
	predEvery                    // every element of the list is among values
	predStarts                   // text begins with one of few values
	predEnds                     // text ends with one of them
	predContains                 // one of them is inside text
	predTime                     // text of the event's time is, or is not, among numbers
	predTrue                     // holds for every event
	predTest                     // anything else
)

// pred is a distinct check of the rules. It is judged at most once for an
// event.
type pred struct {
	kind   predKind
	left   int32 // slot
	right  int32 // slot, -1 with literals
	values textSet
	texts  *automaton // of predContains with many values
	times  []uint64   // of predTime
	test   func(left, right []field.Item) bool
	cost   int32
	check  *condition.Check

	repeated int32 // number of the slot among the repeated ones; -1: none of these
	bit      uint8 // of a verdict
}

// textSet is a set of texts: a few are compared one by one, more are hashed.
type textSet struct {
	few  []string
	many map[string]struct{}
}

// fewTexts is up to how many texts comparing beats hashing.
const fewTexts = 6

func newTextSet(texts []string) textSet {
	if len(texts) <= fewTexts {
		return textSet{few: texts}
	}
	s := textSet{many: make(map[string]struct{}, len(texts))}
	for _, t := range texts {
		s.many[t] = struct{}{}
	}
	return s
}

func (s *textSet) has(t string) bool {
	for _, f := range s.few {
		if f == t {
			return true
		}
	}
	if s.many == nil {
		return false
	}
	_, ok := s.many[t]
	return ok
}

func (c *compiler) predicate(e *condition.Check) (int32, error) {
	key := e.String()
	if id, ok := c.predIDs[key]; ok {
		return id, nil
	}
	p, err := c.newPred(e)
	if err != nil {
		return 0, err
	}
	id := int32(len(c.preds))
	c.preds = append(c.preds, p)
	c.predIDs[key] = id
	return id, nil
}

func (c *compiler) newPred(e *condition.Check) (pred, error) {
	p := pred{right: -1, check: e}
	var err error
	if p.left, err = c.slot(e.Left); err != nil {
		return p, err
	}
	s := c.slots[p.left]
	p.cost = s.cost + opCost(e.Op) + int32(len(e.Values))/8
	switch {
	case e.Op == condition.Exists && s.always():
		p.kind = predTrue
		return p, nil
	case e.Op == condition.Exists:
		p.kind = predExists
		return p, nil
	case e.List && len(e.Values) == 0, c.b.strict && neverEqual(e, s.typ):
		p.kind = predFalse
		return p, nil
	case e.Right != nil:
		if p.right, err = c.slot(e.Right); err != nil {
			return p, err
		}
		p.cost += c.slots[p.right].cost
		p.kind = predTest
		p.test, err = itemTest(e.Op, s.typ)
		return p, err
	}
	p.kind = textKind(e, s.typ)
	switch {
	case p.kind == predTest:
		p.test, err = c.literalTest(e, s.typ)
	case s.isTime() && (p.kind == predEqual || p.kind == predDiffer || p.kind == predIn):
		p.kind, p.times = predTime, timesOf(e.Values)
	case p.kind == predContains && (len(e.Values) >= fewTexts || e.Op == condition.IContains):
		p.texts = containsAny(e)
	default:
		p.values = newTextSet(texts(e.Values))
	}
	return p, err
}

// literalTest is a check against literals with whatever makes it fast.
func (c *compiler) literalTest(e *condition.Check, typ condition.OperandType) (func(left, right []field.Item) bool, error) {
	test, err := literalTest(e, typ)
	if err != nil || e.Op != condition.Regex || e.Mod != condition.NoModifier {
		return test, err
	}
	if fixed, ok := newFixedPattern(e.Values[0].Text); ok {
		return func(left, _ []field.Item) bool { return fixed.matches(left[0].Text) }, nil
	}
	return withPrefilter(e.Values[0].Text, test), nil
}

// containsAny looks for all texts in one pass.
func containsAny(e *condition.Check) *automaton {
	fold := e.Op == condition.IContains
	list := make([]automatonText, len(e.Values))
	for i, v := range e.Values {
		list[i] = automatonText{text: v.Text, rules: []int32{0}}
		if fold {
			list[i].text = foldASCII(v.Text)
		}
	}
	return newAutomaton(list, fold)
}

// textKind tells which of the fast kinds a check against literals is.
func textKind(e *condition.Check, typ condition.OperandType) predKind {
	if typ.Type != condition.TypeString && typ.Type != condition.TypeBool {
		return predTest
	}
	switch {
	case e.Op == condition.In && typ.List:
		return predEvery
	case e.Op == condition.Intersects && typ.List:
		return predSome
	case e.Op == condition.In, e.Op == condition.Intersects, e.Op == condition.Eq && e.Mod == condition.AnyOf:
		return predIn
	case e.Op == condition.Eq && e.Mod == condition.NoModifier:
		return predEqual
	case e.Op == condition.Ne && e.Mod == condition.NoModifier:
		return predDiffer
	case e.Mod != condition.NoModifier && e.Mod != condition.AnyOf, typ.Type != condition.TypeString:
		return predTest
	case e.Op == condition.StartsWith && len(e.Values) <= fewTexts:
		return predStarts
	case e.Op == condition.EndsWith && len(e.Values) <= fewTexts:
		return predEnds
	case e.Op == condition.Contains, e.Op == condition.IContains:
		return predContains
	}
	return predTest
}

// timesOf gives the times that texts are the decimal numbers of; other texts
// are no event's time.
func timesOf(lits []condition.Literal) []uint64 {
	var out []uint64
	for _, l := range lits {
		if n, err := strconv.ParseUint(l.Text, 10, 64); err == nil && strconv.FormatUint(n, 10) == l.Text {
			out = append(out, n)
		}
	}
	return out
}

func texts(lits []condition.Literal) []string {
	out := make([]string, len(lits))
	for i, l := range lits {
		out[i] = l.Text
	}
	return out
}

// opCost is the cost of an operator in units of a comparison of short texts.
func opCost(op condition.Op) int32 {
	switch op {
	case condition.Contains, condition.StartsWith, condition.EndsWith:
		return 2
	case condition.IContains, condition.Glob, condition.IGlob, condition.PMatch:
		return 5
	case condition.Regex:
		return 25
	}
	return 1
}

// holds judges the predicate on the values of its slots.
func (p *pred) holds(left []field.Item, right []field.Item) bool {
	switch p.kind {
	case predExists, predTrue:
		return true
	case predEqual:
		return left[0].Text == p.values.few[0]
	case predDiffer:
		return left[0].Text != p.values.few[0]
	case predIn:
		return p.values.has(left[0].Text)
	case predSome:
		for i := range left {
			if p.values.has(left[i].Text) {
				return true
			}
		}
		return false
	case predEvery:
		for i := range left {
			if !p.values.has(left[i].Text) {
				return false
			}
		}
		return len(left) > 0
	case predStarts, predEnds, predContains:
		return p.affix(left[0].Text)
	case predTest:
		return p.test(left, right)
	}
	return false
}

// affix judges the kinds that look for texts in a text.
func (p *pred) affix(text string) bool {
	if p.texts != nil {
		return p.texts.any(text)
	}
	for _, v := range p.values.few {
		var found bool
		switch p.kind {
		case predStarts:
			found = strings.HasPrefix(text, v)
		case predEnds:
			found = strings.HasSuffix(text, v)
		default:
			found = strings.Contains(text, v)
		}
		if found {
			return true
		}
	}
	return false
}

// time judges a check on the text of the event's time without printing it.
func (p *pred) time(c *field.Context) bool {
	among := slices.Contains(p.times, uint64(c.Event.Time.UnixNano()))
	return among == (p.check.Op != condition.Ne)
}
