package rules

// The items of rules files, as read and as collected over several files.

// listItem is a list.
type listItem struct {
	name  string
	items []string
	at    chain
	order order
	bad   bool // its definition has errors, which have been told
}

// macroItem is a macro.
type macroItem struct {
	name  string
	cond  script
	at    chain
	where chain // of the condition
	order order
	bad   bool // its definition has errors, which have been told
}

// ruleItem is a rule.
type ruleItem struct {
	name        string
	cond        script
	condAt      chain
	output      script
	outputAt    chain
	desc        string
	source      string
	priority    Priority
	tags        map[string]bool
	exceptions  []exception
	enabled     bool
	skipUnknown bool // skip-if-unknown-filter
	warnEvttype bool
	sourceKnown bool
	at          chain
	order       order
	state       *stateItem // nil: none
	bad         bool       // its definition has errors, which have been told
	noCond      bool       // one of them: there is no condition
	noOutput    bool       // one of them: there is no output
}

// ruleUpdate is what an append or override brings to a rule; what is nil stays
// as it is.
type ruleUpdate struct {
	name       string
	cond       *script
	condAt     chain
	output     *script
	outputAt   chain
	desc       *string
	tags       *map[string]bool
	exceptions *[]exception
	priority   *Priority
	enabled    *bool
	skip       *bool
	warn       *bool
	capture    bool // a capture key is set, which does nothing here
	at         chain
}

// empty tells whether the update brings nothing.
func (u *ruleUpdate) empty() bool {
	return u.cond == nil && u.output == nil && u.desc == nil && u.tags == nil && u.exceptions == nil &&
		u.priority == nil && u.enabled == nil && u.skip == nil && u.warn == nil && !u.capture
}

// order says where an item stands among all items of all files. An item keeps
// the first number for ever and gets a new last one whenever it is defined
// again, appended to or overridden.
type order struct{ first, last int }

// sees tells whether a macro or list sees another: those first defined before
// its own last definition.
func (o order) sees(other order) bool { return other.first < o.last }

// exception is an exception of a rule.
type exception struct {
	name          string
	fields, comps entry
	values        []entry
	at            chain
	bad           bool // it has errors, which have been told
}

// entry is a text or a list of entries: the value of an exception's key, or
// an element of one.
type entry struct {
	list  bool
	text  string
	items []entry
	at    place
}

// set tells whether there is anything; an empty list is nothing.
func (e entry) set() bool { return len(e.items) > 0 || e.text != "" }

// table holds items by name in the order of their first definition.
type table[T any] struct {
	inOrder []*T
	byName  map[string]*T
}

func (t *table[T]) get(name string) *T { return t.byName[name] }

func (t *table[T]) put(name string, item *T) {
	if t.byName == nil {
		t.byName = map[string]*T{}
	}
	t.byName[name] = item
	t.inOrder = append(t.inOrder, item)
}
