package match

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// userConditions ask about users, their groups, programs and addresses only, by nothing that an index could use alone.
var userConditions = []string{
	"not ka.user.name startswith anyof (system:, u1)", "ka.user.name endswith 7 and ka.verb = get", "not ka.user.name exists", "ka.user.name contains u2 or ka.verb = list",
	"ka.user.groups intersects (dev)", "not ka.user.groups intersects (ops)", "ka.user.groups in (dev, ops)", `ka.user.groups exists and not ka.user.name = "u3"`,
	`ka.user.name regex "u[0-4]+"`, `ka.user.name glob "*long*" and not ka.useragent exists`, `not ka.useragent startswith anyof (kubectl, curl)`, "ka.user.name icontains U1",
	"kw.source.ip in (10.0.0.0/8)", "not kw.source.ip in (10.0.0.0/8, 192.0.2.0/24) and ka.verb != get", "kw.source.ips intersects (192.0.2.1)", "ka.user.name in (u1, u2, u3, u4, u5, u6, u7, u8)",
	"kw.pod.host_network = true or ka.user.name = u5", "kw.pod.containers.image exists and not ka.user.name = u6", `join(",", kw.pod.containers.image) contains nginx`,
	"(ka.verb = get and ka.user.name startswith u) or not ka.user.groups exists", "not kw.pod.host_pid exists and ka.verb = create",
}

// usersEvent is an event of one of n users, now and then without one, or with a name that is too long to be remembered.
func usersEvent(r *rand.Rand, n int) string {
	name := fmt.Sprint("u", r.IntN(n))
	user := fmt.Sprintf(`"user":{"username":%q,"groups":[%s]}`, name, []string{``, `"dev"`, `"dev","ops"`, `"devops"`, `"dev","ops","x"`}[r.IntN(5)])
	switch r.IntN(20) {
	case 0:
		user = `"user":{}`
	case 1:
		user = fmt.Sprintf(`"user":{"username":%q}`, strings.Repeat("long", 20+r.IntN(60))+name)
	case 2:
		user = fmt.Sprintf(`"user":{"username":"%s\u0000%d"}`, name, r.IntN(3))
	}
	return fmt.Sprintf(`{"kind":"Event","auditID":"1","stage":"ResponseComplete","stageTimestamp":"2026-11-21T19:17:56Z","verb":%q,%s,"userAgent":%q,"sourceIPs":[%q],
		"objectRef":{"resource":%q},"requestObject":{"kind":"Pod","spec":{"hostNetwork":true,"containers":[{"image":"nginx"}]}}}`,
		[]string{"get", "list", "create"}[r.IntN(3)], user, []string{"kubectl/v1", "curl/8", "", "x"}[r.IntN(4)],
		[]string{"10.0.0.1", "192.0.2.1", "2001:db8::1", "none"}[r.IntN(4)], []string{"pods", "services"}[r.IntN(2)])
}

// TestVerdictsAgree: what is remembered of values that come again, of values that are nearly all new, and of both in
// turn, changes no answer.
func TestVerdictsAgree(t *testing.T) {
	rs := loadRules(t, false, []byte(rulesOf(userConditions)))
	plain, err := NewPlain(rs, field.Default(), Options{})
	require.NoError(t, err)
	m, err := New(rs, field.Default(), Options{})
	require.NoError(t, err)
	st := newState(m.prog, m.index)
	r := rand.New(rand.NewPCG(1, 2))
	met := false
	for i := range 4 * trialEvents {
		users := []int{5, 1_000_000, 300}[i/trialEvents%3]
		c := contextIn(t, usersEvent(r, users))
		require.True(t, m.run(st, c))
		want, _ := holding(nil, nil, plain.rules, c)
		require.Equal(t, want, append([]int32(nil), st.hits...), "%s", c.Event.Raw)
		for k := range st.verdicts {
			met = met || st.verdicts[k].idle > 0
		}
	}
	assert.True(t, met, "a slot whose values are new is left alone for a while")
	require.NotEmpty(t, m.index.residual.first)
}

// TestFaultIsNotRemembered: a check that panics leaves no verdict behind.
func TestFaultIsNotRemembered(t *testing.T) {
	m, err := New(loadRules(t, false, []byte(rulesOf(userConditions))), field.Default(), Options{})
	require.NoError(t, err)
	var broke *pred
	for i := range m.prog.preds {
		if p := &m.prog.preds[i]; p.kind == predTest && p.repeated >= 0 && strings.Contains(p.check.String(), "regex") {
			broke = p
		}
	}
	require.NotNil(t, broke)
	whole, times := broke.test, 0
	broke.test = func(left, right []field.Item) bool {
		if times++; times <= 2 {
			panic("defect")
		}
		return whole(left, right)
	}
	st := newState(m.prog, m.index)
	event := usersEvent(rand.New(rand.NewPCG(3, 4)), 3)
	assert.False(t, m.run(st, contextIn(t, event)))
	assert.False(t, m.run(st, contextIn(t, event)))
	require.True(t, m.run(st, contextIn(t, event)))
	want, _ := holding(nil, nil, m.plain.rules, contextIn(t, event))
	assert.Equal(t, want, st.hits)
	assert.Equal(t, 3, times)
	require.True(t, m.run(st, contextIn(t, event)))
	assert.Equal(t, 3, times, "it is remembered")
}

func rulesOf(conditions []string) string {
	var b strings.Builder
	for i, cond := range conditions {
		fmt.Fprintf(&b, "- rule: r%d\n  desc: d\n  source: k8s_audit\n  priority: INFO\n  condition: >\n    %s\n  output: x\n", i, cond)
	}
	return b.String()
}

func contextIn(t *testing.T, event string) *field.Context {
	t.Helper()
	var b audit.Batch
	b.Decode([]byte(event), audit.Position{Line: 1}, audit.Limits{})
	require.Len(t, b.Events, 1, event)
	return &field.Context{Event: b.Events[0], Num: 1}
}
