package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answered builds an event from its JSON, without a Reader, and answers it.
func answered(t testing.TB, raw []byte) Answer {
	t.Helper()
	_, err := ParseValue(raw)
	require.NoError(t, err)
	e := Event{Raw: raw}
	return e.Answer()
}

// recorded answers one of the events in testdata/answers: what a real API server (1.35) logged, without managed fields
// and tokens, and with lists cut to two items.
func recorded(t testing.TB, name string) Answer {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "answers", name+".json"))
	require.NoError(t, err)
	return answered(t, raw)
}

// TestAnswerGolden holds the whole answer to each recorded event, sentence and data.
func TestAnswerGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			e := json.NewEncoder(&got)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			require.NoError(t, e.Encode(recorded(t, name)))
			golden(t, filepath.Join("testdata", "answers", name+".golden"), got.Bytes())
		})
	}
}

// golden compares got with the file, or writes the file under -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run with -update to write it")
	assert.Equal(t, string(want), string(got))
}

// TestAnswerJSON holds that what is written can be read back as the same answer, so that a stored one makes the same sentence.
func TestAnswerJSON(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		want := recorded(t, strings.TrimSuffix(filepath.Base(file), ".json"))
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got Answer
		require.NoError(t, json.Unmarshal(text, &got))
		assert.Equal(t, want.Sentence(), got.Sentence(), file)
		assert.Equal(t, want.When, got.When, file)
	}
}

func TestAnswerOfNothing(t *testing.T) {
	for _, raw := range []string{`{}`, `null`, `[]`, `"text"`, `{"user":[],"verb":{},"objectRef":"pods","sourceIPs":{"a":1},"responseStatus":[200]}`} {
		a := answered(t, []byte(raw))
		assert.Equal(t, `a client asked to do "" on a resource: the result is not recorded`, a.Sentence(), raw)
		assert.Equal(t, OutcomeUnknown, a.What.Outcome)
		assert.Equal(t, a.Sentence(), a.String())
		assert.Equal(t, UserUnknown, a.Who.Kind)
	}
	assert.NotEmpty(t, (&Event{Raw: []byte("no JSON")}).Answer().Sentence())
	assert.NotEmpty(t, Answer{}.Sentence())
}

func TestWhen(t *testing.T) {
	a := recorded(t, "port-forward-slow")
	assert.Equal(t, "ResponseComplete", a.When.Stage)
	assert.Equal(t, a.When.StageTime.Sub(a.When.Received), a.When.Latency)
	assert.InDelta(t, 1.4, a.When.Latency.Seconds(), 0.1)

	a = answered(t, []byte(`{"stage":"ResponseComplete","requestReceivedTimestamp":"2026-01-02T03:04:05.5+01:00","stageTimestamp":"2026-01-02T02:04:05.6Z"}`))
	assert.Equal(t, time.Date(2026, 1, 2, 2, 4, 5, 500_000_000, time.UTC), a.When.Received)
	assert.Equal(t, 100*time.Millisecond, a.When.Latency)

	a = answered(t, []byte(`{"requestReceivedTimestamp":"2026-01-02T03:04:05Z","stageTimestamp":"2026-01-02T03:04:04Z"}`))
	assert.Zero(t, a.When.Latency, "out of order")
	a = answered(t, []byte(`{"requestReceivedTimestamp":"soon","stageTimestamp":"2026-01-02T03:04:04Z"}`))
	assert.Zero(t, a.When.Received)
	assert.Zero(t, a.When.Latency)
}

func TestWhere(t *testing.T) {
	for _, tt := range []struct {
		event string
		want  Where
	}{
		{"exec-websocket", Where{Namespace: "shop-prod", Object: "pods/shop-prod/sys-cache-target", Container: "main"}},
		{"json-patch", Where{Namespace: "kube-system", Object: "roles.rbac.authorization.k8s.io/kube-system/system:controller:token-cleaner"}},
		{"role-wildcard", Where{Object: "clusterroles.rbac.authorization.k8s.io/sys-cache-wild"}},
		{"node-proxy", Where{Object: "nodes/gke-prod-pool-1-5d1a7e3b-h2vd", Node: "gke-prod-pool-1-5d1a7e3b-h2vd"}},
		{"list-field-selector", Where{Namespace: "shop-prod", Object: "secrets/shop-prod/db-credentials"}},
		{"anonymous-version", Where{}},
	} {
		t.Run(tt.event, func(t *testing.T) {
			got := recorded(t, tt.event).Where
			got.UID = ""
			assert.Equal(t, tt.want, got)
		})
	}
	t.Run("a namespace is in itself", func(t *testing.T) {
		a := answered(t, []byte(`{"stage":"ResponseComplete","verb":"create","objectRef":{"resource":"namespaces","name":"blue"},"responseStatus":{"code":201}}`))
		assert.Equal(t, Where{Namespace: "blue", Object: "namespaces/blue"}, a.Where)
	})
	t.Run("what the reader found counts", func(t *testing.T) {
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		e := Event{Raw: []byte(`{"stage":"Panic","stageTimestamp":"2025-01-02T03:04:04Z"}`), Stage: "ResponseStarted", Time: at}
		assert.Equal(t, When{Stage: "ResponseStarted", StageTime: at}, e.Answer().When)
	})
	t.Run("cluster of the source", func(t *testing.T) {
		e := Event{Raw: []byte(`{}`), Cluster: "prod-1"}
		assert.Equal(t, "prod-1", e.Answer().Where.Cluster)
	})
}

func TestImages(t *testing.T) {
	const deployment = `"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"a","name":"b"}`
	const cronjob = `"objectRef":{"resource":"cronjobs","apiGroup":"batch","namespace":"a","name":"b"}`
	const pod = `"objectRef":{"resource":"pods","namespace":"a","name":"b"}`
	for _, tt := range []struct {
		name, event string
		want        []string
	}{
		{"all three kinds of containers, each image once",
			`{"verb":"create",` + pod + `,"requestObject":{"spec":{"containers":[{"image":"c"},{"image":"d"},{"image":"c"}],"ephemeralContainers":[{"image":"e"}],"initContainers":[{"image":"i"}]}}}`,
			[]string{"i", "c", "d", "e"}},
		{"as admission left them", `{"verb":"create",` + pod + `,"requestObject":{"spec":{"containers":[{"image":"c"}]}},"responseObject":{"kind":"Pod","spec":{"containers":[{"image":"mirror/c"}]}}}`, []string{"mirror/c"}},
		{"a refusal has none to show, the request has", `{"verb":"create",` + pod + `,"requestObject":{"spec":{"containers":[{"image":"c"}]}},"responseObject":{"kind":"Status","spec":{"containers":[{"image":"x"}]}}}`, []string{"c"}},
		{"template", `{"verb":"update",` + deployment + `,"requestObject":{"spec":{"template":{"spec":{"containers":[{"image":"c"}]}}}}}`, []string{"c"}},
		{"template in a template", `{"verb":"create",` + cronjob + `,"requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"initContainers":[{"image":"i"}]}}}}}}}`, []string{"i"}},
		{"a patch names only what it brings", `{"verb":"patch",` + deployment + `,"requestObject":{"spec":{"template":{"spec":{"containers":[{"image":"new"}]}}}},"responseObject":{"kind":"Deployment","spec":{"template":{"spec":{"containers":[{"image":"new"},{"image":"old"}]}}}}}`, []string{"new"}},
		{"a JSON patch of one image", `{"verb":"patch",` + deployment + `,"requestObject":[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"p"}]}`, []string{"p"}},
		{"a JSON patch of a container", `{"verb":"patch",` + deployment + `,"requestObject":[{"op":"add","path":"/spec/template/spec/initContainers/-","value":{"image":"p"}}]}`, []string{"p"}},
		{"a JSON patch of a list", `{"verb":"patch",` + deployment + `,"requestObject":[{"op":"add","path":"/spec/template/spec/containers","value":[{"image":"p"},{"image":"q"}]}]}`, []string{"p", "q"}},
		{"a JSON patch of the template", `{"verb":"patch",` + deployment + `,"requestObject":[{"op":"replace","path":"/spec/template","value":{"spec":{"containers":[{"image":"p"}]}}}]}`, []string{"p"}},
		{"a JSON patch of the spec", `{"verb":"patch",` + cronjob + `,"requestObject":[{"op":"replace","path":"/spec","value":{"template":{"spec":{"containers":[{"image":"p"}]}}}}]}`, []string{"p"}},
		{"a JSON patch of something else", `{"verb":"patch",` + deployment + `,"requestObject":[{"op":"replace","path":"/metadata/labels/image","value":"p"},{"op":"remove"},7]}`, nil},
		{"another resource", `{"verb":"create","objectRef":{"resource":"widgets","apiGroup":"x.example"},"requestObject":{"spec":{"containers":[{"image":"c"}]}}}`, nil},
		{"a resource of the same name", `{"verb":"create","objectRef":{"resource":"pods","apiGroup":"x.example"},"requestObject":{"spec":{"containers":[{"image":"c"}]}}}`, nil},
		{"status", `{"verb":"patch","objectRef":{"resource":"pods","subresource":"status"},"requestObject":{"spec":{"containers":[{"image":"c"}]}}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, answered(t, []byte(tt.event)).Where.Images)
		})
	}
}

func BenchmarkAnswer(b *testing.B) {
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.json"))
	require.NoError(b, err)
	var events []*Event
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(b, err)
		e := &Event{Raw: raw}
		e.Root()
		events = append(events, e)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if events[i%len(events)].Answer().Sentence() == "" {
			b.Fatal("no sentence")
		}
	}
}
