package correlate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Observation is what an event is for stateful rules. It can be made of many events
// at once, and must be given to a [Stream] in their order.
type Observation struct {
	Faults []match.Fault // rules that could not be judged: defects of this program

	id       audit.Identity
	hits     []hit
	request  requestKey
	finishes bool // of a request that has a time
	pod      *podNews
}

// hit is a rule, or a step of one, whose condition the event meets, as far as what
// was seen before is not asked for.
type hit struct {
	rule, step int32
	pending    bool   // what follows is found when what was seen before is known
	key        string // "": the cluster's
	value      string // distinct or new
	differs    string // of a step: what must be other than in the step before
	ahead      string // likewise what the next one's must not be
}

// Look finds out what an event is for the rules; nil where it is nothing. The event's
// identity is computed where none is given.
func (r *Rules) Look(c *field.Context, id audit.Identity) *Observation {
	if r.matcher == nil {
		return nil
	}
	m, err := r.matcher()
	if err != nil { // what New has compiled one by one
		return &Observation{Faults: []match.Fault{{Rule: r.looked.Rules[0], Err: err}}}
	}
	var room [8]int32
	met, faults := m.Hits(room[:0], c)
	return r.observe(c, id, met, faults)
}

// observe makes the observation of what an event meets.
func (r *Rules) observe(c *field.Context, id audit.Identity, met []int32, faults []match.Fault) *Observation {
	o := Observation{Faults: faults}
	if len(r.timed) > 0 {
		o.request, o.finishes = r.finished(c.Event)
	}
	if r.seen {
		o.pod = podNewsOf(c.Event)
	}
	if len(met) == 1 && !o.finishes && o.pod == nil && len(faults) == 0 && id == (audit.Identity{}) {
		if alone := r.probes[met[0]].alone; alone != nil {
			return alone
		}
	}
	if len(met) > 0 {
		o.hits = make([]hit, 0, len(met))
	}
	for _, n := range met {
		p := r.probes[n]
		h := hit{rule: p.rule, step: p.step}
		rule := r.rules[p.rule]
		if h.pending = rule.spec.ReadsSeen; h.pending || rule.fill(&h, c) {
			o.hits = append(o.hits, h)
		}
	}
	if len(o.hits) == 0 && !o.finishes && o.pod == nil && len(faults) == 0 {
		return nil
	}
	if o.id = id; id == (audit.Identity{}) && slices.ContainsFunc(o.hits, r.tellsApart) {
		o.id = c.Event.Identity()
	}
	seen := o // only what is kept is allocated
	return &seen
}

// tellsApart tells whether a rule needs the identity of each event that it counts, which is
// made of all bytes of an event. Where values count, or the last event only, those that fire
// are enough: [Stream.identity].
func (r *Rules) tellsApart(h hit) bool {
	state := r.rules[h.rule].state
	if state == nil {
		return true
	}
	switch state.Kind {
	case rules.Absence:
		return len(state.Timers) > 0
	case rules.Threshold:
		return len(state.Distinct) == 0
	case rules.NewTerms:
		return false
	}
	return true
}

// fill finds the key and the values; false where one of them is not there.
func (r *rule) fill(h *hit, c *field.Context) bool {
	if r.state == nil || r.ofCluster() {
		return true
	}
	if len(r.state.Timers) > 0 {
		return r.state.Timers[verbOf(c.Event)] > 0 && c.Event.Stage == stageReceived && !lasts(c.Event) && !asked(c.Event)
	}
	key := appendText(make([]byte, 0, 64), c.Event.Cluster)
	key, ok := appendTerms(key, r.by[h.step], c)
	if !ok {
		return false
	}
	var value []byte
	if value, ok = appendTerms(nil, r.values, c); !ok {
		return false
	}
	h.key, h.value = string(key), string(value)
	if h.differs, ok = valuesOf(r.differ[h.step], c); !ok {
		return false
	}
	if next := int(h.step) + 1; next < len(r.differ) {
		h.ahead, ok = valuesOf(r.differ[next], c)
	}
	return ok
}

func valuesOf(terms []term, c *field.Context) (string, bool) {
	if len(terms) == 0 {
		return "", true
	}
	text, ok := appendTerms(nil, terms, c)
	return string(text), ok
}

// Keys are texts one after the other, each behind its length: no text can be made
// that looks like two.

// longestText is how long a text of a key may be; of longer ones the beginning is
// kept and a digest.
const longestText = 256

func appendText(dst []byte, text string) []byte {
	if len(text) > longestText {
		sum := sha256.Sum256([]byte(text))
		text = strings.ToValidUTF8(text[:longestText-20], "") + "..." + hex.EncodeToString(sum[:8])
	}
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// appendTerms is false where a field is absent.
func appendTerms(dst []byte, terms []term, c *field.Context) ([]byte, bool) {
	var room [4]field.Item
	for i := range terms {
		items := terms[i].field.Append(room[:0], c, terms[i].arg)
		switch len(items) {
		case 0:
			return dst, false
		case 1:
			dst = appendText(dst, items[0].Text)
		default:
			texts := make([]string, len(items))
			for k := range items {
				texts[k] = items[k].Text
			}
			dst = appendText(dst, strings.Join(texts, ","))
		}
	}
	return dst, true
}

// textsOf takes a key apart.
func textsOf(key string) (texts []string) {
	for key != "" {
		n, size := binary.Uvarint([]byte(key[:min(len(key), binary.MaxVarintLen64)]))
		if size <= 0 || n > uint64(len(key)-size) {
			return texts
		}
		texts = append(texts, key[size:size+int(n)])
		key = key[size+int(n):]
	}
	return texts
}

func verbOf(e *audit.Event) string { return e.Root().Get("verb").Text() }
