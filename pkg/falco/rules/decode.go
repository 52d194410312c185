package rules

import (
	"fmt"
	"slices"
	"strings"
)

// text gives the text of a key that must be there and not be empty.
func (r *reader) text(item node, key string, at chain) (string, bool) {
	if !item.get(key).defined() {
		r.fail(ErrYAMLValidate, at, fmt.Sprintf("Item has no mapping for key '%s'", key))
		return "", false
	}
	return r.optionalText(item, key, at)
}

// optionalText gives the text of a key that may be absent but not empty.
func (r *reader) optionalText(item node, key string, at chain) (string, bool) {
	val := item.get(key)
	switch {
	case !val.defined():
		return "", true
	case val.isNull():
		r.fail(ErrYAMLValidate, at, fmt.Sprintf("Mapping for key '%s' is empty", key))
	case !val.isScalar():
		r.fail(ErrYAMLValidate, at.addNode("value for", key, val), "Value is not a scalar value")
	case val.text() == "":
		r.fail(ErrYAMLValidate, at.addNode("value for", key, val), "Value must be non-empty")
	default:
		return val.text(), true
	}
	return "", false
}

// optionalBool sets into to the boolean of a key, if that is there.
func (r *reader) optionalBool(item node, key string, into *bool, at chain) bool {
	text, ok := r.optionalText(item, key, at)
	if !ok || text == "" {
		return ok
	}
	b, ok := parseBool(text)
	if !ok {
		r.undecodable(item, key, at)
		return false
	}
	*into = b
	return true
}

// optionalNumber judges the number of a key, if that is there. The one key that
// has a number does nothing here.
func (r *reader) optionalNumber(item node, key string, at chain) bool {
	text, ok := r.optionalText(item, key, at)
	if !ok || text == "" {
		return ok
	}
	if _, ok = parseUint32(text); !ok {
		r.undecodable(item, key, at)
	}
	return ok
}

func (r *reader) undecodable(item node, key string, at chain) {
	r.fail(ErrYAMLValidate, at.addNode("value for", key, item.get(key)), "Can't decode YAML scalar value")
}

// sequence gives the texts under a key. It is not ok, and nothing is told, when
// the key is not there.
func (r *reader) sequence(item node, key string, at chain) (texts []string, ok bool) {
	val := item.get(key)
	if !val.defined() {
		return nil, false
	}
	where := at.addNode("value for", key, val)
	if !val.isSequence() {
		r.fail(ErrYAMLValidate, where, "Value is not a sequence")
		return nil, false
	}
	ok = true
	for v := range val.elems() {
		if !v.isScalar() {
			r.fail(ErrYAMLValidate, where.addNode("list item", "", v), "sequence value is not scalar")
			ok = false
			continue
		}
		texts = append(texts, v.text())
	}
	return texts, ok
}

// tags gives the set of tags, which may be absent.
func (r *reader) tags(item node, at chain) (map[string]bool, bool) {
	texts, ok := r.sequence(item, "tags", at)
	set := make(map[string]bool, len(texts))
	for _, t := range texts {
		set[t] = true
	}
	return set, ok || !item.get("tags").defined()
}

// priority gives the priority of a rule, which must be there.
func (r *reader) priority(item node, at chain) (Priority, bool) {
	text, ok := r.text(item, "priority", at)
	if !ok {
		return 0, false
	}
	p, err := ParsePriority(text)
	if err != nil {
		r.failHint(ErrYAMLValidate, at.addNode("rule priority", "", item.get("priority")), "Invalid priority",
			"one of "+strings.Join(priorityNames[:], ", ")+", in any case")
		return 0, false
	}
	return p, true
}

// operations are the keys of an item that override those of an earlier one.
type operations struct {
	appends, replaces map[string]bool
	bad               map[string]bool // the entry has an error, which has been told
}

func (o operations) any() bool { return len(o.appends)+len(o.replaces) > 0 }

// overrides reads the key "override".
func (r *reader) overrides(item node, appendable, replaceable []string, at chain) (ops operations, ok bool) {
	val := item.get("override")
	if !val.defined() {
		return operations{}, true
	}
	ops = operations{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	over := at.addNode("overrides", "", item)
	switch {
	case val.isScalar():
		r.warn(WarnUnknownKey, over.addNode("value for", "override", val), "Key 'override' is not a mapping. The key will be ignored.")
	case val.isSequence() && len(val.y.Content) > 0:
		r.fail(ErrValidate, over.addNode("value for", "override", val), "Key 'override' is not a mapping of keys to 'append' or 'replace'")
		return ops, false
	}
	ok = true
	for k, v := range val.pairs() {
		if !r.override(&ops, k, v, appendable, replaceable, over) {
			ops.bad[scalarText(k)] = true
			ok = false
		}
	}
	return ops, ok
}

func (r *reader) override(ops *operations, k, v node, appendable, replaceable []string, over chain) bool {
	key, op := scalarText(k), scalarText(v)
	at := over.addNode("overrides", key, k)
	switch op {
	case "append":
		if !slices.Contains(appendable, key) {
			r.fail(ErrYAMLValidate, at, fmt.Sprintf("Key '%s' cannot be appended to, use 'replace' instead", key))
			return false
		}
		ops.appends[key] = true
		return true
	case "replace":
		if !slices.Contains(replaceable, key) {
			r.fail(ErrYAMLValidate, at, fmt.Sprintf("Key '%s' cannot be replaced", key))
			return false
		}
		ops.replaces[key] = true
		return true
	}
	msg := fmt.Sprintf("Invalid override operation for key '%s': '%s'. Allowed values are: ", key, op)
	if slices.Contains(appendable, key) {
		msg += "append "
	}
	if slices.Contains(replaceable, key) {
		msg += "replace "
	}
	r.fail(ErrYAMLValidate, over.addNode("value for", key, v), msg)
	return false
}

// scalarText is the text of a scalar, "null" for a null.
func scalarText(n node) string {
	if n.isNull() {
		return "null"
	}
	return n.text()
}
