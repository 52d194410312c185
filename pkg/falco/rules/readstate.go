package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stateItem is a stateful key as read.
type stateItem struct {
	kind     StateKind
	by       []fieldText
	within   time.Duration
	suppress time.Duration
	count    int
	distinct []fieldText
	steps    []stepItem
	terms    []fieldText
	learning time.Duration
	timers   map[string]time.Duration
	at       chain
}

// stepItem is a step of a sequence as read.
type stepItem struct {
	cond        script
	condAt      chain
	by, differs []fieldText
	at          chain
	noCond      bool // it has none, which has been told
}

// fieldText is a field as it is written.
type fieldText struct {
	text string
	at   chain
}

// Bounds of what a stateful key may ask for.
const (
	leastWithin, mostWithin     = time.Second, day
	mostSuppress                = 30 * day
	leastCount, mostCount       = 2, 10_000
	mostDistinct                = 1000
	leastSteps, mostSteps       = 2, 5
	mostFields                  = 5
	mostDays, defaultDays       = 90 * day, 14 * day
	leastLearning, defaultLearn = 10 * time.Minute, day
	leastTimer, mostTimer       = time.Second, day
	leastSilence                = time.Minute
)

// state reads the stateful key of a rule; nil where it has none. Strict readers
// know none, as Falco.
func (r *reader) state(item node, at chain) (s *stateItem, ok bool) {
	if r.strict {
		return nil, true
	}
	ok = true
	for k, v := range item.pairs() {
		if !k.isScalar() || !strings.HasPrefix(k.text(), "kw_") {
			continue
		}
		kind := slices.Index(stateKeys[:], k.text())
		where := at.addNode("value for", k.text(), k)
		switch {
		case kind < 0:
			r.failHint(ErrYAMLValidate, where, fmt.Sprintf("Unknown key '%s'", k.text()), "there are "+strings.Join(stateKeys[:], ", "))
			ok = false
		case s != nil:
			r.fail(ErrYAMLValidate, where, fmt.Sprintf("A rule has one of the kw_ keys, this one has %s already", s.kind.Key()))
			ok = false
		default:
			var fine bool
			s, fine = r.stateKey(StateKind(kind), v, where)
			ok = ok && fine
		}
	}
	return s, ok
}

// refuseState tells that a stateful key stands where it means nothing: in what is
// appended to a rule or overrides it.
func (r *reader) refuseState(item node, at chain) {
	for k := range item.pairs() {
		if !r.strict && k.isScalar() && strings.HasPrefix(k.text(), "kw_") {
			r.failHint(ErrYAMLValidate, at.addNode("value for", k.text(), k), fmt.Sprintf("Key '%s' cannot be appended or overridden", k.text()),
				"define the whole rule again, with the "+k.text()+" that it is to have")
		}
	}
}

func (r *reader) stateKey(kind StateKind, v node, at chain) (*stateItem, bool) {
	s := &stateItem{kind: kind, at: at}
	if !v.isMap() {
		r.fail(ErrYAMLValidate, at, fmt.Sprintf("%s is a mapping, such as %s", kind.Key(), stateExamples[kind]))
		return s, false
	}
	ok := r.onlyKeys(v, kind.Key(), stateParts[kind], at)
	ok = r.fieldTexts(v, "by", &s.by, false, at) && ok
	var own bool
	switch kind {
	case Threshold:
		own = r.threshold(s, v, at)
	case Sequence:
		own = r.sequenceOf(s, v, at)
	case NewTerms:
		own = r.newTerms(s, v, at)
	case Absence:
		own = r.absence(s, v, at)
	}
	return s, own && ok
}

var stateParts = [...][]string{
	{"count", "within", "by", "distinct", "suppress"},
	{"steps", "within", "by", "suppress"},
	{"fields", "within", "by", "learning"},
	{"completion", "silence", "by"},
}

var stateExamples = [...]string{
	"{count: 20, within: 5m, by: [ka.user.name]}",
	"{within: 10m, by: [ka.user.name], steps: [{condition: ...}, {condition: ...}]}",
	"{fields: [ka.useragent], by: [ka.user.name], within: 14d}",
	"{completion: {create: 1m, patch: 1m}} or {silence: 15m}",
}

// onlyKeys tells of keys that a mapping has and that mean nothing there.
func (r *reader) onlyKeys(v node, what string, keys []string, at chain) bool {
	ok := true
	seen := map[string]bool{}
	for k := range v.pairs() {
		switch text := k.text(); {
		case !slices.Contains(keys, text):
			r.failHint(ErrYAMLValidate, at.addNode("value for", text, k), fmt.Sprintf("Unknown key '%s' in %s", text, what), "there are "+strings.Join(keys, ", "))
			ok = false
		case seen[text]:
			r.fail(ErrYAMLValidate, at.addNode("value for", text, k), fmt.Sprintf("Key '%s' stands twice in %s", text, what))
			ok = false
		default:
			seen[text] = true
		}
	}
	return ok
}

func (r *reader) threshold(s *stateItem, v node, at chain) bool {
	ok := r.duration(v, "within", &s.within, leastWithin, mostWithin, at)
	ok = r.window(s, v, at) && ok
	ok = r.fieldTexts(v, "distinct", &s.distinct, false, at) && ok
	text, there := r.text(v, "count", at)
	if !there {
		return false
	}
	n, err := strconv.Atoi(text)
	most := mostCount
	if len(s.distinct) > 0 {
		most = mostDistinct
	}
	if err != nil || n < leastCount || n > most {
		r.fail(ErrYAMLValidate, at.addNode("value for", "count", v.get("count")), fmt.Sprintf("count is a number from %d to %d", leastCount, most))
		return false
	}
	s.count = n
	return ok
}

// window reads how long a rule that has fired keeps quiet.
func (r *reader) window(s *stateItem, v node, at chain) bool {
	s.suppress = s.within
	if !v.get("suppress").defined() || s.within == 0 {
		return true
	}
	return r.duration(v, "suppress", &s.suppress, s.within, mostSuppress, at)
}

func (r *reader) sequenceOf(s *stateItem, v node, at chain) bool {
	ok := r.duration(v, "within", &s.within, leastWithin, mostWithin, at)
	ok = r.window(s, v, at) && ok
	steps := v.get("steps")
	if !steps.isSequence() || len(steps.y.Content) < leastSteps || len(steps.y.Content) > mostSteps {
		where := at
		if steps.defined() {
			where = at.addNode("value for", "steps", steps)
		}
		r.fail(ErrYAMLValidate, where, fmt.Sprintf("kw_sequence has steps, a sequence of %d to %d mappings with a condition each", leastSteps, mostSteps))
		return false
	}
	for step := range steps.elems() {
		ok = r.step(s, step, at.addNode("step", strconv.Itoa(len(s.steps)+1), step)) && ok
	}
	return ok
}

func (r *reader) step(s *stateItem, v node, at chain) bool {
	if !v.isMap() {
		r.fail(ErrYAMLValidate, at, "A step is a mapping with a condition")
		return false
	}
	st := stepItem{at: at}
	ok := r.onlyKeys(v, "a step", []string{"condition", "by", "differs"}, at)
	st.noCond = !r.script(v, "condition", "step condition", &st.cond, &st.condAt, at)
	ok = ok && !st.noCond
	ok = r.fieldTexts(v, "by", &st.by, false, at) && ok
	ok = r.fieldTexts(v, "differs", &st.differs, false, at) && ok
	if len(st.by) > 0 && len(st.by) != len(s.by) {
		r.fail(ErrYAMLValidate, at.addNode("value for", "by", v.get("by")), fmt.Sprintf("by of a step has a field for each of the %d of kw_sequence, this one has %d", len(s.by), len(st.by)))
		ok = false
	}
	if len(st.differs) > 0 && len(s.steps) == 0 {
		r.fail(ErrYAMLValidate, at.addNode("value for", "differs", v.get("differs")), "The first step has none before it that it could differ from")
		ok = false
	}
	s.steps = append(s.steps, st)
	return ok
}

func (r *reader) newTerms(s *stateItem, v node, at chain) bool {
	s.within, s.learning = defaultDays, defaultLearn
	ok := r.fieldTexts(v, "fields", &s.terms, true, at)
	if v.get("within").defined() {
		if fine := r.duration(v, "within", &s.within, day, mostDays, at); !fine {
			ok = false
		} else if s.within%day != 0 {
			r.fail(ErrYAMLValidate, at.addNode("value for", "within", v.get("within")), "within is in whole days, such as 14d")
			ok = false
		}
	}
	if v.get("learning").defined() {
		ok = r.duration(v, "learning", &s.learning, 0, mostDays, at) && ok
		if s.learning > 0 && s.learning < leastLearning {
			r.fail(ErrYAMLValidate, at.addNode("value for", "learning", v.get("learning")), "learning is 0s, or at least "+FormatDuration(leastLearning))
			ok = false
		}
	}
	s.suppress = s.within
	return ok
}

func (r *reader) absence(s *stateItem, v node, at chain) bool {
	timers := v.get("completion")
	if timers.defined() == v.get("silence").defined() {
		r.fail(ErrYAMLValidate, at, "kw_absence has either completion or silence, such as "+stateExamples[Absence])
		return false
	}
	if !timers.defined() {
		ok := r.duration(v, "silence", &s.within, leastSilence, mostWithin, at)
		s.suppress = s.within
		return ok
	}
	where := at.addNode("value for", "completion", timers)
	if !timers.isMap() || len(timers.y.Content) == 0 {
		r.fail(ErrYAMLValidate, where, "completion is a mapping of verbs to the time that a request has, such as {create: 1m, patch: 1m}")
		return false
	}
	ok := true
	if len(s.by) > 0 {
		r.fail(ErrYAMLValidate, at.addNode("value for", "by", v.get("by")), "completion is of each request, so there is nothing to count by")
		ok = false
	}
	s.timers = map[string]time.Duration{}
	for k := range timers.pairs() {
		verb := k.text()
		var d time.Duration
		switch {
		case verb == "":
			r.fail(ErrYAMLValidate, where.addNode("value for", "completion", k), "a verb is a text")
			ok = false
		case verb == "watch" || verb == "connect":
			r.fail(ErrYAMLValidate, where.addNode("value for", verb, k), "requests of verb "+verb+" last as long as the client likes; they can not be overdue")
			ok = false
		default:
			ok = r.duration(timers, verb, &d, leastTimer, mostTimer, where) && ok
		}
		s.timers[verb] = d
		s.within = max(s.within, d)
	}
	s.suppress = s.within
	return ok
}

// duration reads a length of time that must be there.
func (r *reader) duration(v node, key string, into *time.Duration, least, most time.Duration, at chain) bool {
	text, ok := r.text(v, key, at)
	if !ok {
		return false
	}
	where := at.addNode("value for", key, v.get(key))
	d, err := ParseDuration(text)
	switch {
	case err != nil:
		r.fail(ErrYAMLValidate, where, err.Error())
		return false
	case d < least || d > most:
		r.fail(ErrYAMLValidate, where, fmt.Sprintf("%s is from %s to %s", key, FormatDuration(least), FormatDuration(most)))
		return false
	}
	*into = d
	return true
}

// fieldTexts reads a field or a list of fields.
func (r *reader) fieldTexts(v node, key string, into *[]fieldText, must bool, at chain) bool {
	val := v.get(key)
	if !val.defined() && !must {
		return true
	}
	if !val.defined() {
		r.fail(ErrYAMLValidate, at, fmt.Sprintf("Item has no mapping for key '%s'", key))
		return false
	}
	where := at.addNode("value for", key, val)
	switch {
	case val.isScalar():
		*into = []fieldText{{val.text(), where}}
	case val.isSequence():
		for f := range val.elems() {
			*into = append(*into, fieldText{f.text(), where.addNode("list item", "", f)})
		}
	}
	if n := len(*into); n > mostFields || n == 0 && (must || !val.isSequence()) {
		r.fail(ErrYAMLValidate, where, fmt.Sprintf("%s is a field or a list of at most %d", key, mostFields))
		return false
	}
	return true
}
