package row_test

import (
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// oddEvents have their values in odd places and forms.
var oddEvents = []string{
	`{"kind":"Event","stageTimestamp":"2026-11-21T10:00:00Z"}`,
	`{"kind":"Event","auditID":null,"stageTimestamp":"2026-11-21T10:00:00Z","user":{"username":"a","username":"b"},"verb":["x"]}`,
	`{"kind":"Event","auditID":"","stageTimestamp":"0001-01-01T00:00:00Z","sourceIPs":"10.0.0.1","annotations":[{"cluster_name":"c"}]}`,
	`{"kind":"Event","auditID":"a","stageTimestamp":"9999-12-31T23:59:59.999999999Z","sourceIPs":["::1","x","10.0.0.1"]}`,
	`{"kind":"Event","auditID":"a","stageTimestamp":"2026-11-21T10:00:00Z","objectRef":{"resource":"pods","subresource":"exec"},` +
		`"requestURI":"/api/v1/namespaces/a/pods/b/exec?command=%ff%00x&command=%22&command=&container=%0a"}`,
	`{"kind":"Event","auditID":"a","stageTimestamp":"2026-11-21T10:00:00Z","requestObject":[{"spec":[{"containers":[{"image":"a"},{"args":["x"]}]}]}]}`,
	`{"kind":"Event","auditID":"a","stageTimestamp":"2026-11-21T10:00:00Z","requestObject":{"spec":[{"containers":{"image":"a"},"volumes":[[{"hostPath":{"path":"/"}}]]}],` +
		`"subjects":{"kind":"User","name":"a"},"rules":[{"verbs":"*"},{"verbs":["\u0000","a\u0000b",""]}],"roleRef":[{"name":"r"}]}}`,
	`{"kind":"Event","auditID":"a","stageTimestamp":"2026-11-21T10:00:00Z","objectRef":{"resource":"deployments","apiGroup":"apps"},` +
		`"responseObject":{"spec":{"template":{"spec":{"initContainers":[{"image":"a","securityContext":{"runAsUser":0,"privileged":true}}],"hostNetwork":true}}}}}`,
	`{"kind":"Event","auditID":"a","stageTimestamp":"2026-11-21T10:00:00Z","responseStatus":{"code":200.0},"user":{"groups":[1,null,"\ud800",{"a":1}]}}`,
}

// FuzzEncode takes any event for a record with texts of its own.
func FuzzEncode(f *testing.F) {
	for _, e := range oddEvents {
		f.Add([]byte(e), "text \x00\"\\\xff", uint64(3), int64(1))
	}
	f.Fuzz(func(t *testing.T, raw []byte, text string, flags uint64, received int64) {
		e, err := audit.NewReader(strings.NewReader(string(raw)), "test", audit.Limits{}).Next()
		if err != nil || err == io.EOF {
			return
		}
		want := recordOf(e)
		want.Source, want.Flags, want.Received = text, flags, time.Unix(0, received).UTC()
		want.Ruleset = hex.EncodeToString([]byte(text))
		want.Redacted, want.Faults = []string{text}, []string{"", text}
		valid := strings.ToValidUTF8(text, "\uFFFD") // as the log has them
		want.Labels = map[string]string{valid: valid}
		want.Detections = []match.Detection{{
			Rule: &rules.Rule{Name: valid, Priority: rules.Notice, Tags: []string{valid}}, Output: valid,
			Fields: []match.OutputField{{Key: valid, Value: []string{valid}}, {Key: "n", Value: flags}},
		}}
		requireColumns(t, want, map[string]bool{})
		got, err := row.Decode(row.Encode(want))
		require.NoError(t, err)
		requireSame(t, want, got)
	})
}

// FuzzDecode takes anything for a row.
func FuzzDecode(f *testing.F) {
	good := row.Encode(full(parseEvent(f, oddEvents[0])))
	for _, c := range good.Columns {
		f.Add(good.ID, c.Name, c.Value, good.Raw)
	}
	f.Add(good.ID, row.Redacted, `["\u00zz"]`, good.Raw)
	f.Add("", "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, id, name, value string, raw []byte) {
		e, err := row.Decode(store.Row{ID: id, Columns: []store.Column{{Name: name, Value: value}}, Raw: raw})
		if err == nil {
			again, err := row.Decode(row.Encode(e))
			require.NoError(t, err)
			requireSame(t, e, again)
		}
		if texts, err := row.ParseList(value); err == nil {
			back, err := row.ParseList(string(row.AppendList(nil, texts)))
			require.NoError(t, err)
			require.Equal(t, texts, back)
		}
	})
}

func TestLists(t *testing.T) {
	for _, texts := range [][]string{
		{""}, {"a", "b"}, {"<a&b>\u2028"}, {`"\`, "\n\x00\x1f\x7f", "\xff\xed\xa0\x80"}, {`\u0041`, `"]`, `,`},
	} {
		list := string(row.AppendList(nil, texts))
		got, err := row.ParseList(list)
		require.NoError(t, err, list)
		require.Equal(t, texts, got)
	}
	require.Equal(t, `["<a>","\"\\\u000a"]`, string(row.AppendList(nil, []string{"<a>", "\"\\\n"})))
	for _, bad := range []string{"", "[", "]", `["a"`, `["a",]`, `["a" ]`, `[1]`, `["a"]x`, `["\n"]`, `["\u0041"]`, "[\"\n\"]", `["\`, `[,"a"]`} {
		_, err := row.ParseList(bad)
		require.Error(t, err, bad)
	}
}
