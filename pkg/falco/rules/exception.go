package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// exceptions reads the exceptions of a rule, which may be absent. When they are
// appended, their fields may be absent too.
func (r *reader) exceptions(item node, at chain, appends bool) ([]exception, bool) {
	val := item.get("exceptions")
	if !val.defined() || val.isNull() {
		return nil, true
	}
	where := at.addNode("exceptions", "", val)
	if !val.isSequence() {
		r.fail(ErrYAMLValidate, where, "Rule exceptions must be a sequence")
		return nil, false
	}
	var all []exception
	ok := true
	for n := range val.elems() {
		ex, exOK := r.exception(n, all, where, at, appends)
		ex.bad = !exOK
		ok = ok && exOK
		all = append(all, ex)
	}
	return all, ok
}

func (r *reader) exception(n node, before []exception, where, rule chain, appends bool) (exception, bool) {
	anonymous := where.addNode("exception", "", n)
	if !n.isMap() {
		r.fail(ErrYAMLValidate, anonymous, "Rule exception must be a mapping")
		return exception{}, false
	}
	name, ok := r.text(n, "name", anonymous)
	ex := exception{name: name, at: rule.addNode("exception", name, n)}
	for _, b := range before {
		if ok && b.name == name {
			r.warn(WarnExceptionName, ex.at, fmt.Sprintf("Multiple definitions of exception '%s' in the same rule", name))
			break
		}
	}
	if !n.get("fields").defined() && !appends {
		r.fail(ErrYAMLValidate, ex.at, "Item has no mapping for key 'fields'")
		ok = false
	}
	ok = r.entry(n.get("fields"), "fields", &ex.fields, ex.at) && ok
	ok = r.entry(n.get("comps"), "comps", &ex.comps, ex.at) && ok
	values := n.get("values")
	switch {
	case values.defined():
		ok = r.exceptionValues(values, &ex) && ok
	case appends:
		r.warn(WarnAppendNoValues, ex.at, "Overriding/appending exception with no values")
	}
	return ex, ok
}

func (r *reader) exceptionValues(values node, ex *exception) bool {
	where := ex.at.addNode("exception values", "", values)
	if !values.isSequence() {
		r.fail(ErrYAMLValidate, where, "Rule exception values must be a sequence")
		return false
	}
	ok := true
	for v := range values.elems() {
		var e entry
		ok = r.entry(v, "", &e, where.addNode("exception value", "", v)) && ok
		ex.values = append(ex.values, e)
	}
	return ok
}

// entry reads a text or a list of entries. What is neither stays unset.
func (r *reader) entry(n node, key string, into *entry, at chain) bool {
	if !n.defined() {
		return true
	}
	into.at = n.place()
	where := at.addNode("value for", key, n)
	if n.isScalar() {
		into.text = n.text()
		if into.text == "" {
			r.fail(ErrYAMLValidate, where, "Value must be non-empty")
		}
		return into.text != ""
	}
	into.list = n.isSequence()
	ok := true
	for elem := range n.elems() {
		var e entry
		ok = r.entry(elem, "", &e, where.addNode("exception", "", elem)) && ok
		into.items = append(into.items, e)
	}
	return ok
}

// The operators that an exception may compare with.
var (
	listOps = []string{"in", "intersects", "pmatch"}
	textOps = []string{"=", "==", "!=", "glob", "iglob", "contains", "icontains", "bcontains",
		"startswith", "bstartswith", "endswith", "regex"}
	otherOps  = []string{"exists", "<", "<=", ">", ">="}
	modifiers = []string{string(condition.OneOf), string(condition.AnyOf), string(condition.AllOf)}
)

// hasModifier tells whether op is a text operator with a modifier, as in
// "startswith oneof".
func hasModifier(op string) bool {
	words := strings.Fields(op)
	return len(words) == 2 && slices.Contains(textOps, words[0]) && slices.Contains(modifiers, words[1])
}

// wantsList tells whether op compares with a list.
func wantsList(op string) bool { return slices.Contains(listOps, op) || hasModifier(op) }

func isOperator(op string) bool {
	return wantsList(op) || slices.Contains(textOps, op) || slices.Contains(otherOps, op)
}

// judge completes an exception with the operators that it leaves out, and
// tells what is wrong with it. cat is nil where the fields are not known,
// which is so for rules of an unknown source.
func (ex *exception) judge(r *recorder, cat condition.Catalogue) bool {
	var errs []string
	if ex.fields.list {
		errs = ex.judgeLists()
	} else {
		errs = ex.judgeTexts()
	}
	fields := ex.fields.items
	if !ex.fields.list {
		fields = []entry{ex.fields}
	}
	for _, f := range fields {
		if cat != nil && !isField(f.text, cat) {
			errs = append(errs, fmt.Sprintf("'%s' is not a supported filter field", f.text))
		}
	}
	for _, msg := range errs {
		r.fail(ErrValidate, ex.at, msg)
	}
	ex.bad = ex.bad || len(errs) > 0
	return !ex.bad
}

func (ex *exception) judgeLists() (errs []string) {
	if !ex.comps.set() {
		ex.comps = entry{list: true, at: ex.fields.at}
		for range ex.fields.items {
			ex.comps.items = append(ex.comps.items, entry{text: "=", at: ex.fields.at})
		}
	}
	if len(ex.fields.items) != len(ex.comps.items) {
		errs = append(errs, "Fields and comps lists must have equal length")
	}
	for _, op := range ex.comps.items {
		if !isOperator(op.text) {
			errs = append(errs, fmt.Sprintf("'%s' is not a supported comparison operator", op.text))
		}
	}
	return errs
}

func (ex *exception) judgeTexts() (errs []string) {
	if !ex.comps.set() {
		ex.comps = entry{text: "in", at: ex.fields.at}
	}
	switch {
	case ex.comps.list:
		errs = append(errs, "Fields and comps must both be strings")
	case !wantsList(ex.comps.text):
		errs = append(errs, "When fields is a single value, comps must be one of (in, pmatch, intersects) or a modifier operator (e.g. startswith oneof)")
	}
	return errs
}

// isField tells whether text is a field of the catalogue, with or without an
// argument, or a transformer over such fields. Whether arguments and types are
// right is for the condition to tell that the exception becomes part of.
func isField(text string, cat condition.Catalogue) bool {
	o, err := condition.ParseField(text)
	if err != nil {
		return false
	}
	_, err = condition.TypeOf(o, cat)
	var bad *condition.CompileError
	return !errors.As(err, &bad) || !bad.UnknownField
}

// declared gives the exceptions of a rule for those who add values to them.
func (r *ruleItem) declared() (all []Exception) {
	for i := range r.exceptions {
		ex := &r.exceptions[i]
		all = append(all, Exception{Name: ex.name, Fields: ex.fields.texts(), Comps: ex.comps.texts(), List: ex.fields.list})
	}
	return all
}

// texts are the texts of a list, or the one that stands alone.
func (e entry) texts() (all []string) {
	if !e.list {
		return []string{e.text}
	}
	for _, item := range e.items {
		all = append(all, item.text)
	}
	return all
}
