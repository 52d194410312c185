package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// reader turns the nodes of one file into items and hands them to the
// collection. A method that returns false has told why.
type reader struct {
	*recorder
	in     *content
	all    *collection
	strict bool // read as Falco: our own keys are unknown
}

// read reads all items of a file.
func (r *reader) read() {
	docs, err := parseDocuments(r.in)
	top := fileChain(r.in)
	if err != nil {
		at := top
		if err.line > 0 {
			at = top.add("value for", "", place{r.in, err.line, 1})
		}
		r.fail(ErrYAMLParse, at, err.Error())
		return
	}
	for _, doc := range docs {
		switch {
		case doc.isNull():
		case doc.isMap():
			r.fail(ErrYAMLValidate, top, "Rules content is not yaml array of objects")
		case !doc.isSequence():
			r.fail(ErrYAMLValidate, top, "Rules content is not yaml")
		}
		for item := range doc.elems() {
			r.item(item, top)
		}
	}
}

// The kinds of items, in the order in which their keys are looked for.
var kinds = []struct {
	key  string
	keys []string // the other keys that such an item may have
	read func(*reader, node, chain)
}{
	{"required_engine_version", nil, (*reader).engineVersion},
	{"required_plugin_versions", nil, (*reader).pluginVersions},
	{"list", []string{"items", "append", "override"}, (*reader).list},
	{"macro", []string{"condition", "append", "override"}, (*reader).macro},
	{"rule", []string{"condition", "output", "desc", "priority", "source", "enabled", "tags", "exceptions",
		"warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration", "append", "override"}, (*reader).rule},
}

func (r *reader) item(item node, top chain) {
	if item.isNull() {
		return
	}
	if !item.isMap() {
		r.fail(ErrYAMLValidate, top.addNode("rules content item", "", item),
			"Unexpected element type. Each element should be a yaml associative array.")
		return
	}
	for _, kind := range kinds {
		if item.get(kind.key).defined() {
			kind.read(r, item, top)
			r.unknownKeys(item, kind.key, kind.keys, top)
			return
		}
	}
	r.warn(WarnUnknownItem, top.addNode("rules content item", "", item), "Unknown top level item")
}

func (r *reader) unknownKeys(item node, kind string, others []string, top chain) {
	for k := range item.pairs() {
		if !r.strict && kind == "rule" && strings.HasPrefix(k.text(), "kw_") {
			continue // ours, and read
		}
		if k.isScalar() && k.text() != kind && !slices.Contains(others, k.text()) {
			at := top.addNode(kind, item.get(kind).text(), item).addNode("value for", k.text(), k)
			r.warn(WarnUnknownKey, at, fmt.Sprintf("Unknown key '%s'. The key will be ignored.", k.text()))
		}
	}
}

func (r *reader) engineVersion(item node, top chain) {
	at := top.addNode("required_engine_version", "", item)
	text, ok := r.text(item, "required_engine_version", at)
	if !ok {
		return
	}
	want, ok := parseVersion(text)
	if minor, isNumber := parseUint32(text); isNumber {
		want, ok = version{0, minor, 0}, true
	}
	if !ok {
		r.fail(ErrYAMLValidate, at, fmt.Sprintf(
			`Unable to parse engine version '%s' as a semver string. Expected "x.y.z" semver format.`, text))
		return
	}
	if !engineVersion.satisfies(want) {
		r.fail(ErrValidate, at, fmt.Sprintf("Rules require engine version %s, but engine version is %s", want, engineVersion))
	}
}

// Texts that more than one kind of item needs.
const (
	msgAppend         = "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' instead."
	msgAppendOverride = "Keys 'override' and 'append: true' cannot be used together. " +
		"Add an 'append' entry (e.g. 'condition: append') under 'override' instead."
)

// The texts that names should have; the messages show them.
const (
	listNamePattern  = `([^()"'[:space:]=,]+)`
	macroNamePattern = `([a-zA-Z]+[a-zA-Z0-9_]*)`
)

var (
	listName  = regexp.MustCompile("^" + listNamePattern + "$")
	macroName = regexp.MustCompile("^" + macroNamePattern + "$")
)

func (r *reader) list(item node, top chain) {
	name, ok := r.text(item, "list", top.addNode("list", "", item))
	if !ok {
		return
	}
	at := top.addNode("list", name, item)
	if !listName.MatchString(name) {
		r.warn(WarnListName, at, "List has an invalid name. List names should match a regular expression: "+listNamePattern)
	}
	l := &listItem{name: name, at: at}
	var hasItems bool
	l.items, hasItems = r.sequence(item, "items", at)
	if !hasItems && !item.get("items").defined() {
		r.fail(ErrYAMLValidate, at, "Item has no mapping for key 'items'")
	}
	appends, ok := r.appends(item, "items", at)
	l.bad = !hasItems || !ok
	switch {
	case !appends || l.bad:
		r.all.defineList(l)
	case !r.all.appendList(l):
		r.fail(ErrValidate, at, "List uses 'append' or 'override.items: append' but no list by that name already exists")
	}
}

func (r *reader) macro(item node, top chain) {
	name, ok := r.text(item, "macro", top.addNode("macro", "", item))
	if !ok {
		return
	}
	at := top.addNode("macro", name, item)
	if !macroName.MatchString(name) {
		r.warn(WarnMacroName, at, "Macro has an invalid name. Macro names should match a regular expression: "+macroNamePattern)
	}
	m := &macroItem{name: name, at: at, where: at}
	_, hasCond := r.text(item, "condition", at)
	if hasCond {
		m.cond = scriptOf(newScalar(item.get("condition")))
		m.where = at.addNode("macro condition", "", item.get("condition"))
	}
	appends, ok := r.appends(item, "condition", at)
	m.bad = !hasCond || !ok
	switch {
	case !appends || m.bad:
		r.all.defineMacro(m)
	case !r.all.appendMacro(m):
		r.fail(ErrValidate, at, "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists")
	}
}

// appends reads the keys of a list or macro that say whether it is appended to
// what there is, rather than put in its place. Its only content is under key.
func (r *reader) appends(item node, key string, at chain) (appends, ok bool) {
	flag, ok := r.appendFlag(item, at)
	ops, opsOK := r.overrides(item, []string{key}, []string{key}, at)
	if flag && ops.any() {
		r.fail(ErrYAMLValidate, at, msgAppendOverride)
		return false, false
	}
	return flag || ops.appends[key], ok && opsOK
}

// appendFlag reads the deprecated key "append".
func (r *reader) appendFlag(item node, at chain) (flag, ok bool) {
	ok = r.optionalBool(item, "append", &flag, at)
	if flag {
		r.warn(WarnDeprecatedItem, at, msgAppend)
	}
	return flag, ok
}
