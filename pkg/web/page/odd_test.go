package page

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// hostile are strings that somebody would like to be more than text.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	`javascript:alert(1)`,
	`</title></style></textarea></pre><svg onload=alert(1)>`,
	`{{.}}<!-- ]]> -->`,
	"gpj.\u202eexe\u2066\u200b",
	"line\nbreak\r\ttab",
	"nul\x00esc\x1b[31mbell\x07",
	`a" or ka.verb = "get`,
	`a&b=c#d?e%2f+ f`,
	"e\u0301\u0301\u0301\u0301\u0301\u0301",
	"http://evil.example/",
	"//evil.example/",
	strings.Repeat("A", 64<<10),
	strings.Repeat("<b>\u202e", 9<<10),
}

// odd are events with hostile strings in every place that a page shows.
func odd(t testing.TB) (events []*audit.Event) {
	for i, s := range hostile {
		b, err := json.Marshal(s)
		require.NoError(t, err)
		q := string(b)
		events = append(events, made(t, 100+i, fmt.Sprintf(`"verb":"create","user":{"username":%[1]s,"uid":%[1]s,"groups":[%[1]s,"system:authenticated"],"extra":{"authentication.kubernetes.io/pod-name":[%[1]s]}},`+
			`"impersonatedUser":{"username":%[1]s,"groups":[%[1]s]},"sourceIPs":[%[1]s,"203.0.113.9"],"userAgent":%[1]s,"requestURI":%[1]s,`+
			`"objectRef":{"resource":"pods","subresource":"exec","namespace":%[1]s,"name":%[1]s,"apiVersion":"v1","apiGroup":""},`+
			`"responseStatus":{"code":403,"status":"Failure","reason":%[1]s,"message":%[1]s},"annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":%[1]s,%[1]s:"x"},`+
			`"requestObject":{"spec":{"containers":[{"name":%[1]s,"image":%[1]s,"command":[%[1]s]}]},"data":{%[1]s:"__REDACTED__"}}`, q)))
		events[i].Cluster = "odd"
	}
	events = append(events, made(t, 99, `"verb":"get","requestURI":"/x"`))
	return events
}

// TestStringsFromEventsStayText: parseDocument accepts nothing but the tags and
// attributes of our templates, and no character that does not show.
func TestStringsFromEventsStayText(t *testing.T) {
	notUnderRace(t)
	r := newRig(t, odd(t)...)
	lists := []string{"/", "/?show=events", "/?show=events&each=true&q=ka.verb+%3D+create"}
	for _, path := range lists {
		d := r.page(path)
		assert.Zero(t, d.Tags["script"]+d.Tags["img"])
		assert.Less(t, len(d.Source), 1<<20, path)
	}
	stride := 7
	if underRace {
		stride = 61
	}
	for i, id := range r.ids("") {
		if underRace && i%6 != 0 {
			continue
		}
		d := r.page("/event/" + id)
		assert.Less(t, len(d.Source), 4<<20)
		for j, link := range d.Links {
			if (i+j)%stride == 0 {
				r.follow(link)
			}
		}
	}
	d := r.page("/event/" + r.ids(equals("ka.user.name", hostile[0]))[0])
	assert.Contains(t, d.Text, hostile[0])
	d = r.page("/event/" + r.ids(equals("ka.user.name", hostile[6]))[0])
	assert.Contains(t, d.Text, `gpj.\u202eexe\u2066\u200b`)
}

// follow takes a link of any kind.
func (r *rig) follow(path string) {
	r.t.Helper()
	if w := r.get(path); strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		require.Equal(r.t, 200, w.Code, path)
		parseDocument(r.t, w.Body.String())
	}
}

// TestAddressesStayText: what stands in the address of a page comes back as text, too.
func TestAddressesStayText(t *testing.T) {
	notUnderRace(t)
	r := newRig(t, odd(t)...)
	names := []string{"q", "text", "since", "from", "to", "cluster", "rule", "priority", "show", "after"}
	for i, s := range hostile {
		for j, name := range names {
			if (i+j)%3 > 0 {
				continue // each kind of string in some parameters
			}
			q := query{Condition: s}.values()
			q.Del("q")
			q.Set(name, s)
			w := r.get("/?" + q.Encode())
			assert.Less(t, w.Code, 500, "%s %.40q", name, s)
			parseDocument(t, w.Body.String())
		}
	}
}

func TestClauseFindsTheUserWhateverTheName(t *testing.T) {
	notUnderRace(t)
	r := newRig(t, odd(t)...)
	for _, s := range hostile {
		if askable(s) {
			assert.Len(t, r.ids(equals("ka.user.name", s)), 1, "%.40q", s)
		}
	}
}

// notUnderRace leaves a test to the runs without the race detector, which takes ten times as
// long: it asks for hundreds of pages, one after the other, of which the other tests ask for
// some.
func notUnderRace(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("one page after the other")
	}
}
