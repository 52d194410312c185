package search

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// step is a request about the object of the tests: what its review has, and what the audit log.
type step struct {
	operation   string // "" : nobody asked
	old, object string // of the review
	audit       string // members of the audit event; "": there is none
	apart       bool   // both are there, and were not joined
	attempt     string // object of a review before, of an attempt that the API server began again
}

// reviewedSteps stores what comes of steps, two seconds apart.
func reviewedSteps(t *testing.T, steps ...step) *Searcher {
	t.Helper()
	redactor, err := redact.New(redact.Config{})
	require.NoError(t, err)
	var rows []store.Row
	add := func(source, text string, at time.Time, link *record.Link) {
		e, err := audit.NewReader(strings.NewReader(text), "made", audit.Limits{}).Next()
		require.NoError(t, err, text)
		r := &record.Event{ID: e.Identity(), Source: source, Received: at, Link: link}
		if link != nil {
			e.Review = link.Review
		}
		if source == record.SourceAdmission {
			r.ID = record.ReviewIdentity("prod", e.AuditID)
		}
		r.Event, r.Redacted = redactor.Redacted(e)
		r.Event.Cluster = "prod"
		rows = append(rows, row.Encode(r))
	}
	const ref = `"objectRef":{"resource":"configmaps","namespace":"shop","name":"web","apiVersion":"v1"}`
	begin := beginning()
	for i, x := range steps {
		uid, at := fmt.Sprint("uid-", i), begin.Add(time.Duration(2*i)*time.Second)
		head := func(id string, after time.Duration) string {
			return fmt.Sprintf(`{"kind":"Event","auditID":%q,"stage":"ResponseComplete","stageTimestamp":%q,"requestReceivedTimestamp":%q,"requestURI":"/","user":{"username":"alice"},%s`,
				id, at.Add(after).Format(time.RFC3339Nano), at.Format(time.RFC3339Nano), ref)
		}
		var link *record.Link
		if x.operation != "" {
			verb := map[string]string{"CREATE": "create", "UPDATE": "update", "DELETE": "delete"}[x.operation]
			more := ""
			if x.object != "" {
				more += `,"requestObject":` + x.object
			}
			if x.old != "" {
				more += `,"oldObject":` + x.old
			}
			add(record.SourceAdmission, head(uid, 100*time.Millisecond)+fmt.Sprintf(`,"level":"Request","verb":%q%s,"annotations":{"authorization.k8s.io/decision":"allow","admission.kubewitness.io/uid":%q,"admission.kubewitness.io/operation":%q}}`,
				verb, more, uid, x.operation), at, nil)
			if x.attempt != "" {
				add(record.SourceAdmission, strings.Replace(head(uid+"-before", 50*time.Millisecond), `"objectRef"`, fmt.Sprintf(`"level":"Request","verb":%q,"requestObject":%s,"oldObject":%s,`+
					`"annotations":{"authorization.k8s.io/decision":"allow","admission.kubewitness.io/uid":%q,"admission.kubewitness.io/operation":%q},"objectRef"`, verb, x.attempt, x.attempt, uid+"-before", x.operation), 1)+"}", at, nil)
			}
			link = &record.Link{Review: uid, At: at.Add(100 * time.Millisecond)}
		}
		if x.attempt != "" {
			link.Attempts = []string{uid + "-before"}
		}
		if x.apart {
			link = nil
		}
		if x.audit != "" {
			add("webhook", head(fmt.Sprint("id-", i), 200*time.Millisecond)+","+x.audit+"}", at, link)
		}
	}
	db, err := store.Open(store.Config{Dir: t.TempDir(), FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	_, err = db.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, db.Sync(t.Context()))
	return New(Config{Store: db, Now: time.Now})
}

var theMap = ObjectRef{Cluster: "prod", Resource: "configmaps", Namespace: "shop", Name: "web"}

func answered(verb string, code int, level string) string {
	return fmt.Sprintf(`"verb":%q,"level":%q,"responseStatus":{"code":%d},"annotations":{"authorization.k8s.io/decision":"allow"}`, verb, level, code)
}

// TestHistoryOfReviews: what admission alone shows: true differences, since a review has the
// object before, whatever came between.
func TestHistoryOfReviews(t *testing.T) {
	one, two, three := configMap("u1", `"a":"1"`), configMap("u1", `"a":"2"`), configMap("u1", `"a":"2","b":"3"`)
	s := reviewedSteps(t,
		step{operation: "CREATE", object: one},
		step{operation: "UPDATE", old: two, object: three}, // from 1 to 2 nobody saw
		step{operation: "DELETE", old: three},
		step{operation: "CREATE", object: configMap("u2", `"password":"x"`)},
		step{operation: "UPDATE", old: configMap("u2", `"password":"x"`), object: configMap("u2", `"password":"y","a":"1"`)},
		step{operation: "DELETE", old: strings.Replace(one, `"uid"`, `"finalizers":["f"],"uid"`, 1)},
	)
	h := history(t, s, local, HistoryRequest{Object: theMap})
	heldTo(t, "history-reviews.golden", printed(h))
	require.Len(t, h.Entries, 6)
	assert.Equal(t, h.Entries[1].ID, h.Entries[1].Against, "the state before stands in the review itself")
	assert.Equal(t, []string{"/data/password"}, h.Entries[4].Redacted)
	assert.Equal(t, "u1", h.Entries[2].UID)
	assert.True(t, h.Entries[2].Deleted)
	assert.False(t, h.Entries[5].Deleted, "it waits for its finalizers")
}

// TestHistoryOfJoinedEvents: a review and the audit event of its request are one change, told
// as the audit log has it, with the objects of the review where the log has none.
func TestHistoryOfJoinedEvents(t *testing.T) {
	one, two, three := configMap("u1", `"a":"1"`), configMap("u1", `"a":"2"`), configMap("u1", `"a":"2","b":"3"`)
	steps := []step{
		{operation: "CREATE", object: one, audit: answered("create", 201, "Metadata")},
		{operation: "UPDATE", old: one, object: two, audit: answered("patch", 200, "Metadata")},
		{operation: "UPDATE", old: two, object: three, audit: answered("update", 200, "RequestResponse") + `,"responseObject":` + three},
		{operation: "UPDATE", old: three, object: one, audit: answered("update", 409, "Metadata")},
		{operation: "DELETE", old: three, audit: answered("delete", 200, "Metadata")},
	}
	s := reviewedSteps(t, steps...)
	h := history(t, s, local, HistoryRequest{Object: theMap})
	heldTo(t, "history-joined.golden", printed(h))
	require.Len(t, h.Entries, len(steps))
	assert.Equal(t, len(steps), h.Folded)
	for i, e := range h.Entries {
		assert.Equal(t, "webhook", e.Event.Source)
		require.NotNil(t, e.Review, i)
		assert.Equal(t, record.SourceAdmission, e.Review.Event.Source)
	}

	var pages []HistoryEntry // page by page, the two of a request on two pages as well
	for r := (HistoryRequest{Object: theMap, Limit: 1}); ; {
		page := history(t, s, local, r)
		pages = append(page.Entries, pages...)
		if r.After = page.Next; r.After == "" {
			break
		}
	}
	require.Len(t, pages, len(steps))
	for i := range pages {
		assert.Equal(t, h.Entries[i].ID, pages[i].ID)
		assert.Equal(t, h.Entries[i].Changes, pages[i].Changes, "entry %d", i)
		assert.Equal(t, string(h.Entries[i].State), string(pages[i].State), "entry %d", i)
	}

	to := h.Entries[2].Event.Event.Time // the time asked for ends between the two of a request
	before := history(t, s, local, HistoryRequest{Object: theMap, To: to})
	assert.Len(t, before.Entries, 2)
	assert.Equal(t, "Metadata", before.Entries[1].Event.Event.Root().Get("level").Text())
}

// TestHistoryOfAttempts: what an API server begins again is one change, the one of the last attempt.
func TestHistoryOfAttempts(t *testing.T) {
	one, two := configMap("u1", `"a":"1"`), configMap("u1", `"a":"2"`)
	s := reviewedSteps(t, step{operation: "UPDATE", old: one, object: two, attempt: configMap("u1", `"a":"0"`), audit: answered("patch", 200, "Metadata")})
	h := history(t, s, local, HistoryRequest{Object: theMap})
	require.Len(t, h.Entries, 1)
	assert.Equal(t, 2, h.Folded)
	assert.Equal(t, "uid-0", h.Entries[0].Review.Answer.What.ReviewUID)
	require.Len(t, h.Entries[0].Changes.Changes, 1)
	assert.Equal(t, `"1"`, string(h.Entries[0].Changes.Changes[0].Old))
}

// TestHistoryOfEventsLeftApart: nobody knows that they are of one request, so both are told.
func TestHistoryOfEventsLeftApart(t *testing.T) {
	s := reviewedSteps(t, step{operation: "CREATE", object: configMap("u1", ""), audit: answered("create", 201, "Metadata"), apart: true})
	h := history(t, s, local, HistoryRequest{Object: theMap})
	assert.Len(t, h.Entries, 2)
	assert.Zero(t, h.Folded)
}
