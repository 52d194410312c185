package policy

import (
	"fmt"
	"slices"
	"strings"
)

// ruleText is a rule of a policy as it is written.
type ruleText struct {
	comment   []string
	level     Level
	users     []string
	groups    []string
	verbs     []string
	resources []resourceText
	urls      []string
	omit      []string
	asked     []string // names of rules that are served
}

// resourceText are resources of one API group; no names: all.
type resourceText struct {
	group string
	names []string
}

// lineWidth is up to where lists stand on one line.
const lineWidth = 120

func (r *ruleText) write(b *strings.Builder) {
	for _, c := range r.comment {
		fmt.Fprintf(b, "  # %s\n", c)
	}
	fmt.Fprintf(b, "  - level: %s\n", r.level)
	list := func(key string, values []string) {
		if len(values) > 0 {
			writeList(b, "    ", key, values)
		}
	}
	list("users", r.users)
	list("userGroups", r.groups)
	list("verbs", r.verbs)
	list("nonResourceURLs", r.urls)
	if len(r.resources) > 0 {
		b.WriteString("    resources:\n")
		for _, g := range r.resources {
			fmt.Fprintf(b, "      - group: %s\n", scalar(g.group))
			if len(g.names) > 0 {
				writeList(b, "        ", "resources", g.names)
			}
		}
	}
	list("omitStages", r.omit)
}

// writeList writes a list on one line, or an element a line.
func writeList(b *strings.Builder, indent, key string, values []string) {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = scalar(v)
	}
	line := indent + key + ": [" + strings.Join(quoted, ", ") + "]"
	if len(line) <= lineWidth {
		b.WriteString(line + "\n")
		return
	}
	b.WriteString(indent + key + ":\n")
	for _, q := range quoted {
		b.WriteString(indent + "  - " + q + "\n")
	}
}

// scalar writes a text as YAML, quoted where it could be taken for something else.
func scalar(s string) string {
	plain := s != "" && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s))
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		plain = plain && (letter || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '/') || c == '/' && i == 0)
	}
	if plain {
		return s
	}
	return string(appendText(nil, s)) // JSON's texts are YAML's
}

// addResource adds a resource, or all of its group, to what a rule is about.
func (r *ruleText) addResource(t *target) {
	i := slices.IndexFunc(r.resources, func(g resourceText) bool { return g.group == t.group })
	if i < 0 {
		r.resources = append(r.resources, resourceText{group: t.group})
		i = len(r.resources) - 1
	}
	g := &r.resources[i]
	g.names = appendNew(g.names, t.name())
}
