package join

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// thing is a review, or an event of a request, as the tests write it.
type thing struct {
	id        string // uid, or audit ID
	review    bool
	verb      string // CREATE and so on of a review
	user, as  string // jane where empty; as whom
	resource  string // pods where empty; with subresource
	namespace string
	name      string
	made      string // name in the answer
	at        int    // ms after noon: received, or reviewed
	took      int    // ms until the stage
	stage     string // ResponseComplete where empty
	code      int    // 201 where 0
	forbidden bool
	query     string
	body      string // requestObject
	content   string // of one that is made where there is no body
	level     string
	sender    string // of a review: certificate where empty
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// event makes the event, as it comes out of pkg/ingest/admission or an API server.
func (x *thing) event(t testing.TB) *audit.Event {
	t.Helper()
	const micro = "2006-01-02T15:04:05.000000Z"
	resource, sub, _ := strings.Cut(or(x.resource, "pods"), "/")
	ref := fmt.Sprintf(`"objectRef":{"resource":%q,"subresource":%q,"namespace":%q,"name":%q}`, resource, sub, x.namespace, x.name)
	var b strings.Builder
	fmt.Fprintf(&b, `{"kind":"Event","auditID":%q,"level":%q,"user":{"username":%q},%s,"requestURI":"/x?%s","requestReceivedTimestamp":%q,"stageTimestamp":%q`,
		x.id, or(x.level, "Request"), or(x.user, "jane"), ref, x.query, at(x.at).Format(micro), at(x.at+x.took).Format(micro))
	if x.as != "" {
		fmt.Fprintf(&b, `,"impersonatedUser":{"username":%q}`, x.as)
	}
	if x.content != "" && x.body == "" {
		fmt.Fprintf(&b, `,"requestObject":{"data":%q,"metadata":{"labels":{"a":"b"},"resourceVersion":"%d","generation":%d}}`, x.content, x.at, x.at)
	}
	if x.body != "" {
		fmt.Fprintf(&b, `,"requestObject":%s`, x.body)
	}
	if x.made != "" {
		fmt.Fprintf(&b, `,"responseObject":{"metadata":{"name":%q}}`, x.made)
	}
	if x.review {
		verb := map[string]string{"CREATE": "create", "UPDATE": "update", "DELETE": "delete", "CONNECT": "create"}[x.verb]
		fmt.Fprintf(&b, `,"stage":"ResponseComplete","verb":%q,"annotations":{"authorization.k8s.io/decision":"allow","admission.kubewitness.io/uid":%q,"admission.kubewitness.io/operation":%q,"admission.kubewitness.io/sender":%q}}`,
			verb, x.id, x.verb, or(x.sender, "certificate"))
	} else {
		stage, decision, code := or(x.stage, "ResponseComplete"), "allow", x.code
		if x.forbidden {
			decision, code = "forbid", 403
		}
		if code == 0 {
			code = 201
		}
		fmt.Fprintf(&b, `,"stage":%q,"verb":%q`, stage, x.verb)
		if stage != "RequestReceived" {
			fmt.Fprintf(&b, `,"responseStatus":{"code":%d},"annotations":{"authorization.k8s.io/decision":%q}`, code, decision)
		}
		b.WriteString("}")
	}
	e, err := audit.Converted{Raw: []byte(b.String()), Cluster: "prod"}.Event()
	require.NoError(t, err, b.String())
	return e
}

// world is a table and what came of what it was given.
type world struct {
	t     testing.TB
	table *Table
	now   time.Time
	links map[string][]string // by the id of an event: the review of each of its events that were linked, "" for none
	told  map[string][]string // rules left out of it
}

func newWorld(t testing.TB, cfg Config) *world {
	w := &world{t: t, now: noon, links: map[string][]string{}, told: map[string][]string{}}
	cfg.Now = func() time.Time { return w.now }
	w.table = New(cfg)
	return w
}

// take gives the table things of one body, which are then on disk with these rules.
func (w *world) take(rules []string, things ...thing) {
	w.t.Helper()
	met, events := w.meet(things...)
	w.keep(met, events, rules)
}

func (w *world) meet(things ...thing) ([]Meeting, []*audit.Event) {
	source, events := record.SourceWebhook, []*audit.Event(nil)
	for i := range things {
		if things[i].review {
			source = record.SourceAdmission
		}
		events = append(events, things[i].event(w.t))
	}
	return w.table.Meet(source, events, nil), events
}

func (w *world) keep(met []Meeting, events []*audit.Event, rules []string) {
	got := map[int]*record.Link{}
	for _, m := range met {
		got[m.Index] = w.table.Link(m)
		w.table.Kept(m, rules)
	}
	for i, e := range events {
		review := ""
		if l := got[i]; l != nil {
			review = l.Review
			if l.Audit != "" {
				review += " of " + l.Audit
			}
			w.told[e.AuditID] = append(w.told[e.AuditID], l.Told...)
		}
		w.links[e.AuditID] = append(w.links[e.AuditID], review)
	}
}
