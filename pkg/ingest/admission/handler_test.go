package admission

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

func TestAnswers(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.MaxBody = 10 << 10 })
	good := reviewOf("u", "web")
	for _, tt := range []struct {
		name string
		r    *http.Request
		code int
		says string
	}{
		{"a review", request("/admission/prod", good), 200, `"uid":"u","allowed":true`},
		{"with parameters of the type", request("/admission/prod", good, "Content-Type", "application/json; charset=utf-8"), 200, `"allowed":true`},
		{"by the secret in the path", request("/admission/lab/"+pathSecret, good, "Authorization", ""), 200, `"allowed":true`},
		{"no credential", request("/admission/prod", good, "Authorization", ""), 401, "no valid credential"},
		{"of another cluster", request("/admission/lab", good), 403, "not for this cluster"},
		{"the webhook's path", request("/audit/prod", good), 404, "/admission/CLUSTER"},
		{"get", httptest.NewRequest(http.MethodGet, "/admission/prod", nil), 405, "only POST"},
		{"another type", request("/admission/prod", good, "Content-Type", "text/plain"), 415, "application/json"},
		{"no type", request("/admission/prod", good, "Content-Type", ""), 415, "application/json"},
		{"protobuf", request("/admission/prod", good, "Content-Type", "application/vnd.kubernetes.protobuf"), 415, "application/json"},
		{"compressed", request("/admission/prod", good, "Content-Encoding", "gzip"), 415, "not compressed"},
		{"no JSON", request("/admission/prod", "{"), 400, "admission: "},
		{"an older version", request("/admission/prod", strings.Replace(good, "k8s.io/v1", "k8s.io/v1beta1", 1)), 400, "admissionReviewVersions: [v1]"},
		{"too long", request("/admission/prod", reviewOf("u", strings.Repeat("x", 11<<10))), 413, "more than 10240 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do(tt.r)
			assert.Equal(t, tt.code, rec.Code)
			assert.Contains(t, rec.Body.String(), tt.says)
		})
	}
	w.finish(t)
	events, dead := w.log.events(t)
	assert.Len(t, events, 2, "the same review for two clusters; the second time it is known")
	assert.Equal(t, 2, dead)
	c := w.Counters()
	assert.EqualValues(t, 3, c.Answers[200])
	assert.EqualValues(t, 3, c.Allowed)
	assert.EqualValues(t, 2, c.Answers[400])
	assert.Zero(t, c.InHand)
	assert.Zero(t, c.Behind)
}

// TestLengthThatIsNotTold: bodies of unknown length are read up to the limit.
func TestLengthThatIsNotTold(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.MaxBody = 10 << 10 })
	for body, code := range map[string]int{reviewOf("u", "web"): 200, reviewOf("u", strings.Repeat("x", 11<<10)): 413} {
		r := request("/admission/prod", body)
		r.ContentLength = -1
		assert.Equal(t, code, w.do(r).Code)
	}
	r := request("/admission/prod", reviewOf("u", "web"))
	r.ContentLength++
	assert.Equal(t, 400, w.do(r).Code)
	assert.Zero(t, w.Counters().InHand)
}

// TestThreeMegabytes: an object as large as an API server takes, and the one before it.
func TestThreeMegabytes(t *testing.T) {
	w := newWorld(t, nil)
	big := `{"kind":"ConfigMap","data":{"x":"` + strings.Repeat("y", 3<<20) + `"}}`
	body := strings.Replace(reviewOf("u", "web"), `{"kind":"Pod"}`, big+`,"oldObject":`+big, 1)
	assert.True(t, decided(t, w.do(request("/admission/prod", body))).Allowed)
	events, _ := w.log.events(t)
	require.Len(t, events, 1)
	assert.Len(t, events[0].Event.Root().Path("oldObject", "data", "x").Text(), 3<<20)
}

func TestVerdicts(t *testing.T) {
	w := newWorld(t, nil)
	assert.Equal(t, decision{UID: "1", Allowed: true}, w.ask(t, "1", "web"))
	assert.Equal(t, decision{UID: "2", Allowed: true, Warnings: []string{"mind the gap"}}, w.ask(t, "2", "warned"))
	assert.Equal(t, decision{UID: "3", Status: &status{"Failure", "no such thing here", "Forbidden", 403}}, w.ask(t, "3", "denied"))
	assert.False(t, w.ask(t, "3", "denied").Allowed, "what is known already is denied again")
	events, _ := w.log.events(t)
	var got []string
	for _, e := range events {
		got = append(got, e.Event.Root().Path("annotations", ours+"verdict").Text()+": "+e.Event.Answer().Sentence())
		assert.Equal(t, Source, e.Source)
		assert.Equal(t, "token", e.Event.Root().Path("annotations", ours+"sender").Text())
		assert.Equal(t, fmt.Sprintf("%x", "review"), e.Ruleset)
	}
	assert.Equal(t, []string{
		`: jane (person) was allowed to create pod shop/web: the result is not recorded`,
		`warn: jane (person) was allowed to create pod shop/warned: the result is not recorded`,
		`deny: jane (person) was refused creating pod shop/denied by admission`,
	}, got)
	c := w.Counters()
	assert.EqualValues(t, []uint64{2, 1, 2}, []uint64{c.Allowed, c.Warned, c.Denied})
}

// TestUnauthenticated: what nothing proves is taken where it is allowed, and marked.
func TestUnauthenticated(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.Open = true })
	assert.True(t, decided(t, w.do(request("/admission/prod", reviewOf("1", "web"), "Authorization", ""))).Allowed)
	assert.Equal(t, 403, w.do(request("/admission/nowhere", reviewOf("2", "web"))).Code)
	events, _ := w.log.events(t)
	require.Len(t, events, 1)
	assert.Equal(t, Unauthenticated, events[0].Event.Root().Path("annotations", ours+"sender").Text())
	local := newWorld(t, func(c *Config, _ *ingest.Config) { c.Open, c.Local = true, true })
	assert.Equal(t, 403, local.do(request("/admission/prod", reviewOf("1", "web"))).Code, "asked for as example.com")
}

// TestDefectOfTheJudgeAllows: and the event is kept, by the intake's own judge.
func TestDefectOfTheJudgeAllows(t *testing.T) {
	w := newWorld(t, nil)
	assert.Equal(t, decision{UID: "1", Allowed: true}, w.ask(t, "1", "fatal"))
	events, _ := w.log.events(t)
	require.Len(t, events, 1)
	assert.Equal(t, fmt.Sprintf("%x", "intake"), events[0].Ruleset)
	assert.EqualValues(t, 1, w.Counters().Faults)
}

// TestSlowDisk: the API server is not made to wait, the event is stored all the same.
func TestSlowDisk(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.Deadline = time.Millisecond })
	w.log.gate = make(chan struct{})
	assert.True(t, w.ask(t, "1", "web").Allowed)
	assert.False(t, w.ask(t, "2", "denied").Allowed)
	c := w.Counters()
	assert.EqualValues(t, 2, c.Late)
	assert.EqualValues(t, 1, c.Unproved)
	assert.Equal(t, 2, c.Behind)
	close(w.log.gate)
	w.finish(t)
	events, _ := w.log.events(t)
	assert.Len(t, events, 2)
	assert.Zero(t, w.Counters().Behind)
}

// TestSlowDiskAndLittlePatience: an API server that gives up soon is answered before.
func TestSlowDiskAndLittlePatience(t *testing.T) {
	w := newWorld(t, nil) // its own deadline is a minute
	w.log.gate = make(chan struct{})
	assert.True(t, decided(t, w.do(request("/admission/prod?timeout=2ms", reviewOf("1", "web")))).Allowed)
	assert.EqualValues(t, 1, w.Counters().Late)
	close(w.log.gate)
	w.finish(t)
}

// TestNoRoomBehindAnswers: what cannot be kept waiting is answered and counted.
func TestNoRoomBehindAnswers(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.Deadline, c.Behind = time.Millisecond, 1 })
	w.log.gate = make(chan struct{})
	assert.True(t, w.ask(t, "1", "web").Allowed)
	assert.True(t, w.ask(t, "2", "web").Allowed)
	assert.False(t, w.ask(t, "3", "denied").Allowed, "it is denied all the same")
	c := w.Counters()
	assert.EqualValues(t, 2, c.Lost[LostRoom])
	assert.EqualValues(t, 1, c.Unproved)
	close(w.log.gate)
	w.finish(t)
	events, _ := w.log.events(t)
	assert.Len(t, events, 1)
}

func TestFullLogAllowsAndCounts(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.Patience = time.Millisecond })
	w.log.err = spool.Full{Reason: spool.FullDisk}
	assert.True(t, w.ask(t, "1", "web").Allowed)
	assert.False(t, w.ask(t, "2", "denied").Allowed)
	c := w.Counters()
	assert.EqualValues(t, 2, c.Lost[LostLog])
	assert.EqualValues(t, 1, c.Unproved)
}

// TestCloseEndsTrying: a service that ends does not wait for a log that takes nothing.
func TestCloseEndsTrying(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *ingest.Config) { c.Deadline, c.Patience = time.Millisecond, time.Hour })
	w.log.err = spool.Full{Reason: spool.FullDisk}
	assert.True(t, w.ask(t, "1", "web").Allowed)
	w.finish(t)
	assert.EqualValues(t, 1, w.Counters().Lost[LostClosing])
}

// TestRateOfReviews: what is beyond the cluster's rate is answered, counted and not stored.
func TestRateOfReviews(t *testing.T) {
	w := newWorld(t, func(_ *Config, in *ingest.Config) {
		in.Clusters = []ingest.Cluster{{Name: "prod", EventsPerSecond: 1, Burst: 2}}
	})
	for i := range 5 {
		assert.True(t, w.ask(t, fmt.Sprint(i), "web").Allowed)
	}
	events, _ := w.log.events(t)
	assert.Len(t, events, 2)
	assert.EqualValues(t, 3, w.Counters().Lost[LostRate])
}

// TestReviewsAtOnceAreStoredOnce: of a review that comes many times at once.
func TestReviewsAtOnceAreStoredOnce(t *testing.T) {
	w := newWorld(t, nil)
	done := make(chan bool)
	for range 20 {
		go func() {
			rec := w.do(request("/admission/prod", reviewOf("same", "web")))
			done <- strings.Contains(rec.Body.String(), `"allowed":true`)
		}()
	}
	for range 20 {
		assert.True(t, <-done)
	}
	events, _ := w.log.events(t)
	assert.Len(t, events, 1)
}

func TestLinesForPeople(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "two\nlines\t": "two lines ", "\x1b[31mred\u202e": "\ufffd[31mred\ufffd", "": "",
	} {
		assert.Equal(t, want, line(in, 100))
	}
	for size := 200; size < 300; size++ {
		got := line(strings.Repeat("ä€😀", 40)[:size/9*9]+strings.Repeat("x", size%9), maxWarning)
		assert.LessOrEqual(t, len(got), maxWarning)
		assert.True(t, utf8.ValidString(got), "%q", got)
	}
	var many []string
	for range 100 {
		many = append(many, strings.Repeat("w", 1000))
	}
	sum := 0
	for _, w := range decided(t, recorded(answerOf("u", Verdict{Warnings: many}))).Warnings {
		assert.Len(t, w, maxWarning)
		sum += len(w)
	}
	assert.Equal(t, maxWarnings, sum)
}

func recorded(body []byte) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	_, _ = rec.Write(body)
	return rec
}
