package join

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// review is one of a pod that was created.
func review(id string, at int, change ...func(*thing)) thing {
	return made(thing{id: id, review: true, verb: "CREATE", namespace: "shop", name: "web", at: at}, change)
}

// request is one that created a pod, within 20 ms.
func request(id string, at int, change ...func(*thing)) thing {
	return made(thing{id: id, verb: "create", namespace: "shop", name: "web", at: at, took: 20}, change)
}

func made(x thing, change []func(*thing)) thing {
	for _, c := range change {
		c(&x)
	}
	return x
}

func received(x *thing) { x.stage, x.took, x.name = "RequestReceived", 0, "" }

// TestFit: what is of one request, and what is not.
func TestFit(t *testing.T) {
	verbs := func(operation, verb string, rest ...func(*thing)) [2]thing {
		r := review("r", 5, func(x *thing) { x.verb = operation })
		a := request("a", 0, func(x *thing) { x.verb = verb })
		return [2]thing{made(r, rest), made(a, rest)}
	}
	named := func(r, a thing, change func(r, a *thing)) [2]thing {
		change(&r, &a)
		return [2]thing{r, a}
	}
	pair := func(change func(r, a *thing)) [2]thing { return named(review("r", 5), request("a", 0), change) }
	sub := func(s string) func(*thing) { return func(x *thing) { x.resource = s } }
	for name, tt := range map[string]struct {
		pair [2]thing
		want bool
	}{
		"create":                      {verbs("CREATE", "create"), true},
		"apply that creates":          {verbs("CREATE", "patch"), true},
		"update that creates":         {verbs("CREATE", "update"), true},
		"patch":                       {verbs("UPDATE", "patch"), true},
		"update":                      {verbs("UPDATE", "update"), true},
		"create is no update":         {verbs("UPDATE", "create"), false},
		"delete":                      {verbs("DELETE", "delete"), true},
		"one of a collection":         {verbs("DELETE", "deletecollection"), true},
		"delete is no update":         {verbs("DELETE", "update"), false},
		"exec by POST":                {verbs("CONNECT", "create", sub("pods/exec")), true},
		"exec by GET":                 {verbs("CONNECT", "get", sub("pods/exec")), true},
		"proxy with any verb":         {verbs("CONNECT", "delete", sub("services/proxy")), true},
		"get is not reviewed":         {verbs("UPDATE", "get"), false},
		"impersonation":               {pair(func(r, a *thing) { r.user, a.as = "root", "root" }), true},
		"as somebody else":            {pair(func(r, a *thing) { a.as = "root" }), false},
		"another user":                {pair(func(r, a *thing) { a.user = "joe" }), false},
		"another namespace":           {pair(func(r, a *thing) { a.namespace = "stage" }), false},
		"another name":                {pair(func(r, a *thing) { a.name = "db" }), false},
		"another resource":            {pair(func(r, a *thing) { a.resource = "secrets" }), false},
		"another subresource":         {pair(func(r, a *thing) { a.resource = "pods/eviction" }), false},
		"a namespace in itself":       {pair(func(r, a *thing) { r.resource, a.resource, r.namespace = "namespaces", "namespaces", "" }), true},
		"a name that was made up":     {pair(func(r, a *thing) { r.name, a.name, a.made = "web-x1", "", "web-x1" }), true},
		"another one":                 {pair(func(r, a *thing) { r.name, a.name, a.made = "web-x1", "", "web-x2" }), false},
		"a name that nobody tells":    {pair(func(r, a *thing) { r.name, a.name = "web-x1", "" }), true},
		"a dry run":                   {pair(func(r, a *thing) { r.query, a.query = "dryRun=All", "dryRun=All" }), true},
		"a dry run and none":          {pair(func(r, a *thing) { r.query = "dryRun=All" }), false},
		"a dry run in the body":       {named(verbs("DELETE", "delete")[0], verbs("DELETE", "delete")[1], func(r, a *thing) { r.query, a.body = "", `{"dryRun":["All"]}`; r.body = a.body }), true},
		"and none there":              {named(verbs("DELETE", "delete")[0], verbs("DELETE", "delete")[1], func(r, a *thing) { r.body, a.body = `{"dryRun":["All"]}`, `{}` }), false},
		"a body that is not recorded": {named(verbs("DELETE", "delete")[0], verbs("DELETE", "delete")[1], func(r, a *thing) { r.body, a.level = `{"dryRun":["All"]}`, "Metadata" }), true},
		"the clock is ahead":          {pair(func(r, a *thing) { r.at = 1019 }), true},
		"too far":                     {pair(func(r, a *thing) { r.at = 1021 }), false},
		"the clock is behind":         {pair(func(r, a *thing) { r.at = -1000 }), true},
		"too far behind":              {pair(func(r, a *thing) { r.at = -1001 }), false},
		"a conflict, reviewed":        {pair(func(r, a *thing) { a.code = 409 }), true},
		"a conflict, before that":     {pair(func(r, a *thing) { a.code, r.at = 409, 30 }), false},
		"denied by a webhook":         {pair(func(r, a *thing) { a.code = 403 }), true},
		"forbidden":                   {pair(func(r, a *thing) { a.forbidden = true }), false},
		"a long request":              {pair(func(r, a *thing) { a.took, r.at = 3_600_000, 60_999 }), true},
		"later than any review":       {pair(func(r, a *thing) { a.took, r.at = 3_600_000, 61_001 }), false},
	} {
		t.Run(name, func(t *testing.T) {
			for i, second := range tt.pair {
				w := newWorld(t, Config{})
				w.take(nil, tt.pair[1-i])
				w.take(nil, second)
				want := ""
				if tt.want {
					want = map[bool]string{true: "r of a", false: "r"}[second.review]
				}
				assert.Equal(t, []string{want}, w.links[second.id], "second is %s", second.id)
				assert.Equal(t, []string{""}, w.links[tt.pair[1-i].id], "the first one is written already")
			}
		})
	}
}

// TestStages: all stages of a request get its review, whichever comes first.
func TestStages(t *testing.T) {
	started := func(x *thing) { x.stage, x.code, x.resource, x.verb = "ResponseStarted", 101, "pods/exec", "create" }
	exec := func(x *thing) { x.resource, x.verb = "pods/exec", "CONNECT" }
	ended := func(x *thing) { started(x); x.stage, x.took = "ResponseComplete", 600_000 }

	w := newWorld(t, Config{})
	w.take(nil, review("r", 5, exec))
	w.take(nil, request("a", 0, started, received, func(x *thing) { x.name = "web" }), request("a", 0, started))
	w.take(nil, review("s", 300_000, exec)) // another one, while the first goes on
	w.take(nil, request("a", 0, ended))
	assert.Equal(t, []string{"r", "r", "r"}, w.links["a"])
	assert.Equal(t, []string{""}, w.links["s"])

	w = newWorld(t, Config{}) // an API server that waits for the audit webhook
	w.take([]string{"early"}, request("a", 0, received))
	w.take([]string{"early", "more"}, review("r", 5))
	w.take([]string{"more"}, request("a", 0))
	assert.Equal(t, []string{"r of a"}, w.links["r"])
	assert.Equal(t, []string{"early"}, w.told["r"])
	assert.Equal(t, []string{"", "r"}, w.links["a"])
	assert.Equal(t, []string{"early", "more"}, w.told["a"])
	assert.EqualValues(t, 1, w.table.Counters().Joined)

	w = newWorld(t, Config{}) // as whom it acts is told later
	as := func(x *thing) { x.as = "root" }
	w.take(nil, request("a", 0, received))
	w.take(nil, review("r", 5, func(x *thing) { x.user = "root" }))
	w.take(nil, request("a", 0, as))
	assert.Equal(t, []string{"", "r"}, w.links["a"])
}

// TestReceivedOnly: a request that was received may be refused before it is reviewed, so it
// takes no review that could be another's.
func TestReceivedOnly(t *testing.T) {
	w := newWorld(t, Config{})
	w.take(nil, review("r", 5))
	w.take(nil, request("a", 0, received))
	assert.Equal(t, []string{"r"}, w.links["a"])

	w = newWorld(t, Config{})
	w.take(nil, request("a", 0, received), request("b", 2, received))
	w.take(nil, review("r", 5))
	assert.Equal(t, []string{""}, w.links["r"])
	w.take(nil, request("a", 0, func(x *thing) { x.forbidden = true }))
	w.take(nil, request("b", 2))
	assert.Equal(t, []string{"", ""}, w.links["a"])
	assert.Equal(t, []string{"", "r"}, w.links["b"])
	assert.EqualValues(t, 1, w.table.Counters().Ambiguous)
}

// TestAmbiguous: what several fit is left apart, but for what lies in the time of one of
// them; and what is joined is no choice any more.
func TestAmbiguous(t *testing.T) {
	other := func(x *thing) { x.content = "another" }
	w := newWorld(t, Config{})
	w.take(nil, review("r", 5), review("s", 15, other))
	w.take(nil, request("a", 0))
	w.take(nil, request("a", 0)) // a batch that is sent again gets no other answer
	assert.Equal(t, []string{"", ""}, w.links["a"])
	assert.EqualValues(t, 2, w.table.Counters().Ambiguous)

	w = newWorld(t, Config{})
	w.take(nil, review("r", 5), review("s", 105))
	w.take(nil, request("b", 100), request("a", 0))
	assert.Equal(t, []string{"s"}, w.links["b"])
	assert.Equal(t, []string{"r"}, w.links["a"])

	w = newWorld(t, Config{}) // the clock of the API server is half a second behind
	w.take(nil, review("r", 505))
	w.take(nil, request("a", 0))
	w.take(nil, review("s", 605))
	w.take(nil, request("b", 100))
	assert.Equal(t, []string{"r"}, w.links["a"])
	assert.Equal(t, []string{"s"}, w.links["b"])

	w = newWorld(t, Config{}) // of a collection
	w.take(nil, review("r", 5, func(x *thing) { x.verb = "DELETE" }), review("s", 6, func(x *thing) { x.verb, x.name = "DELETE", "db" }))
	w.take(nil, request("a", 0, func(x *thing) { x.verb, x.name = "deletecollection", "" }))
	assert.Equal(t, []string{""}, w.links["a"])
}

// TestAttempts: an API server that finds the object changed asks again within one request. Its
// event is joined with the last review, and all have told of it.
func TestAttempts(t *testing.T) {
	update := func(content string) func(*thing) {
		return func(x *thing) {
			x.content = content
			if x.review {
				x.verb = "UPDATE"
			} else {
				x.verb = "patch"
			}
		}
	}
	w := newWorld(t, Config{})
	w.take([]string{"x"}, review("r", 5, update("same")))
	w.take([]string{"x", "y"}, review("s", 15, update("same")))
	w.take([]string{"x", "y", "z"}, request("a", 0, update("")))
	assert.Equal(t, []string{"s"}, w.links["a"])
	assert.ElementsMatch(t, []string{"x", "y"}, w.told["a"])
	w.take(nil, request("b", 1, update("")))
	assert.Equal(t, []string{""}, w.links["b"], "both are taken")
	met, _ := w.meet(request("a", 0, update("")))
	assert.Equal(t, []string{"r"}, w.table.Link(met[0]).Attempts)

	w = newWorld(t, Config{})
	w.take(nil, review("r", 5, update("one")))
	w.take(nil, review("s", 15, update("another")))
	w.take(nil, request("a", 0, update("")))
	assert.Equal(t, []string{""}, w.links["a"])
	assert.EqualValues(t, 1, w.table.Counters().Ambiguous)
}

// TestConflictThatIsTriedAgain: the first attempt fails before it is reviewed.
func TestConflictThatIsTriedAgain(t *testing.T) {
	update := func(x *thing) { x.verb = "update" }
	w := newWorld(t, Config{})
	w.take(nil, review("r", 45, func(x *thing) { x.verb = "UPDATE" }))
	w.take(nil, request("a", 0, update, func(x *thing) { x.code = 409 }), request("b", 40, update))
	assert.Equal(t, []string{""}, w.links["a"])
	assert.Equal(t, []string{"r"}, w.links["b"])
}

// TestReviewThatComesTwice is one, and nobody takes it for two.
func TestReviewThatComesTwice(t *testing.T) {
	w := newWorld(t, Config{})
	w.take([]string{"x"}, review("r", 5))
	w.take([]string{"x"}, review("r", 6))
	w.take(nil, request("a", 0))
	assert.Equal(t, []string{"r"}, w.links["a"])
	assert.Equal(t, 1, w.table.Counters().Reviews)
}

// TestWhatIsNotOnDiskSuppressesNothing: of two that are on their way at once both are told.
func TestWhatIsNotOnDiskSuppressesNothing(t *testing.T) {
	w := newWorld(t, Config{})
	reviews, reviewed := w.meet(review("r", 5))
	requests, requested := w.meet(request("a", 0))
	w.keep(requests, requested, []string{"x"})
	assert.Equal(t, []string{"r"}, w.links["a"])
	assert.Empty(t, w.told["a"])
	w.keep(reviews, reviewed, []string{"x"}) // the log took it late
	assert.Equal(t, []string{"r of a"}, w.links["r"])
	assert.Equal(t, []string{"x"}, w.told["r"])

	w = newWorld(t, Config{}) // the log never took it
	w.meet(review("r", 5))
	w.take([]string{"x"}, request("a", 0))
	assert.Equal(t, []string{"r"}, w.links["a"])
	assert.Empty(t, w.told["a"])
}

// TestStrangers: what nothing proves to be an API server's is linked, and suppresses nothing.
func TestStrangers(t *testing.T) {
	for _, anybody := range []bool{false, true} {
		w := newWorld(t, Config{Anybody: anybody})
		w.take([]string{"x"}, review("r", 5, func(x *thing) { x.sender = "unauthenticated" }))
		w.take([]string{"x"}, request("a", 0))
		assert.Equal(t, []string{"r"}, w.links["a"])
		assert.Equal(t, anybody, len(w.told["a"]) > 0)
	}
}

// TestRestart: nothing is left of what was known, and what comes goes out.
func TestRestart(t *testing.T) {
	w := newWorld(t, Config{})
	w.take([]string{"x"}, review("r", 5))
	again := newWorld(t, Config{})
	again.take([]string{"x"}, request("a", 0))
	assert.Equal(t, []string{""}, again.links["a"])
}

// TestRemember: what was on disk before is a review as others, of which a rule has told.
func TestRemember(t *testing.T) {
	r := review("r", 5)
	e := &record.Event{Event: r.event(t), Source: record.SourceAdmission, Detections: []match.Detection{{Rule: &rules.Rule{Name: "x"}}, {Rule: &rules.Rule{Name: "x"}}}}
	w := newWorld(t, Config{})
	w.table.Remember(e)
	w.table.Remember(e)
	a := request("b", 0)
	w.table.Remember(&record.Event{Event: a.event(t), Source: record.SourceWebhook})
	assert.Equal(t, Counters{Reviews: 1}, w.table.Counters())
	w.take([]string{"x"}, request("a", 0))
	assert.Equal(t, []string{"r"}, w.links["a"])
	assert.Equal(t, []string{"x"}, w.told["a"])
}

// TestEviction: memory is bounded, and what made room is counted and left apart.
func TestEviction(t *testing.T) {
	w := newWorld(t, Config{Entries: 4})
	for i := range 10 {
		w.take(nil, review(fmt.Sprint("r", i), 10_000*i))
	}
	assert.Equal(t, Counters{Evicted: 6, Reviews: 4}, w.table.Counters())
	w.take(nil, request("old", -5))
	w.take(nil, request("new", 90_000-5))
	assert.Equal(t, []string{""}, w.links["old"])
	assert.Equal(t, []string{"r9"}, w.links["new"])
	w.now = noon.Add(DefaultKeep + time.Second)
	w.take(nil, request("later", 1_000_000))
	assert.Equal(t, Counters{Evicted: 6, Joined: 1, Requests: 1}, w.table.Counters(), "time evicts nothing")
	for i := range 2_000 {
		w.take(nil, review(fmt.Sprint("s", i), i), request(fmt.Sprint("b", i), i))
	}
	assert.Less(t, len(w.table.reviews.queue), 1500)
	assert.LessOrEqual(t, len(w.table.reviews.at), 4)
}

// TestNobodyAsked costs nothing.
func TestNobodyAsked(t *testing.T) {
	var none *Table
	a := request("a", 0)
	e := []*audit.Event{a.event(t)}
	assert.Zero(t, testing.AllocsPerRun(10, func() { require.Empty(t, none.Meet(record.SourceWebhook, e, nil)) }))
	assert.Zero(t, none.Counters())

	w := newWorld(t, Config{})
	read := request("a", 0, func(x *thing) { x.verb = "get" })
	events := []*audit.Event{read.event(t)}
	events[0].Root()
	assert.Zero(t, testing.AllocsPerRun(10, func() { require.Empty(t, w.table.Meet(record.SourceWebhook, events, nil)) }))
}

// TestEventsOfOthers: those that say nothing of an object, or are made of a review, are no requests.
func TestEventsOfOthers(t *testing.T) {
	w := newWorld(t, Config{})
	mutation := review("m", 1)
	for _, e := range []*audit.Event{mutation.event(t), {Raw: []byte(`{"verb":"create","user":{"username":"jane"}}`)}, {Raw: []byte(`{"verb":"create","objectRef":{"resource":"pods"},"user":{}}`)}} {
		assert.Empty(t, w.table.Meet(record.SourceWebhook, []*audit.Event{e}, nil))
	}
	a := request("a", 0)
	assert.Empty(t, w.table.Meet(record.SourceAdmission, []*audit.Event{a.event(t)}, nil))
}
