package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

func TestSelection(t *testing.T) {
	rule := func(name, tags, enabled string) string {
		return "- {rule: " + name + ", tags: [" + tags + "], enabled: " + enabled +
			", desc: d, output: x, priority: info, source: k8s_audit, condition: ka.verb = x}\n"
	}
	text := rule("Pod exec", "k8s, exec", "true") + rule("Pod attach", "k8s", "true") + rule("Secret read", "k8s, secret", "false") + rule("Plain *", "", "true")
	on := func(rule, tag string) rules.Selection { return rules.Selection{Enable: true, Rule: rule, Tag: tag} }
	off := func(rule, tag string) rules.Selection { return rules.Selection{Rule: rule, Tag: tag} }
	for _, c := range []struct {
		name    string
		choose  []rules.Selection
		enabled string
	}{
		{"nothing", nil, "Pod exec,Pod attach,Plain *"},
		{"a name", []rules.Selection{off("Pod exec", "")}, "Pod attach,Plain *"},
		{"no part of a name", []rules.Selection{off("Pod", "")}, "Pod exec,Pod attach,Plain *"},
		{"the beginning of a name", []rules.Selection{off("Pod*", "")}, "Plain *"},
		{"in the middle", []rules.Selection{off("P*d*a*ch", "")}, "Pod exec,Plain *"},
		{"the end", []rules.Selection{off("*e*c", "")}, "Pod attach,Plain *"},
		{"everything", []rules.Selection{off("*", "")}, ""},
		{"a star in a name", []rules.Selection{off("*", ""), on("Plain **", "")}, "Plain *"},
		{"a tag", []rules.Selection{off("", "exec")}, "Pod attach,Plain *"},
		{"no part of a tag", []rules.Selection{off("", "k*")}, "Pod exec,Pod attach,Plain *"},
		{"a disabled rule", []rules.Selection{on("Secret*", "")}, "Pod exec,Pod attach,Secret read,Plain *"},
		{"both", []rules.Selection{off("*", ""), on("Pod exec", "secret")}, "Pod exec,Secret read"},
		{"in order", []rules.Selection{off("", "k8s"), on("", "secret"), off("*read", ""), on("Pod*", ""), off("*attach", "")}, "Pod exec,Plain *"},
		{"an empty one", []rules.Selection{off("", "")}, "Pod exec,Pod attach,Plain *"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, _ := rules.Load(files(text), rules.Options{Catalogue: auditFields{}, Select: c.choose})
			require.Len(t, rs.Rules, 4, "what is not enabled stays")
			var names []string
			for _, r := range rs.Rules {
				if r.Enabled {
					names = append(names, r.Name)
				}
			}
			assert.Equal(t, c.enabled, strings.Join(names, ","), "in the order of the file")
		})
	}
}

// What a selection enables must still be urgent enough.
func TestSelectionAndPriority(t *testing.T) {
	limit := rules.Warning
	rs, _ := rules.Load(files(ruleText("a", "ka.verb = x")), rules.Options{
		Catalogue: auditFields{}, MinPriority: &limit, Select: []rules.Selection{{Enable: true, Rule: "*"}},
	})
	assert.Empty(t, rs.Rules)
}
