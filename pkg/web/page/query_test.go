package page

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

func TestQueryComesBackFromItsLink(t *testing.T) {
	at := time.Date(2026, 11, 21, 19, 0, 0, 5000, time.UTC)
	for _, q := range []query{
		{},
		{Condition: `ka.user.name = "a & b" or ka.verb = get`, Text: "<script>", Since: "7d", Show: "events"},
		{Since: fromTo, From: at, To: at.Add(time.Hour), Clusters: []string{"a", "b#?&="}, Rules: []string{"Exec, or not"}, Priority: "warning", Each: true},
		{Since: fromTo, From: at, After: "cursor=="},
	} {
		u, err := url.Parse(q.link())
		require.NoError(t, err)
		got, err := parseQuery(u.Query())
		require.NoError(t, err)
		assert.Equal(t, q.link(), got.link())
		assert.Equal(t, q.request(at), got.request(at))
	}
}

func TestBadParametersAreNamed(t *testing.T) {
	for raw, want := range map[string]string{
		"since=3h":                       "since is none of",
		"from=yesterday":                 "from: not a time",
		"to=2026-13-01":                  "to: not a time",
		"from=2026-11-02&to=2026-11-01":  "from is not before to",
		"priority=huge":                  "priority is none of",
		"show=all":                       "show is neither",
		"text=%ff":                       "text is no valid UTF-8",
		"since=range&from=0000-01-01":    "from: not a time",
		"from=99999-01-01T00:00:00Z&to=": "from: not a time",
	} {
		v, err := url.ParseQuery(raw)
		require.NoError(t, err)
		_, err = parseQuery(v)
		assert.ErrorContains(t, err, want, raw)
	}
}

func TestTimesOfFormsAreUTC(t *testing.T) {
	want := time.Date(2026, 11, 21, 19, 18, 0, 0, time.UTC)
	for _, s := range []string{"2026-11-21T19:18", "2026-11-21T19:18:00", "2026-11-21T19:18:00Z", "2026-11-21T20:18:00+01:00", "2026-11-21T19:18:00.000"} {
		got, err := parseTime(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
}

func TestClauseIsJoinedAsOneTerm(t *testing.T) {
	for _, c := range []struct{ cond, clause, want string }{
		{"", "ka.verb = get", "ka.verb = get"},
		{"ka.verb = get", "ka.verb = get", "ka.verb = get"},
		{"ka.verb = get or ka.verb = list", "ka.user.name = a", "(ka.verb = get or ka.verb = list) and ka.user.name = a"},
		{"ka.verb = get and ka.user.name = a", "ka.user.name = a", "ka.verb = get and ka.user.name = a"},
		{"not ka.verb = get", "ka.user.name = a", "not ka.verb = get and ka.user.name = a"},
	} {
		assert.Equal(t, c.want, joined(c.cond, c.clause))
	}
}

// FuzzEquals: whatever a value holds, the clause reads back as that one check.
func FuzzEquals(f *testing.F) {
	for _, s := range []string{"", "jane", `a" or ka.verb = "get`, `\`, `x\"`, "a b", "val(ka.verb)", "oneof", "(", "\x00", "\xff", "\u202e", "\n\b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := condition.Parse(equals("ka.user.name", s))
		require.NoError(t, err)
		c, ok := e.(*condition.Check)
		require.True(t, ok)
		require.Len(t, c.Values, 1)
		s, _, _ = strings.Cut(s, "\x00")
		require.Equal(t, s, c.Values[0].Text)
	})
}
