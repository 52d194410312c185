package attacks

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// What our rules promise.
const (
	minFound      = 78  // of the scenarios that count
	maxNoise      = 1.0 // alerts in 1,000 events of ordinary traffic
	maxUnlabelled = 5   // alerts in the recording of attacks that are about none of them, set-up left out
	maxScenarios  = 25  // a rule that fires in more scenarios says only that something happened
)

// setUp are the administrators whom kubeadm makes: what they do in a recording of
// attacks is the set-up of its cluster, and the clean-up.
var setUp = []string{"kubernetes-admin", "kubernetes-super-admin"}

// report is what the rules say of recordings.
type report struct {
	order      []string
	by         map[string]map[string]*falco.Rule // scenario, name of the rule
	broad      []string                          // rules that fire in too many scenarios
	unlabelled map[string]int                    // alerts by rule
	inSetUp    map[string]int
	noise      map[string]int
	noiseOf    int // events
	told       map[alarm]int
}

func measure(t *testing.T, from recordings, others ...falco.File) *report {
	t.Helper()
	r := &report{by: map[string]map[string]*falco.Rule{}, unlabelled: map[string]int{}, inSetUp: map[string]int{}, noise: map[string]int{}, told: map[alarm]int{}}
	order, of := readLabels(t, from.labels)
	r.order = order
	for _, s := range order {
		r.by[s] = map[string]*falco.Rule{}
	}
	found, _ := judge(t, from.attacks, others...)
	for _, a := range found {
		r.told[a]++
		for _, s := range of[a.auditID] {
			r.by[s][a.rule.Name] = a.rule
		}
		switch {
		case of[a.auditID] != nil:
		case slices.Contains(setUp, a.user):
			r.inSetUp[a.rule.Name]++
		default:
			r.unlabelled[a.rule.Name]++
		}
	}
	ordinary, events := judge(t, from.normal, others...)
	for _, a := range ordinary {
		r.noise[a.rule.Name]++
	}
	r.noiseOf = max(events, from.normalEvents)
	fires := map[string]int{}
	for _, rules := range r.by {
		for name := range rules {
			fires[name]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fires)) {
		if fires[name] > maxScenarios {
			r.broad = append(r.broad, name)
		}
	}
	return r
}

// fitting are the rules that tell of a scenario and fit it.
func (r *report) fitting(rows table, scenario string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(r.by[scenario])) {
		if rows.fits(scenario, r.by[scenario][name].Tags) && !slices.Contains(r.broad, name) {
			names = append(names, name)
		}
	}
	return names
}

// missed are the scenarios among these that count and that no fitting rule tells of.
func (r *report) missed(rows table, among []string) (missed []string, of int) {
	for _, s := range among {
		if rows.counts(s) {
			of++
			if len(r.fitting(rows, s)) == 0 {
				missed = append(missed, s)
			}
		}
	}
	return missed, of
}

// noiseRate is in alerts for 1,000 ordinary events.
func (r *report) noiseRate() float64 { return float64(sum(r.noise)) * 1000 / float64(r.noiseOf) }

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func byRule(counts map[string]int) string {
	var b strings.Builder
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return (counts[b]-counts[a])*1000 + strings.Compare(a, b) })
	for _, name := range names {
		fmt.Fprintf(&b, "  %4d  %s\n", counts[name], name)
	}
	return b.String()
}

// print writes the table, the scenarios held out with a mark.
func (r *report) print(rows table, held []string) string {
	var b strings.Builder
	for _, s := range r.order {
		mark := " "
		if slices.Contains(held, s) {
			mark = "h"
		}
		fits := "NO"
		switch {
		case rows[s] == nil:
			fits = "no row"
		case !rows.counts(s):
			fits = "left out"
		case len(r.fitting(rows, s)) > 0:
			fits = "yes"
		}
		var by []string
		for _, name := range slices.Sorted(maps.Keys(r.by[s])) {
			told := fmt.Sprintf("%s (%s)", name, r.by[s][name].Priority)
			if !rows.fits(s, r.by[s][name].Tags) {
				told = "[" + told + "]"
			}
			by = append(by, told)
		}
		fmt.Fprintf(&b, "%s %-8s %-56s %s\n", mark, fits, s, strings.Join(by, ", "))
	}
	fmt.Fprintf(&b, "\nordinary traffic: %d alerts in %d events, %.2f in 1,000\n%s", sum(r.noise), r.noiseOf, r.noiseRate(), byRule(r.noise))
	fmt.Fprintf(&b, "\nalerts that are about no attack: %d\n%s", sum(r.unlabelled), byRule(r.unlabelled))
	fmt.Fprintf(&b, "\nof the set-up by its administrators: %d\n%s", sum(r.inSetUp), byRule(r.inSetUp))
	if len(r.broad) > 0 {
		fmt.Fprintf(&b, "\nrules that fire in more than %d scenarios, and count nowhere: %s\n", maxScenarios, strings.Join(r.broad, ", "))
	}
	return b.String()
}

// holdOut picks a third of the scenarios at random. Whoever tunes the rules looks at
// the rest, and at the held-out third for whether the tuning was about the attack.
func holdOut(order []string, seed uint64) []string {
	held := slices.Clone(order)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
	return held[:len(held)/3]
}

// TestAttacks prints the table and holds the rules to what they promise.
func TestAttacks(t *testing.T) {
	rows := readTable(t)
	from := given(t)
	r := measure(t, from)

	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err, "SEED")
	}
	held := holdOut(r.order, seed)
	t.Logf("scenarios; h: held out with SEED=%d; [in brackets]: fires, but does not fit\n%s", seed, r.print(rows, held))
	rest := slices.DeleteFunc(slices.Clone(r.order), func(s string) bool { return slices.Contains(held, s) })
	missedHeld, ofHeld := r.missed(rows, held)
	missedRest, ofRest := r.missed(rows, rest)
	t.Logf("found: %d of %d, held out %d of %d", ofRest-len(missedRest), ofRest, ofHeld-len(missedHeld), ofHeld)

	missed, of := r.missed(rows, r.order)
	if from != inTree {
		return // measured, and promised to nobody
	}
	assert.GreaterOrEqual(t, of-len(missed), minFound, "missed: %v", missed)
	assert.LessOrEqual(t, r.noiseRate(), maxNoise)
	assert.LessOrEqual(t, sum(r.unlabelled), maxUnlabelled)
	for a, n := range r.told {
		assert.Equal(t, 1, n, "told more than once: %s of %s", a.rule.Name, a.where)
	}
}

// TestWholeRecordings measures on what testdata was cut from: the same comes out.
func TestWholeRecordings(t *testing.T) {
	corpora.Integration(t)
	rows := readTable(t)
	cut, all := measure(t, inTree), measure(t, whole(t))
	assert.Equal(t, cut.print(rows, nil), all.print(rows, nil))
}
