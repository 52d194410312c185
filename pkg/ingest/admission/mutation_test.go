package admission

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
)

const patch = `[{"op":"add","path":"/metadata","value":{"labels":{"a":"b"}}}]`

// labeler changes what is called "bare", and fails on what is called "broken" and "fatal". It
// keeps the stages of the events that it asked for.
type labeler struct{ stages []string }

func (l *labeler) Mutate(p *Proposal) (Change, error) {
	e, err := p.Event(p.Object)
	if err != nil {
		return Change{}, err
	}
	l.stages = append(l.stages, e.Stage)
	switch e.Answer().What.Name {
	case "bare":
		return Change{Entries: []string{"labels", "more"}, Patch: []byte(patch)}, nil
	case "broken":
		return Change{}, errors.New("it is broken")
	case "fatal":
		panic("a defect")
	}
	return Change{}, nil
}

func newMutating(t *testing.T, dry bool) (*world, *labeler) {
	t.Helper()
	l := &labeler{}
	return newWorld(t, func(c *Config, _ *ingest.Config) { c.Mutator, c.DryRun = l, dry }), l
}

func (w *world) propose(t *testing.T, body string) decision {
	t.Helper()
	return decided(t, w.do(request("/mutate/prod?timeout=2m", body)))
}

// TestMutation: the answer has the patch, and who changed what is an event of its own.
func TestMutation(t *testing.T) {
	w, l := newMutating(t, false)
	assert.Equal(t, decision{UID: "1", Allowed: true}, w.propose(t, reviewOf("1", "web")))
	assert.Equal(t, decision{UID: "2", Allowed: true, PatchType: "JSONPatch", Patch: []byte(patch),
		AuditAnnotations: map[string]string{"uid": "2", "entries": "labels,more"}}, w.propose(t, reviewOf("2", "bare")))
	assert.True(t, w.ask(t, "3", "bare").Allowed, "the validating webhook is asked with another uid")
	w.finish(t)
	events, _ := w.log.events(t)
	require.Len(t, events, 2)
	e := events[0]
	assert.Equal(t, MutationSource, e.Source)
	assert.Equal(t, "RequestReceived", e.Event.Stage)
	assert.Equal(t, "jane (person) is asking to create pod shop/bare", e.Event.Answer().Sentence())
	notes := e.Event.Root().Get("annotations")
	assert.Equal(t, "labels,more", notes.Get(ours+"mutated-by").Text())
	assert.Equal(t, patch, notes.Get(ours+"patch").Text())
	assert.Equal(t, "2", notes.Get(ours+"uid").Text())
	assert.NotContains(t, strings.Split(notes.Get(ours+"reconstructed").Text(), ","), "stage")
	assert.Equal(t, Source, events[1].Source)
	assert.False(t, events[1].Event.Root().Path("annotations", ours+"patch").Exists())
	assert.Equal(t, []string{"ResponseComplete", "ResponseComplete"}, l.stages, "conditions see what the validating webhook will")
	c := w.Counters()
	assert.EqualValues(t, []uint64{1, 1, 0, 0}, []uint64{c.Mutations.Patched, c.Mutations.Unchanged, c.Mutations.Would, c.Mutations.Failed})
	assert.EqualValues(t, 1, c.Allowed, "counts the reviews of the validating webhook")
}

// TestDryRunOfAMutation: a request that changes nothing is answered, and leaves nothing behind;
// a service that changes nothing tells what it would.
func TestDryRunOfAMutation(t *testing.T) {
	w, _ := newMutating(t, false)
	dry := strings.Replace(reviewOf("1", "bare"), `"operation"`, `"dryRun":true,"operation"`, 1)
	assert.Equal(t, []byte(patch), w.propose(t, dry).Patch)
	w.finish(t)
	events, _ := w.log.events(t)
	assert.Empty(t, events)

	w, _ = newMutating(t, true)
	assert.Equal(t, decision{UID: "1", Allowed: true}, w.propose(t, reviewOf("1", "bare")))
	w.finish(t)
	events, _ = w.log.events(t)
	require.Len(t, events, 1)
	notes := events[0].Event.Root().Get("annotations")
	assert.Equal(t, "labels,more", notes.Get(ours+"would-be-mutated-by").Text())
	assert.False(t, notes.Get(ours+"mutated-by").Exists())
	assert.EqualValues(t, 1, w.Counters().Mutations.Would)
}

// TestFailedMutationAllows: whatever goes wrong, the object stays as it is, and nothing is refused.
func TestFailedMutationAllows(t *testing.T) {
	w, _ := newMutating(t, false)
	for uid, name := range map[string]string{"1": "broken", "2": "fatal", "3": "denied"} {
		assert.Equal(t, decision{UID: uid, Allowed: true}, w.propose(t, reviewOf(uid, name)), name)
	}
	w.finish(t)
	events, _ := w.log.events(t)
	assert.Empty(t, events)
	c := w.Counters()
	assert.EqualValues(t, 2, c.Mutations.Failed)
	assert.EqualValues(t, 1, c.Faults)
}

// TestNothingToMutate: what makes no object, and a service that changes none.
func TestNothingToMutate(t *testing.T) {
	w, l := newMutating(t, false)
	for _, operation := range []string{"DELETE", "CONNECT", "UPDATE"} { // an update has an object before it
		assert.Nil(t, w.propose(t, strings.Replace(reviewOf("1", "bare"), "CREATE", operation, 1)).Patch)
	}
	assert.Nil(t, w.propose(t, strings.Replace(reviewOf("1", "bare"), `"object"`, `"other"`, 1)).Patch)
	assert.Empty(t, l.stages)
	assert.Nil(t, newWorld(t, nil).propose(t, reviewOf("1", "bare")).Patch)
}

// TestWhoMayAskForMutations: the same as for reviews, by paths of their own.
func TestWhoMayAskForMutations(t *testing.T) {
	w, _ := newMutating(t, false)
	good := reviewOf("1", "bare")
	assert.Equal(t, 401, w.do(request("/mutate/prod", good, "Authorization", "")).Code)
	assert.Equal(t, 403, w.do(request("/mutate/lab", good)).Code)
	assert.Equal(t, 404, w.do(request("/mutates/prod", good)).Code)
	assert.Equal(t, 400, w.do(request("/mutate/prod", "{}")).Code)
	assert.Equal(t, 415, w.do(request("/mutate/prod", good, "Content-Type", "text/plain")).Code)
	rec := w.do(request("/mutate/lab/"+pathSecret, good, "Authorization", ""))
	assert.Equal(t, []byte(patch), decided(t, rec).Patch)
	var raw struct{ Response struct{ Patch string } }
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &raw))
	assert.NotContains(t, raw.Response.Patch, "[", "it is in base64")
}

// TestProposalOfAnotherObject: the event that a mutator asks for has the object that it gives.
func TestProposalOfAnotherObject(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.Mutator = swap{t} })
	body := strings.Replace(reviewOf("1", "web"), `"object"`, `"oldObject":{"kind":"Old"},"subResource":"ephemeralcontainers","object"`, 1)
	assert.Equal(t, []byte("[]"), w.propose(t, strings.Replace(body, "CREATE", "UPDATE", 1)).Patch)
}

type swap struct{ t *testing.T }

func (s swap) Mutate(p *Proposal) (Change, error) {
	other, err := audit.ParseValue([]byte(`{"kind":"Other"}`))
	require.NoError(s.t, err)
	e, err := p.Event(other)
	require.NoError(s.t, err)
	assert.Equal(s.t, "Other", e.Root().Path("requestObject", "kind").Text())
	assert.Equal(s.t, "Old", e.Root().Path("oldObject", "kind").Text())
	assert.Equal(s.t, "Old", p.Old.Get("kind").Text())
	assert.Equal(s.t, "Pod", p.Object.Get("kind").Text())
	assert.Equal(s.t, "ephemeralcontainers", p.Subresource)
	return Change{Entries: []string{"swap"}, Patch: []byte("[]")}, nil
}
