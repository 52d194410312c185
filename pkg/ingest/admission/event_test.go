package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/diff"
	"github.com/kubewitness/kubewitness/pkg/redact"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC)

var origin = Origin{Cluster: "prod", Sender: "certificate", Received: noon}

// example is a review with what becomes of it.
type example struct {
	file   string
	review []byte
	parts  *txtar.Archive
}

func examples(t testing.TB) (all []example) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "reviews", "*.txtar"))
	require.NoError(t, err)
	require.Greater(t, len(files), 15)
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		require.Equal(t, "review", a.Files[0].Name)
		all = append(all, example{file, bytes.TrimSpace(a.Files[0].Data), a})
	}
	return all
}

// TestReviewsBecomeEvents compares with golden files: the event, and its sentence.
func TestReviewsBecomeEvents(t *testing.T) {
	for _, x := range examples(t) {
		e, err := Event(x.review, origin)
		require.NoError(t, err, x.file)
		var pretty bytes.Buffer
		require.NoError(t, json.Indent(&pretty, e.Raw, "", "  "))
		made := []txtar.File{
			{Name: "event", Data: append(pretty.Bytes(), '\n')},
			{Name: "sentence", Data: []byte(e.Answer().Sentence() + "\n")},
		}
		if *update {
			x.parts.Files = append(x.parts.Files[:1], made...)
			require.NoError(t, os.WriteFile(x.file, txtar.Format(x.parts), 0o644))
			continue
		}
		require.Len(t, x.parts.Files, 3, x.file)
		for i, f := range made {
			assert.Equal(t, string(x.parts.Files[i+1].Data), string(f.Data), "%s: %s; -update writes it anew", x.file, f.Name)
		}
	}
}

func TestIdentityIsThatOfTheReview(t *testing.T) {
	review := func(uid, name string) []byte {
		return fmt.Appendf(nil, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":%q,"operation":"DELETE","name":%q,"resource":{"version":"v1","resource":"pods"}}}`, uid, name)
	}
	id := func(body []byte, o Origin) audit.Identity {
		e, err := Event(body, o)
		require.NoError(t, err)
		return e.Identity()
	}
	first := id(review("u", "a"), origin)
	later := origin
	later.Received, later.Sender = noon.Add(time.Second), Unauthenticated
	assert.Equal(t, first, id(review("u", "a"), later), "sent again")
	elsewhere := origin
	elsewhere.Cluster = "lab"
	assert.NotEqual(t, first, id(review("u", "a"), elsewhere))
	assert.NotEqual(t, first, id(review("v", "a"), origin))
}

func TestMalformedReviews(t *testing.T) {
	request := func(s string) string {
		return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":` + s + `}`
	}
	const pods = `"resource":{"version":"v1","resource":"pods"}`
	for _, tt := range []struct {
		name, body string
		reason     audit.Reason
		says       string
	}{
		{"nothing", ``, audit.ReasonSyntax, ""},
		{"no JSON", `{"kind":`, audit.ReasonSyntax, ""},
		{"two of them", request(`{}`) + request(`{}`), audit.ReasonSyntax, ""},
		{"a text", `"AdmissionReview"`, audit.ReasonKind, "admissionReviewVersions: [v1]"},
		{"an older version", strings.Replace(request(`{}`), "k8s.io/v1", "k8s.io/v1beta1", 1), audit.ReasonKind, `apiVersion "admission.k8s.io/v1beta1"`},
		{"another kind", `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}`, audit.ReasonKind, `kind "EventList"`},
		{"no request", request(`null`), audit.ReasonType, "no request"},
		{"no uid", request(`{}`), audit.ReasonType, "request.uid"},
		{"a long uid", request(`{"uid":"` + strings.Repeat("x", maxUID+1) + `"}`), audit.ReasonType, "request.uid"},
		{"no operation", request(`{"uid":"u"}`), audit.ReasonType, "request.operation"},
		{"no resource", request(`{"uid":"u","operation":"CREATE"}`), audit.ReasonType, "request.resource"},
		{"an object that is none", request(`{"uid":"u","operation":"CREATE",` + pods + `,"object":[1]}`), audit.ReasonType, "request.object"},
		{"too deep", request(`{"uid":"u","operation":"CREATE",` + pods + `,"object":{"a":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + `}}`), audit.ReasonSyntax, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Event([]byte(tt.body), origin)
			var bad *Malformed
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, tt.reason, bad.Reason, "%v", err)
			assert.ErrorContains(t, err, tt.says)
		})
	}
}

// TestVerdictIsAnAnnotation: in the event itself, and in nothing that has lost its own.
func TestVerdictIsAnAnnotation(t *testing.T) {
	for _, x := range examples(t) {
		e, err := Event(x.review, origin)
		require.NoError(t, err)
		before := string(e.Raw)
		raw := annotate(e.Raw, "verdict", verdictDeny)
		assert.Equal(t, before, string(e.Raw))
		v, err := audit.ParseValue(raw)
		require.NoError(t, err, "%s: %s", x.file, raw)
		assert.Equal(t, verdictDeny, v.Path("annotations", ours+"verdict").Text())
		assert.Equal(t, len(before)+len(`,"admission.kubewitness.io/verdict":"deny"`), len(raw))
	}
	for _, raw := range []string{`"__REDACTED__"`, `{"kind":"Event","stageTimestamp":"x"}`, `{}`} {
		assert.Equal(t, raw, string(annotate([]byte(raw), "verdict", "deny")))
	}
}

// TestObjectBefore: it gives the diff of a change, and none of its secrets is stored.
func TestObjectBefore(t *testing.T) {
	event := func(name string) *audit.Event {
		a, err := txtar.ParseFile(filepath.Join("testdata", "reviews", name+".txtar"))
		require.NoError(t, err)
		e, err := Event(a.Files[0].Data, origin)
		require.NoError(t, err)
		return e
	}
	root := event("deployment-updated").Root()
	assert.Equal(t, []diff.Change{{Pointer: "/spec/replicas", Op: diff.Changed, Old: json.RawMessage("1"), New: json.RawMessage("3")}},
		diff.Objects(root.Get("oldObject"), root.Get("requestObject"), diff.Options{}).Changes)
	r, err := redact.New(redact.Config{})
	require.NoError(t, err)
	stored, paths := r.Redacted(event("secret-deleted"))
	assert.Equal(t, []string{"/oldObject/data/password"}, paths)
	assert.NotContains(t, string(stored.Raw), "aHVudGVyMg==")
}

// FuzzEvent holds that no bytes make the conversion panic, and that what comes out is an
// event on one line, the same each time, with what it was made of.
func FuzzEvent(f *testing.F) {
	for _, x := range examples(f) {
		f.Add(x.review)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := Event(body, origin)
		if err != nil {
			require.True(t, errors.As(err, new(*Malformed)), "%v", err)
			return
		}
		require.True(t, json.Valid(e.Raw), "%s", e.Raw)
		require.False(t, bytes.ContainsAny(e.Raw, "\n\r"), "%s", e.Raw)
		again, err := audit.NewReader(bytes.NewReader(e.Raw), "fuzz", audit.Limits{}).Next()
		require.NoError(t, err)
		require.Equal(t, noon.Truncate(time.Microsecond), again.Time)
		v, err := audit.ParseValue(body)
		require.NoError(t, err)
		request := v.Get("request")
		require.Equal(t, request.Get("uid").Text(), e.AuditID)
		if old := request.Get("oldObject"); old.Kind() == audit.Object {
			require.Equal(t, string(old.Compact()), string(again.Root().Get("oldObject").Compact()))
		}
		_ = e.Answer().Sentence()
		_, err = audit.ParseValue(annotate(e.Raw, "verdict", verdictWarn))
		require.NoError(t, err)
	})
}
