package join

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oracle joins by looking at everything that ever came, in the words of the package comment.
type oracle struct {
	reviews  []*half2
	requests []*half2
	links    map[string][]string
	several  uint64
}

// half2 is a review, or what is known of a request.
type half2 struct {
	thing
	partner *half2
}

// attempts2 tells whether all reviews in the time of a request are its attempts.
func attempts2(inside []*half2) bool {
	return !slices.ContainsFunc(inside, func(r *half2) bool { return r.content != inside[0].content || r.name != inside[0].name })
}

func (o *oracle) take(body []thing) {
	out := make([]string, len(body))
	for _, received := range []bool{false, true} {
		for i := range body {
			x := body[i]
			switch {
			case x.review && !received:
				out[i] = o.review(x)
			case !x.review && received == (x.stage == "RequestReceived"):
				out[i] = o.request(x)
			}
		}
	}
	for i, x := range body {
		o.links[x.id] = append(o.links[x.id], out[i])
	}
}

func find(list []*half2, id string) *half2 {
	i := slices.IndexFunc(list, func(h *half2) bool { return h.id == id })
	if i < 0 {
		return nil
	}
	return list[i]
}

func (o *oracle) review(x thing) string {
	if find(o.reviews, x.id) != nil {
		return "" // it came first, or has been told of
	}
	r := &half2{thing: x}
	o.reviews = append(o.reviews, r)
	var inside, near []*half2
	for _, a := range o.requests {
		switch fits(r, a) {
		case 2:
			inside = append(inside, a)
		case 1:
			near = append(near, a)
		}
	}
	if a := o.choose(r, inside, near, func(a *half2) bool { return o.rivals(r, a) }); a != nil {
		return r.id + " of " + a.id
	}
	return ""
}

func (o *oracle) request(x thing) string {
	a := find(o.requests, x.id)
	switch {
	case a == nil:
		a = &half2{thing: x}
		o.requests = append(o.requests, a)
	case a.partner != nil:
		return a.partner.id
	case x.stage == "RequestReceived":
		return ""
	default:
		a.thing = x
	}
	var inside, near []*half2
	for _, r := range o.reviews {
		switch fits(r, a) {
		case 2:
			inside = append(inside, r)
		case 1:
			near = append(near, r)
		}
	}
	if len(inside) > 1 && !open(a) && attempts2(inside) {
		last := inside[0]
		for _, r := range inside {
			if r.partner = a; r.at >= last.at {
				last = r
			}
		}
		a.partner = last
		return last.id
	}
	if r := o.choose(a, inside, near, func(r *half2) bool { return o.rivals(r, a) }); r != nil {
		return r.id
	}
	return ""
}

func (o *oracle) choose(x *half2, inside, near []*half2, rivals func(*half2) bool) *half2 {
	among := inside
	if len(among) == 0 {
		among = near
	}
	switch {
	case len(among) == 0:
		return nil
	case len(among) > 1:
		o.several++
		return nil
	}
	if a := among[0]; (open(x) || open(a)) && rivals(a) {
		o.several++
		return nil
	}
	x.partner, among[0].partner = among[0], x
	return among[0]
}

func open(h *half2) bool { return h.stage == "RequestReceived" }

// rivals tells whether anything else fits one of two.
func (o *oracle) rivals(r, a *half2) bool {
	return slices.ContainsFunc(o.reviews, func(x *half2) bool { return x != r && fits(x, a) > 0 }) ||
		slices.ContainsFunc(o.requests, func(x *half2) bool { return x != a && fits(r, x) > 0 })
}

// fits is 2 for a review in the time of a request, 1 for one close to it.
func fits(r, a *half2) int {
	verbs := map[string]string{"create": "CREATE", "update": "CREATE UPDATE", "patch": "CREATE UPDATE", "delete": "DELETE", "deletecollection": "DELETE"}
	switch {
	case r.partner != nil || a.partner != nil || a.forbidden:
		return 0
	case !strings.Contains(verbs[a.verb], r.verb), or(r.user, "jane") != or(or(a.as, a.user), "jane"), r.resource != a.resource, r.namespace != a.namespace:
		return 0
	case r.name != a.name && r.name != "" && a.name != "", r.query != a.query:
		return 0
	}
	last := min(a.took, 60_000)
	if open(a) {
		last = 10_000
	}
	switch off := r.at - a.at; {
	case off >= 0 && off <= last:
		return 2
	case !open(a) && a.code < 400 && off >= -1000 && off <= last+1000:
		return 1
	}
	return 0
}

// sequence makes bodies of requests that are made by few users to few objects, and the
// reviews of most of them, in any order.
func sequence(r *rand.Rand) (bodies [][]thing) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var loose []thing
	span := []int{300, 5_000, 120_000}[r.IntN(3)]
	for i := range 2 + r.IntN(12) {
		a := thing{
			id: fmt.Sprint("a", i), verb: pick("create", "update", "patch", "delete", "deletecollection"), user: pick("", "joe"), as: pick("", "", "", "root"),
			namespace: "shop", name: pick("web", "db", ""), at: r.IntN(span), took: []int{5, 50, 2_000, 90_000}[r.IntN(4)],
			query: pick("", "", "dryRun=All"), code: []int{200, 200, 409}[r.IntN(3)], forbidden: r.IntN(10) == 0,
		}
		if r.IntN(2) == 0 {
			first := a
			first.stage, first.took, first.as, first.code, first.forbidden = "RequestReceived", 0, "", 0, false
			loose = append(loose, first)
		}
		loose = append(loose, a)
		if r.IntN(8) > 0 && !a.forbidden {
			operation := map[string]string{"create": "CREATE", "delete": "DELETE", "deletecollection": "DELETE"}[a.verb]
			v := thing{id: fmt.Sprint("r", i), review: true, verb: or(operation, pick("CREATE", "UPDATE")), user: or(a.as, a.user), namespace: "shop",
				name: or(a.name, pick("web", "db")), at: a.at + r.IntN(a.took+1) + []int{0, 0, 500}[r.IntN(3)], query: a.query, content: pick("x", "y")}
			if v.verb == "DELETE" {
				v.content = "" // its body are the options
			}
			loose = append(loose, v)
			if r.IntN(4) == 0 { // tried again
				again := v
				again.id, again.at = fmt.Sprint("again", i), v.at+1+r.IntN(40)
				loose = append(loose, again)
			}
			if r.IntN(6) == 0 {
				loose = append(loose, v) // delivered twice
			}
		}
	}
	r.Shuffle(len(loose), func(i, k int) { loose[i], loose[k] = loose[k], loose[i] })
	for len(loose) > 0 {
		n := 1
		for !loose[0].review && n < len(loose) && !loose[n].review && r.IntN(3) > 0 {
			n++
		}
		bodies = append(bodies, loose[:n])
		loose = loose[n:]
	}
	return bodies
}

func checkSequence(t *testing.T, seed uint64) (joined, several uint64) {
	t.Helper()
	o, w := &oracle{links: map[string][]string{}}, newWorld(t, Config{})
	for _, body := range sequence(rand.New(rand.NewPCG(seed, 1))) {
		o.take(body)
		w.take(nil, body...)
	}
	require.Equal(t, o.links, w.links, "seed %d", seed)
	require.Equal(t, o.several, w.table.Counters().Ambiguous, "seed %d", seed)
	return w.table.Counters().Joined, o.several
}

// TestLikeTheOracle holds the table against everything compared with everything.
func TestLikeTheOracle(t *testing.T) {
	var joined, several uint64
	for seed := range uint64(600) {
		j, s := checkSequence(t, seed)
		joined, several = joined+j, several+s
	}
	t.Logf("%d joined, %d left apart", joined, several)
	assert.Greater(t, joined, uint64(2000))
	assert.Greater(t, several, uint64(60))
}

// FuzzTable is the same for seeds that nobody has chosen.
func FuzzTable(f *testing.F) {
	f.Add(uint64(1 << 40))
	f.Fuzz(func(t *testing.T, seed uint64) { checkSequence(t, seed) })
}
