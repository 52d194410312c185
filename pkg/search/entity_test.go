package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

func entity(t testing.TB, s *Searcher, p Principal, kind EntityKind, value string) *Entity {
	t.Helper()
	e, err := s.Entity(t.Context(), p, kind, "prod", value, time.Time{}, time.Time{})
	require.NoError(t, err)
	return e
}

// valuesOf gives a facet of an entity.
func valuesOf(e *Entity, name string) map[string]uint64 {
	out := map[string]uint64{}
	for _, f := range e.Facets {
		if f.Field == name {
			for _, v := range f.Values {
				out[v.Value] = v.Events
			}
		}
	}
	return out
}

// TestEntitiesOfRecordedEvents: what is told of an entity is what its events come to, one by one.
func TestEntitiesOfRecordedEvents(t *testing.T) {
	events := recording(t, "../../examples/sample/audit.jsonl")
	s := kept(t, "prod", events)
	first := slices.MinFunc(events, func(a, b *audit.Event) int { return a.Time.Compare(b.Time) }).Time
	for _, c := range []struct {
		kind  EntityKind
		value string
		is    func(a audit.Answer) bool
	}{
		{EntityUser, "mallory@corp.example", func(a audit.Answer) bool { return a.Who.Name == "mallory@corp.example" }},
		{EntityServiceAccount, "cert-manager/cert-manager", func(a audit.Answer) bool { return a.Who.Name == "system:serviceaccount:cert-manager:cert-manager" }},
		{EntityServiceAccount, "system:serviceaccount:cert-manager:cert-manager", func(a audit.Answer) bool { return a.Who.Name == "system:serviceaccount:cert-manager:cert-manager" }},
		{EntityAddress, "127.0.0.1", func(a audit.Answer) bool {
			return a.Who.SourceIP == "127.0.0.1" || slices.Contains(a.Who.ClaimedIPs, "127.0.0.1")
		}},
		{EntityObject, "pods/shop-prod/sys-cache-target", func(a audit.Answer) bool { return a.Where.Object == "pods/shop-prod/sys-cache-target" }},
		{EntityNamespace, "shop-prod", func(a audit.Answer) bool { return a.Where.Namespace == "shop-prod" }},
	} {
		t.Run(string(c.kind)+" "+c.value, func(t *testing.T) {
			e := entity(t, s.Searcher, local, c.kind, c.value)
			var n uint64
			var begin, end time.Time
			verbs, outcomes := map[string]uint64{}, Outcomes{}
			for _, event := range events {
				a := event.Answer()
				if !c.is(a) {
					continue
				}
				n++
				verbs[a.What.Verb]++
				if at := s.begin.Add(event.Time.Sub(first)); begin.IsZero() || at.Before(begin) {
					begin = at
				}
				if at := s.begin.Add(event.Time.Sub(first)); at.After(end) {
					end = at
				}
				switch {
				case a.When.Stage != "ResponseComplete":
				case a.What.Code == 401 || a.What.Code == 403:
					outcomes.Denied++
				case a.What.Code >= 400:
					outcomes.Failed++
				default:
					outcomes.Allowed++
				}
			}
			require.NotZero(t, n)
			assert.Equal(t, n, e.Events)
			assert.Equal(t, begin, e.First)
			assert.Equal(t, end, e.Last)
			assert.Equal(t, verbs, valuesOf(e, "ka.verb"))
			assert.Equal(t, outcomes, e.Outcomes)
			assert.False(t, e.Partial)
			var active uint64
			for _, b := range e.Activity {
				active += b.Events
			}
			assert.Equal(t, n, active)
			require.NotEmpty(t, e.Recent)
			assert.Equal(t, end, e.Recent[0].Event.Filed())
			for _, hit := range slices.Concat(e.Recent, e.Detected, e.Changes) {
				assert.True(t, c.is(hit.Answer), hit.Answer.Sentence())
			}
			for _, hit := range e.Detected {
				assert.NotEmpty(t, hit.Event.Detections)
			}
		})
	}
	e := entity(t, s.Searcher, local, EntityUser, "mallory@corp.example")
	assert.NotZero(t, e.Detections)
	assert.NotEmpty(t, valuesOf(e, "rule"))
	assert.NotEmpty(t, valuesOf(e, "priority"))
	e = entity(t, s.Searcher, local, EntityUser, "nobody")
	assert.Equal(t, &Entity{Kind: EntityUser, Cluster: "prod", Value: "nobody", Summary: e.Summary}, e)
}

// event is a made event of a user in a namespace.
func event(user, namespace, more string) string {
	return fmt.Sprintf(`"verb":"create","user":%s,"objectRef":{"resource":"pods","namespace":%q,"name":"p"},"responseStatus":{"code":201}%s`, user, namespace, more)
}

// TestEntityOutOfScope: what lies outside of a scope changes nothing of what is told.
func TestEntityOutOfScope(t *testing.T) {
	alice := `{"username":"alice"}`
	inside := made(t, event(alice, "shop", ""), event(alice, "shop", `,"impersonatedUser":{"username":"bob"}`))
	both := append(made(t, event(alice, "shop", ""), event(alice, "shop", `,"impersonatedUser":{"username":"bob"}`)),
		made(t, event(alice, "bank", `,"userAgent":"x"`), event(`{"username":"eve"}`, "bank", `,"impersonatedUser":{"username":"alice"}`),
			strings.Replace(event(alice, "shop", `,"sourceIPs":["198.51.100.1"]`), `"objectRef"`, `"auditID":"else","objectRef"`, 1))...)
	p := Principal{Scope: Scope{Clusters: []string{"prod"}, Namespaces: []string{"shop"}}}
	few := kept(t, "prod", inside)
	all := kept(t, "prod", both[:4])
	dev := kept(t, "dev", both[4:])
	for _, c := range []struct {
		kind  EntityKind
		value string
	}{{EntityUser, "alice"}, {EntityUser, "bob"}, {EntityAddress, "192.0.2.1"}, {EntityObject, "pods/shop/p"}, {EntityObject, "pods/bank/p"}, {EntityNamespace, "shop"}, {EntityNamespace, "bank"}} {
		want, got := entity(t, few.Searcher, p, c.kind, c.value), entity(t, all.Searcher, p, c.kind, c.value)
		assert.Equal(t, printedEntity(want), printedEntity(got), "%s %s", c.kind, c.value)
		none, err := dev.Entity(t.Context(), p, c.kind, "", "alice", time.Time{}, time.Time{})
		if err == nil {
			assert.Zero(t, none.Events)
		}
	}
	assert.Equal(t, uint64(2), entity(t, all.Searcher, p, EntityUser, "alice").Events)
	assert.Equal(t, []FacetValue{{"eve", 1}}, entity(t, all.Searcher, local, EntityUser, "alice").ImpersonatedBy)
	assert.Equal(t, []FacetValue{{"alice", 1}}, entity(t, all.Searcher, p, EntityUser, "bob").ImpersonatedBy)
}

// printedEntity is an entity without its events' memory.
func printedEntity(e *Entity) string {
	ids := []string{}
	for _, hit := range slices.Concat(e.Recent, e.Detected, e.Changes) {
		ids = append(ids, hit.ID)
	}
	c := *e
	c.Recent, c.Detected, c.Changes, c.Summary = nil, nil, nil, Summary{}
	return fmt.Sprintf("%+v %v %t", c, ids, e.Partial)
}

// TestEntityTellsWhatIsNew: values of the newest part that were not there before, and
// only where there was a before.
func TestEntityTellsWhatIsNew(t *testing.T) {
	user := `{"username":"system:serviceaccount:shop:web","extra":{"authentication.kubernetes.io/pod-name":["web-0"],"authentication.kubernetes.io/node-name":["n1"]}}`
	events := made(t, event(user, "shop", `,"userAgent":"kubelet"`), event(user, "shop", `,"userAgent":"kubelet"`),
		event(user, "bank", `,"userAgent":"curl","sourceIPs":["203.0.113.9","192.0.2.1"]`))
	s := kept(t, "prod", events)
	from, to := s.begin, s.begin.Add(2500*time.Millisecond)
	e, err := s.Entity(t.Context(), local, EntityServiceAccount, "prod", "shop/web", from, to)
	require.NoError(t, err)
	assert.Equal(t, []NewValue{{"ka.useragent", "curl", 1}, {"ka.target.namespace", "bank", 1}}, slices.DeleteFunc(e.New, func(v NewValue) bool { return v.Field == "rule" }))
	assert.Equal(t, to.Add(-625*time.Millisecond), e.NewSince)
	require.Len(t, e.Origins, 1)
	assert.Equal(t, Origin{Pod: "shop/web-0", Node: "n1", Events: 3, Last: s.begin.Add(2 * time.Second)}, e.Origins[0])

	e, err = s.Entity(t.Context(), local, EntityServiceAccount, "prod", "shop/web", from.Add(1500*time.Millisecond), to)
	require.NoError(t, err)
	assert.Equal(t, uint64(1), e.Events)
	assert.Empty(t, e.New)

	a := entity(t, s.Searcher, local, EntityAddress, "203.0.113.9")
	assert.Equal(t, [2]uint64{1, 1}, [2]uint64{a.Events, a.Claimed})
	a = entity(t, s.Searcher, local, EntityAddress, "192.0.2.0/24")
	assert.Equal(t, [2]uint64{3, 0}, [2]uint64{a.Events, a.Claimed})
}

// TestEntityIsPartial: where not all could be read, that is told.
func TestEntityIsPartial(t *testing.T) {
	var texts []string
	for range 9 {
		texts = append(texts, `"verb":"get","sourceIPs":["2001:db8::1"]`)
	}
	s := kept(t, "prod", made(t, texts...))
	s.cfg.MaxScanned = 5
	e := entity(t, s.Searcher, local, EntityAddress, "2001:db8::/32")
	assert.True(t, e.Partial)
	assert.NotEmpty(t, e.Why)
	assert.LessOrEqual(t, e.Events, uint64(5))
}

func TestEntityOfNothing(t *testing.T) {
	s := New(Config{Store: nil, Now: time.Now})
	for kind, value := range map[EntityKind]string{
		"": "a", "node": "a", EntityUser: "", EntityServiceAccount: "a", EntityAddress: "a", EntityObject: "a", EntityNamespace: "a\x00",
	} {
		_, err := s.Entity(t.Context(), local, kind, "prod", value, time.Time{}, time.Time{})
		assert.ErrorAs(t, err, &BadRequest{}, "%s %q", kind, value)
	}
}

// FuzzEntityCondition: whatever an entity is called, its condition holds for it, and is
// one clause and no more.
func FuzzEntityCondition(f *testing.F) {
	for _, text := range []string{"alice", `a") or ka.verb in ("b`, `\`, `x\"`, " ", "any of", "a\nb", "é\u2028", ")"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for kind, value := range map[EntityKind]string{EntityUser: name, EntityNamespace: name, EntityObject: "pods/" + name + "/" + name, EntityServiceAccount: "a/" + name} {
			_, about, err := entityCondition(kind, "prod", value)
			if err != nil {
				continue
			}
			e, err := parse(about, nil)
			require.NoError(t, err, "%q", about)
			_, plainly, err := entityCondition(kind, "prod", strings.ReplaceAll(value, name, "x"))
			require.NoError(t, err)
			x, err := parse(plainly, nil)
			require.NoError(t, err)
			assert.Equal(t, len(checksOf(x)), len(checksOf(e)), "%q", about)
		}
	})
}

// checksOf lists the fields that a condition looks at, one for each check.
func checksOf(e condition.Expr) (fields []string) {
	condition.WalkFields(e, func(f *condition.Field) { fields = append(fields, f.Name) })
	return fields
}
