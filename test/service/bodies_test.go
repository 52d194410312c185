package service

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/bench"
)

// cluster is where all events are from.
const cluster = "demo"

// detection is what is expected of an event: how the HTTP output names it, and how
// it is told from others in lines.
type detection struct{ id, line string }

// lineOf is how a detection is known by its line.
func lineOf(auditID, rule string) string { return auditID + " " + rule }

// item is an event as it is sent.
type item struct {
	raw   []byte
	id    string // its identity, in hex
	found []detection
}

// body is what is posted at once.
type body struct {
	data  []byte
	ids   []string // identities of its events
	found []detection
}

// corpus is recorded events to make bodies of.
type corpus struct {
	matcher *match.Matcher
	telling []*audit.Event // those that rules match
	plain   []*audit.Event
}

var corpusOnce = sync.OnceValues(loadCorpus)

// recorded gives the corpus.
func recorded(t testing.TB) *corpus {
	t.Helper()
	c, err := corpusOnce()
	require.NoError(t, err)
	return c
}

func loadCorpus() (*corpus, error) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	if err != nil {
		return nil, err
	}
	c := &corpus{}
	if c.matcher, err = set.Matcher(false, nil); err != nil {
		return nil, err
	}
	sample, err := os.ReadFile("../../examples/sample/audit.jsonl")
	if err != nil {
		return nil, err
	}
	inputs := [][]byte{sample}
	for _, name := range bench.Corpora {
		b, err := bench.Events(name)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, b)
	}
	for _, in := range inputs {
		r := audit.NewReader(bytes.NewReader(in), "recorded", audit.Limits{})
		for {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
			c.add(e)
		}
	}
	if len(c.telling) < 20 || len(c.plain) < 100 {
		return nil, errors.New("the recorded events have changed: too few of them match, or do not")
	}
	return c, nil
}

func (c *corpus) add(e *audit.Event) {
	switch _, found, err := c.judge(e.Raw); {
	case err != nil || len(e.AuditID) != 36 || bytes.Count(e.Raw, []byte(e.AuditID)) != 1:
		// No other identity can be given to it.
	case len(found) > 0:
		c.telling = append(c.telling, e)
	default:
		c.plain = append(c.plain, e)
	}
}

// judge tells what the service is to find in an event, and its identity.
func (c *corpus) judge(raw []byte) (id string, found []detection, err error) {
	e, err := audit.NewReader(bytes.NewReader(raw), "sent", audit.Limits{}).Next()
	if err != nil {
		return "", nil, err
	}
	e.Cluster = cluster
	res := c.matcher.Match(&field.Context{Event: e})
	if len(res.Faults) > 0 {
		return "", nil, fmt.Errorf("rule %s: %w", res.Faults[0].Rule.Name, res.Faults[0].Err)
	}
	identity := e.Identity()
	for _, d := range res.Detections {
		found = append(found, detection{record.DetectionID(identity, d.Rule.Name), lineOf(e.AuditID, d.Rule.Name)})
	}
	return hex.EncodeToString(identity[:]), found, nil
}

// maker makes bodies, each time the same ones for a seed.
type maker struct {
	*corpus
	rng  *rand.Rand
	seed uint64
	made uint64
	last []item
	most int // events of a body
	big  int // of so many bodies one has an event of megabytes; 0: none
}

func newMaker(t testing.TB, seed uint64) *maker {
	return &maker{corpus: recorded(t), rng: rand.New(rand.NewPCG(seed, 0)), seed: seed, most: 20, big: 25}
}

// one makes an event that was never there before out of a recorded one.
func (m *maker) one(e *audit.Event, noise int) item {
	m.made++
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(m.seed), m.made)
	raw := bytes.Replace(e.Raw, []byte(e.AuditID), []byte(id), 1)
	if noise > 0 {
		b := make([]byte, noise) // that no compression makes smaller
		_, _ = rand.NewChaCha8([32]byte{byte(m.made), byte(m.seed)}).Read(b)
		raw = append([]byte(`{"annotations":{"noise":"`+base64.StdEncoding.EncodeToString(b)+`"},`), raw[1:]...)
	}
	name, found, err := m.judge(raw)
	if err != nil { // the recorded one could be judged
		panic(err)
	}
	return item{raw, name, found}
}

// next makes a body. Now and then it repeats some events of the one before.
func (m *maker) next() *body {
	var items []item
	if m.rng.IntN(5) == 0 {
		items = append(items, m.last[:m.rng.IntN(len(m.last)+1)]...)
	}
	for range 1 + m.rng.IntN(m.most) {
		from := m.plain
		if m.rng.IntN(4) == 0 {
			from = m.telling
		}
		items = append(items, m.one(from[m.rng.IntN(len(from))], 0))
	}
	if m.big > 0 && m.rng.IntN(m.big) == 0 {
		items = append(items, m.one(m.telling[m.rng.IntN(len(m.telling))], 5<<18+m.rng.IntN(1<<20)))
	}
	m.rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	m.last = items
	return list(items)
}

// list makes a body of events.
func list(items []item) *body {
	b := &body{}
	var raws []string
	for _, it := range items {
		raws = append(raws, string(it.raw))
		b.ids, b.found = append(b.ids, it.id), append(b.found, it.found...)
	}
	b.data = []byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(raws, ",") + "]}\n")
	return b
}
