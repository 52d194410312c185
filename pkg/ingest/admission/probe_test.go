package admission

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/ingest"
)

// probing is a review about a pod with the label.
func probing(uid, name, nonce, more string) string {
	return strings.Replace(reviewOf(uid, name), `"object":{"kind":"Pod"}`, `"object":{"metadata":{"labels":{"`+ProbeLabel+`":`+nonce+`}}}`+more, 1)
}

// TestProbes: a dry run with the label is told who and when; nothing else is.
func TestProbes(t *testing.T) {
	w := newWorld(t, nil)
	const dry = `,"dryRun":true`
	ask := func(body string) decision { return decided(t, w.do(request("/admission/prod?timeout=2m", body))) }

	d := ask(probing("1", "web", `"a1-b"`, dry))
	assert.True(t, d.Allowed)
	assert.Len(t, d.Warnings, 1)
	p, is := ParseProbe(d.Warnings[0])
	assert.True(t, is)
	assert.Equal(t, Probe{Nonce: "a1-b", Sender: "token", Stored: true, Time: noon.Truncate(time.Second), Cluster: "prod"}, p)

	d = ask(probing("2", "warned", `"a1-b"`, dry))
	assert.Len(t, d.Warnings, 2)
	assert.Equal(t, p.String(), d.Warnings[0], "before those of rules, which may be many")
	d = ask(probing("3", "denied", `"a1-b"`, dry))
	assert.False(t, d.Allowed)
	assert.Len(t, d.Warnings, 1, "whoever is denied was heard")

	for name, body := range map[string]string{
		"no dry run":   probing("4", "web", `"a1-b"`, ""),
		"a number":     probing("5", "web", `7`, dry),
		"empty":        probing("6", "web", `""`, dry),
		"other text":   probing("7", "web", `"a b"`, dry),
		"a line break": probing("8", "web", `"a\nb"`, dry),
		"too long":     probing("9", "web", `"`+strings.Repeat("a", 64)+`"`, dry),
		"no label":     strings.Replace(reviewOf("10", "web"), `"object"`, `"dryRun":true,"object"`, 1),
	} {
		assert.Empty(t, ask(body).Warnings, name)
	}
	assert.EqualValues(t, 1, w.Counters().Warned, "a probe is no warning of rules")
	w.finish(t)
	events, _ := w.log.events(t)
	assert.Len(t, events, 10, "probes are requests as others are")
}

func TestProbeSaysThatTheDiskIsLate(t *testing.T) {
	w := newWorld(t, func(_ *Config, in *ingest.Config) { in.Log.(*memory).err = errors.New("no space") })
	d := decided(t, w.do(request("/admission/prod?timeout=1ms", probing("1", "web", `"a"`, `,"dryRun":true`))))
	p, is := ParseProbe(d.Warnings[0])
	assert.True(t, is)
	assert.False(t, p.Stored)
}

// TestProbesOfChanges: the other endpoint answers, too, if there is something that changes.
func TestProbesOfChanges(t *testing.T) {
	w, _ := newMutating(t, false)
	d := w.propose(t, probing("1", "bare", `"a"`, `,"dryRun":true`))
	assert.NotEmpty(t, d.Patch)
	p, is := ParseProbe(d.Warnings[0])
	assert.True(t, is)
	assert.Equal(t, Probe{Nonce: "a", Sender: "token", Changes: true, Time: noon.Truncate(time.Second), Cluster: "prod"}, p)
	assert.Empty(t, w.propose(t, probing("2", "web", `"a"`, "")).Warnings)
	assert.Empty(t, newWorld(t, nil).propose(t, probing("3", "web", `"a"`, `,"dryRun":true`)).Warnings)
}

func TestParseProbe(t *testing.T) {
	p := Probe{Nonce: "n", Sender: Unauthenticated, Time: noon.Truncate(time.Second), Cluster: "a cluster"}
	got, is := ParseProbe(p.String())
	assert.True(t, is)
	assert.Equal(t, p, got)
	for _, text := range []string{"", "kubewitness: Privileged: no", "kubewitness probe", "kubewitness probe n token stored then prod", "kubewitness probe n token"} {
		_, is := ParseProbe(text)
		assert.False(t, is, text)
	}
}
