package enforce

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProblemsOfAFile(t *testing.T) {
	const entry = "enforce:\n  - rule: A\n    action: warn\n"
	const exception = "exceptions:\n  - rule: A\n    owner: o\n    reason: r\n"
	for _, tt := range []struct{ name, file, want string }{
		{"no YAML", "a: [", "f.yaml:1:1: yaml: did not find expected node content"},
		{"two documents", "contact: a\n---\ncontact: b\n", `f.yaml:2:1: is a second YAML document; write one`},
		{"a list", "- a\n", "f.yaml:1:1: is no mapping; write KEY: VALUE"},
		{"an unknown key", "contacts: a\n", `f.yaml:1:1: "contacts" is no key here; did you mean "contact"?`},
		{"a key of another place", entry + "    owner: o\n", `f.yaml:4:5: "owner" is no key here; there are rule, tag, clusters, namespaces, users, groups, names, namespace_labels, action, message`},
		{"a key twice", entry + "    action: deny\n", `f.yaml:4:5: "action" is there twice`},
		{"no list", "enforce: all\n", "f.yaml:1:10: is no list; begin each element with a dash"},
		{"no action", "enforce:\n  - rule: A\n", "f.yaml:2:5: has no action; write action: observe, warn or deny"},
		{"an unknown action", "enforce:\n  - rule: A\n    action: block\n", `f.yaml:3:13: "block" is no action; write observe, warn or deny`},
		{"no rule", "enforce:\n  - action: warn\n", "f.yaml:2:5: names no rule and no tag, or both; write one of rule and tag"},
		{"rule and tag", entry + "    tag: T1\n", "f.yaml:2:5: names no rule and no tag, or both; write one of rule and tag"},
		{"a rule that is not there", "enforce:\n  - rule: [A, B]\n    action: warn\n", `f.yaml:2:11: there is no rule "B" among the rules that are loaded`},
		{"a rule that comes too late", "enforce:\n  - rule: [A, Many]\n    action: deny\n", `f.yaml:2:11: "Many" tells of several events, or of what was seen before, and is judged after the answer: it can neither warn nor deny; take it away`},
		{"a tag that is not there", "enforce:\n  - tag: T2\n    action: warn\n", `f.yaml:2:10: there is no tag "T2" among the rules that are loaded`},
		{"an empty list", entry + "    namespaces: []\n", "f.yaml:4:17: is an empty list, which nothing is in; write something, or take it away"},
		{"an empty text", entry + "    users: ['', b]\n", "f.yaml:4:13: is no text, or an empty one; write something"},
		{"labels that are none", entry + "    namespace_labels: {}\n", "f.yaml:4:23: names no label; write {NAME: VALUE}, or take it away"},
		{"no expiry", exception, "f.yaml:2:5: has no expires; an exception has an owner, a reason, and a date on which it expires"},
		{"no day", exception + "    expires: next week\n", `f.yaml:5:14: "next week" is no date; write YEAR-MONTH-DAY, or a time such as 2027-01-31T12:00:00Z`},
		{"a day that does not exist", exception + "    expires: 2026-02-30\n", `f.yaml:5:14: "2026-02-30" is no date; write YEAR-MONTH-DAY, or a time such as 2027-01-31T12:00:00Z`},
		{"no owner", "exceptions:\n  - rule: A\n    reason: r\n    expires: 2027-01-01\n", "f.yaml:2:5: has no owner; an exception has an owner, a reason, and a date on which it expires"},
		{"an empty owner", "exceptions:\n  - {rule: A, owner: ' ', reason: r, expires: 2027-01-01}\n", "f.yaml:2:22: is no text, or an empty one; write something"},
		{"several", "x: 1\ny: 2\n", "f.yaml:1:1: \"x\" is no key here; there are contact, enforce, exceptions\nf.yaml:2:1: \"y\" is no key here; there are contact, enforce, exceptions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("f.yaml", []byte(tt.file), Known{Rules: []string{"A", "Many"}, Tags: []string{"T1"}, Later: []string{"Many"}})
			require.Error(t, err)
			assert.Nil(t, p)
			assert.Equal(t, tt.want, err.Error())
		})
	}
}

// TestLateRulesCanBeObserved: an entry that observes them, and a tag that they have, are no errors.
func TestLateRulesCanBeObserved(t *testing.T) {
	_, err := Parse("f.yaml", []byte("enforce:\n  - {rule: Many, action: observe}\n  - {tag: T1, action: deny}\n"), Known{Rules: []string{"Many"}, Tags: []string{"T1"}, Later: []string{"Many"}})
	require.NoError(t, err)
}

func TestFilesThatSayNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}", "enforce:\nexceptions: []\n"} {
		p, err := Parse("f.yaml", []byte(text), Known{})
		require.NoError(t, err, "%q", text)
		assert.Empty(t, p.Entries)
	}
}

// FuzzParse holds that no file makes it panic, and that what it takes can decide.
func FuzzParse(f *testing.F) {
	f.Add([]byte(file))
	f.Add([]byte("enforce: [{rule: a, action: deny, clusters: ['[']}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := Parse("f.yaml", content, Known{})
		if err != nil {
			require.True(t, errors.As(err, new(Problems)), "%T", err)
			require.NotEmpty(t, err.Error())
			return
		}
		for _, e := range p.Entries {
			d := p.Decide(&Request{Cluster: "c"}, e.rule(), e.Tags, noon)
			require.Contains(t, []Action{Observe, Warn, Deny}, d.Action)
			_ = p.Warning(&Finding{Rule: e.rule(), Decision: d}, "pods/a")
		}
		for _, x := range p.Exceptions {
			require.NotEmpty(t, x.Owner)
			require.NotEmpty(t, x.Reason)
			require.False(t, x.Expires.IsZero())
		}
	})
}

func (s *Scope) rule() string {
	if len(s.Rules) > 0 {
		return s.Rules[0]
	}
	return "a rule"
}
