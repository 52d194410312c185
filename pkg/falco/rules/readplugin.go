package rules

import (
	"fmt"
	"strings"
)

// requirement is a plugin that a file asks for.
type requirement struct{ name, version string }

// requirements is what one entry asks for: any of its alternatives will do.
type requirements struct {
	alternatives []requirement
	at           chain
}

// pluginVersions reads what a file asks for of Falco's plugins.
func (r *reader) pluginVersions(item node, top chain) {
	val := item.get("required_plugin_versions")
	at := top.addNode("required plugin versions", "", val)
	if !val.isSequence() {
		r.fail(ErrYAMLValidate, at, "Value of required_plugin_versions must be a sequence")
		return
	}
	for plugin := range val.elems() {
		r.pluginVersion(plugin, at)
	}
}

func (r *reader) pluginVersion(plugin node, at chain) {
	if !plugin.isMap() {
		r.fail(ErrYAMLValidate, at.addNode("required plugin versions entry", "", plugin), "Plugin version must be a mapping")
		return
	}
	first, where, ok := r.requirement(plugin, "required plugin versions entry", at)
	all := requirements{[]requirement{first}, where}
	alternatives := plugin.get("alternatives")
	if alternatives.defined() && !alternatives.isSequence() {
		r.fail(ErrYAMLValidate, where, "Value of plugin version alternatives must be a sequence")
		return
	}
	for alt := range alternatives.elems() {
		if !alt.isMap() {
			r.fail(ErrYAMLValidate, where.addNode("required plugin versions alternative", "", alt), "Plugin version alternative must be a mapping")
			ok = false
			continue
		}
		req, _, reqOK := r.requirement(alt, "required plugin versions alternative", where)
		all.alternatives = append(all.alternatives, req)
		ok = ok && reqOK
	}
	if ok && r.judgeRequirements(all) {
		r.all.required = append(r.all.required, all)
	}
}

// requirement reads one name and version.
func (r *reader) requirement(n node, itemType string, at chain) (requirement, chain, bool) {
	name, nameOK := r.text(n, "name", at.addNode(itemType, "", n))
	where := at.addNode(itemType, name, n)
	v, versionOK := r.text(n, "version", where)
	return requirement{name, v}, where, nameOK && versionOK
}

func (r *reader) judgeRequirements(q requirements) bool {
	ok := true
	seen := map[string]bool{}
	for _, req := range q.alternatives {
		if _, valid := parseVersion(req.version); !valid {
			r.fail(ErrValidate, q.at, fmt.Sprintf("Invalid required version '%s' for plugin '%s'", req.version, req.name))
			ok = false
		}
		if seen[req.name] {
			r.fail(ErrValidate, q.at, fmt.Sprintf("Defined multiple alternative version requirements for plugin '%s'", req.name))
			ok = false
		}
		seen[req.name] = true
	}
	return ok
}

// missing tells what is wrong when none of the alternatives is there, "" when
// one is.
func (q requirements) missing() string {
	msg := ""
	var names []string
	for _, req := range q.alternatives {
		names = append(names, fmt.Sprintf("%s (>= %s)", req.name, req.version))
		have, known := plugins[req.name]
		want, _ := parseVersion(req.version)
		switch {
		case known && have.satisfies(want):
			return ""
		case known && msg == "":
			msg = fmt.Sprintf("Plugin '%s' version '%s' is not compatible with required plugin version '%s'", req.name, have, req.version)
		}
	}
	if msg == "" {
		msg = "Plugin requirement not satisfied, must load one of: " + strings.Join(names, ", ")
	}
	return msg
}
