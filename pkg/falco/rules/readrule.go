package rules

import (
	"fmt"
	"maps"
	"slices"
)

// syscallSource is the source of a rule that does not name one.
const syscallSource = "syscall"

// The keys of a rule that an override may name, in the order in which they are
// applied.
var (
	ruleAppendable  = []string{"condition", "exceptions", "output", "desc", "tags"}
	ruleReplaceable = append(slices.Clone(ruleAppendable),
		"priority", "capture", "capture_duration", "enabled", "warn_evttypes", "skip-if-unknown-filter")
)

// rule reads a rule: a definition, an append, an override or a switch.
func (r *reader) rule(item node, top chain) {
	name, ok := r.text(item, "rule", top.addNode("rule", "", item))
	if !ok {
		return
	}
	at := top.addNode("rule", name, item)
	flag, ok := r.appendFlag(item, at)
	ops, opsOK := r.overrides(item, ruleAppendable, ruleReplaceable, at)
	switch {
	case flag && ops.any():
		r.fail(ErrYAMLValidate, at, msgAppendOverride)
	case ops.any():
		r.refuseState(item, at)
		r.overrideRule(item, name, ops, at)
	case !ok || !opsOK: // what was meant is not known
	case flag:
		r.refuseState(item, at)
		r.appendRule(item, name, at)
	case !definesRule(item):
		r.refuseState(item, at)
		r.enableRule(item, name, at)
	default:
		r.defineRule(item, name, at)
	}
}

// definesRule tells whether an item is more than a switch for an earlier rule.
func definesRule(item node) bool {
	for _, key := range []string{"condition", "output", "desc", "priority"} {
		if item.get(key).defined() {
			return true
		}
	}
	return false
}

// enableRule reads the deprecated item that has nothing but "enabled".
func (r *reader) enableRule(item node, name string, at chain) {
	enabled := true
	if _, ok := r.text(item, "enabled", at); !ok || !r.optionalBool(item, "enabled", &enabled, at) {
		return
	}
	r.warn(WarnDeprecatedItem, at, "The standalone 'enabled' key usage is deprecated. The correct approach requires also "+
		"a 'replace' entry under the 'override' key (i.e. 'enabled: replace').")
	if !r.all.enableRule(name, enabled) {
		r.fail(ErrValidate, at, "Rule has 'enabled' key but no rule by that name already exists")
	}
}

func (r *reader) defineRule(item node, name string, at chain) {
	v := &ruleItem{name: name, at: at, source: syscallSource, enabled: true, warnEvttype: true, condAt: at, outputAt: at}
	v.noCond = !r.script(item, "condition", "rule condition", &v.cond, &v.condAt, at)
	v.noOutput = !r.script(item, "output", "rule output", &v.output, &v.outputAt, at)
	v.output = v.output.trim()
	var descOK, priorityOK, tagsOK, exceptionsOK bool
	v.desc, descOK = r.text(item, "desc", at)
	v.priority, priorityOK = r.priority(item, at)
	optionsOK := r.ruleOptions(item, v, at)
	v.tags, tagsOK = r.tags(item, at)
	v.exceptions, exceptionsOK = r.exceptions(item, at, false)
	var stateOK bool
	v.state, stateOK = r.state(item, at)
	v.bad = v.noCond || v.noOutput || !(descOK && priorityOK && optionsOK && tagsOK && exceptionsOK && stateOK)
	r.all.defineRule(r.recorder, v)
}

// script reads the text of a condition or output that must be there.
func (r *reader) script(item node, key, itemType string, into *script, where *chain, at chain) bool {
	if _, ok := r.text(item, key, at); !ok {
		return false
	}
	*into = scriptOf(newScalar(item.get(key)))
	*where = at.addNode(itemType, "", item.get(key))
	return true
}

func (r *reader) ruleOptions(item node, v *ruleItem, at chain) bool {
	source, ok := r.optionalText(item, "source", at)
	if source != "" {
		v.source = source
	}
	ok = r.optionalBool(item, "enabled", &v.enabled, at) && ok
	ok = r.optionalBool(item, "warn_evttypes", &v.warnEvttype, at) && ok
	ok = r.optionalBool(item, "skip-if-unknown-filter", &v.skipUnknown, at) && ok
	var capture bool
	ok = r.optionalBool(item, "capture", &capture, at) && ok
	return r.optionalNumber(item, "capture_duration", at) && ok
}

// appendRule reads an item with the deprecated "append: true", which only looks
// at the condition and the exceptions.
func (r *reader) appendRule(item node, name string, at chain) {
	u := &ruleUpdate{name: name, at: at}
	ok := true
	if item.get("condition").defined() {
		ok = r.updateKey(u, item, "condition", true)
	}
	if item.get("exceptions").defined() {
		ok = r.updateKey(u, item, "exceptions", true) && ok
	}
	if ok {
		r.all.appendRule(r.recorder, u)
	}
}

// overrideRule reads an item with "override". What is appended comes before
// what is replaced.
func (r *reader) overrideRule(item node, name string, ops operations, at chain) {
	left := map[string]bool{} // the keys that no entry of override has accounted for
	for _, key := range ruleReplaceable {
		if item.get(key).defined() && !ops.bad[key] {
			left[key] = true
		}
	}
	appended := true
	if len(ops.appends) > 0 {
		u := &ruleUpdate{name: name, at: at}
		appended = r.updateKeys(u, item, ruleAppendable, ops.appends, left, true) && r.all.appendRule(r.recorder, u)
	}
	if len(ops.replaces) > 0 {
		u := &ruleUpdate{name: name, at: at}
		ok := r.updateKeys(u, item, ruleReplaceable, ops.replaces, left, false)
		if ok && (appended || r.all.rules.get(name) != nil) {
			r.all.replaceRule(r.recorder, u)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		r.fail(ErrYAMLValidate, at.addNode("overrides", key, item.get(key)),
			fmt.Sprintf("Unexpected key '%s': no corresponding entry under 'override' is defined.", key))
	}
}

func (r *reader) updateKeys(u *ruleUpdate, item node, keys []string, wanted, left map[string]bool, appends bool) bool {
	ok := true
	for _, key := range keys {
		if !wanted[key] {
			continue
		}
		if !left[key] {
			r.fail(ErrYAMLValidate, u.at, fmt.Sprintf("An %s override for '%s' was specified but '%s' is not defined",
				operationName(appends), key, key))
			ok = false
			continue
		}
		delete(left, key)
		ok = r.updateKey(u, item, key, appends) && ok
	}
	return ok
}

func operationName(appends bool) string {
	if appends {
		return "append"
	}
	return "replace"
}

// updateKey reads one key of a rule into an update.
func (r *reader) updateKey(u *ruleUpdate, item node, key string, appends bool) bool {
	var ok bool
	switch key {
	case "condition":
		u.cond = new(script)
		ok = r.script(item, key, "rule condition", u.cond, &u.condAt, u.at)
	case "output":
		u.output = new(script)
		ok = r.script(item, key, "rule output", u.output, &u.outputAt, u.at)
	case "exceptions":
		u.exceptions = new([]exception)
		*u.exceptions, ok = r.exceptions(item, u.at, appends)
	case "desc":
		u.desc = new(string)
		*u.desc, ok = r.text(item, key, u.at)
	case "tags":
		u.tags = new(map[string]bool)
		*u.tags, ok = r.tags(item, u.at)
	case "priority":
		u.priority = new(Priority)
		*u.priority, ok = r.priority(item, u.at)
	case "capture_duration":
		u.capture = true
		ok = r.optionalNumber(item, key, u.at)
	default:
		ok = r.optionalBool(item, key, u.flag(key), u.at)
	}
	return ok
}

// flag gives the variable of a boolean key.
func (u *ruleUpdate) flag(key string) *bool {
	b := new(bool)
	switch key {
	case "enabled":
		u.enabled = b
	case "warn_evttypes":
		u.warn = b
	case "skip-if-unknown-filter":
		u.skip = b
	default:
		u.capture = true
	}
	return b
}
