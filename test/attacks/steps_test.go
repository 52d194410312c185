package attacks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// steps are what keeps our rules quiet, in the order in which docs/tuning.md tells
// of them. without takes a step back: it stands after our rules.
var steps = []struct{ name, without string }{
	{"the controllers of Kubernetes, by identity", `
- macro: kw_workload_controller
  condition: (ka.user.name = nobody)
- list: kw_rbac_keepers
  items: [nobody]
- list: kw_token_issuers
  items: [nobody]
- macro: kw_node_enrolment
  condition: (ka.user.name = nobody)
- macro: kw_address_keepers
  condition: (ka.user.name = nobody)
`},
	{"programs that come as themselves", `
- macro: kw_by_hand
  condition: (ka.user.name exists)
- macro: kw_token_by_hand
  condition: (ka.user.name startswith "system:")
`},
	{"administrators who set the cluster up", `
- list: kw_cluster_admins
  items: [nobody]
`},
	{"rights that were given for this namespace", `
- macro: kw_right_of_namespace
  condition: (ka.user.name = nobody)
`},
}

// own is what a cluster's owner adds after a look at the rest: an example.
const own = `
- rule: Node Registered
  exceptions:
    - name: known_users
      values: ["system:node:"]
  override:
    exceptions: append
- rule: Impersonation
  exceptions:
    - name: known_users
      values: [alice@example.com]
  override:
    exceptions: append
`

const (
	stepsBegin = "<!-- the table is made by go test ./test/attacks -run TestSteps -update -->\n"
	stepsEnd   = "<!-- end of the table -->\n"
)

// TestSteps takes the steps one after the other and holds the table of
// docs/tuning.md: how much is said of ordinary traffic, and that nothing is lost.
func TestSteps(t *testing.T) {
	if !*update {
		corpora.Integration(t)
	}
	rows := readTable(t)
	var b strings.Builder
	b.WriteString("\n| left alone | alerts in 1,000 ordinary events | scenarios found |\n|--|--|--|\n")
	row := func(name string, others ...falco.File) *report {
		r := measure(t, inTree, others...)
		missed, of := r.missed(rows, r.order)
		fmt.Fprintf(&b, "| %s | %.2f | %d of %d |\n", name, r.noiseRate(), of-len(missed), of)
		return r
	}
	last := 0.0
	for i := range len(steps) + 1 {
		name := "nobody"
		if i > 0 {
			name = "and " + steps[i-1].name
		}
		var back []falco.File
		for _, s := range steps[i:] {
			back = append(back, falco.File{Name: "without.yaml", Content: []byte(s.without)})
		}
		rate := row(name, back...).noiseRate()
		if i > 0 {
			assert.LessOrEqual(t, rate, last, name)
		}
		last = rate
	}
	row("and two exceptions of one's own", falco.File{Name: "own.yaml", Content: []byte(own)})
	b.WriteString("\n")

	path := filepath.Join(corpora.Root(t), "docs", "tuning.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), stepsBegin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, stepsEnd)
	require.True(t, found)
	got := before + stepsBegin + b.String() + stepsEnd + after
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	assert.Equal(t, string(text), got, "run the test with -update and read the difference")
}
