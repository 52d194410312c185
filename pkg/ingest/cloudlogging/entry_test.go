package cloudlogging

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	auditpb "google.golang.org/genproto/googleapis/cloud/audit"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	server "github.com/kubewitness/kubewitness/test/cloudlogging"
)

// exports are entries as exports spell them.
func exports(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../gcp/testdata/entries/*.txtar")
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		for _, f := range a.Files {
			if name, ok := strings.CutSuffix(f.Name, ": entry"); ok {
				all[filepath.Base(file)+" "+name] = f.Data
			}
		}
	}
	return all
}

// requireSame holds that two spellings of an entry are one event.
func requireSame(t testing.TB, exported, spelled []byte) {
	t.Helper()
	want, wantErr := gcp.Converter{}.Convert(exported)
	got, err := gcp.Converter{}.Convert(spelled)
	if wantErr != nil {
		require.Error(t, err)
		return
	}
	require.NoError(t, err, "%s", spelled)
	require.JSONEq(t, string(want.Raw), string(got.Raw))
	want.Raw, got.Raw = nil, nil
	require.Equal(t, want, got)
}

// TestSpelledAsExported: what is pulled is the same event, of the same identity, as the same entry in an exported file.
func TestSpelledAsExported(t *testing.T) {
	same := 0
	for name, exported := range exports(t) {
		t.Run(name, func(t *testing.T) {
			e := new(loggingpb.LogEntry)
			if err := protojson.Unmarshal(exported, e); err != nil {
				t.Skipf("no LogEntry of the API: %v", err)
			}
			spelled, err := spellEntry(e)
			require.NoError(t, err)
			requireSame(t, exported, spelled)
			same++
		})
	}
	assert.GreaterOrEqual(t, same, 60)
}

// FuzzSpell holds, for any LogEntry that has a form in JSON, that ours is as good, and that nothing panics.
func FuzzSpell(f *testing.F) {
	for _, exported := range exports(f) {
		e := new(loggingpb.LogEntry)
		if protojson.Unmarshal(exported, e) == nil {
			wire, err := proto.Marshal(e)
			require.NoError(f, err)
			f.Add(wire)
		}
	}
	for _, e := range oddEntries(f) {
		wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(e)
		require.NoError(f, err)
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		e := new(loggingpb.LogEntry)
		if proto.Unmarshal(wire, e) != nil {
			return
		}
		exported, exportErr := protojson.Marshal(e)
		var c converted
		c.whole(proto.Clone(e).(*loggingpb.LogEntry))
		require.Equal(t, 1, len(c.events)+len(c.refused)+int(c.others), "it is one of these")
		if exportErr != nil {
			return
		}
		spelled, err := spellEntry(e)
		require.NoError(t, err)
		requireSame(t, exported, spelled)
	})
}

// oddEntries hold messages of types that nobody here knows, and broken ones.
func oddEntries(t testing.TB) map[string]*loggingpb.LogEntry {
	t.Helper()
	unknown := &anypb.Any{TypeUrl: "type.googleapis.com/google.kubernetes.Secret", Value: []byte("\x0a\x03abc")}
	with := func(change func(*loggingpb.LogEntry, *auditpb.AuditLog)) *loggingpb.LogEntry {
		e := server.Entry(server.Made{N: 1, At: time.Date(2026, 3, 1, 0, 0, 0, 5, time.UTC)})
		var log auditpb.AuditLog
		require.NoError(t, e.GetProtoPayload().UnmarshalTo(&log))
		change(e, &log)
		if p := e.GetProtoPayload(); p != nil && p.GetTypeUrl() == "type.googleapis.com/"+string(auditLogName) {
			value, err := proto.Marshal(&log)
			require.NoError(t, err)
			p.Value = value
		}
		return e
	}
	return map[string]*loggingpb.LogEntry{
		"unknown detail": with(func(_ *loggingpb.LogEntry, log *auditpb.AuditLog) {
			log.Status = &statuspb.Status{Code: 7, Message: "no", Details: []*anypb.Any{unknown, {}, {Value: []byte("x")}}}
		}),
		"broken detail": with(func(_ *loggingpb.LogEntry, log *auditpb.AuditLog) {
			log.Status = &statuspb.Status{Code: 5, Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/google.protobuf.Struct", Value: []byte{0xff}}}}
		}),
		"service data": with(func(_ *loggingpb.LogEntry, log *auditpb.AuditLog) {
			//lint:ignore SA1019 old entries have it
			log.ServiceData = unknown
		}),
		"unknown payload": with(func(e *loggingpb.LogEntry, _ *auditpb.AuditLog) {
			e.Payload = &loggingpb.LogEntry_ProtoPayload{ProtoPayload: unknown}
		}),
		"untyped payload": with(func(e *loggingpb.LogEntry, _ *auditpb.AuditLog) {
			e.Payload = &loggingpb.LogEntry_ProtoPayload{ProtoPayload: &anypb.Any{Value: []byte("x")}}
		}),
		"empty payload": with(func(e *loggingpb.LogEntry, _ *auditpb.AuditLog) {
			e.Payload = &loggingpb.LogEntry_ProtoPayload{ProtoPayload: &anypb.Any{}}
		}),
		"value without kind": with(func(_ *loggingpb.LogEntry, log *auditpb.AuditLog) {
			log.Request = &structpb.Struct{Fields: map[string]*structpb.Value{"a": {}}}
		}),
		"time out of range": with(func(e *loggingpb.LogEntry, _ *auditpb.AuditLog) {
			e.Timestamp = &timestamppb.Timestamp{Seconds: 1 << 60}
		}),
		"no payload": with(func(e *loggingpb.LogEntry, _ *auditpb.AuditLog) { e.Payload = nil }),
	}
}

// TestOddEntries: what nobody knows is kept as it is, and an entry is an event all the same; what has no form in JSON is
// refused.
func TestOddEntries(t *testing.T) {
	want := map[string]string{
		"unknown detail": "event", "broken detail": "event", "service data": "event", "unknown payload": "other", "untyped payload": "other",
		"empty payload": "other", "value without kind": "refused", "time out of range": "refused", "no payload": "refused",
	}
	for name, e := range oddEntries(t) {
		var c converted
		c.whole(e)
		switch want[name] {
		case "event":
			require.Len(t, c.events, 1, name)
			assert.Equal(t, "a-1", c.events[0].AuditID)
		case "other":
			assert.EqualValues(t, 1, c.others, name)
		default:
			require.Len(t, c.refused, 1, name)
			assert.NotEmpty(t, c.refused[0].Raw)
		}
	}
	text, err := spellEntry(oddEntries(t)["unknown detail"])
	require.NoError(t, err)
	var v struct {
		ProtoPayload struct {
			Status struct {
				Details []map[string]string `json:"details"`
			} `json:"status"`
		} `json:"protoPayload"`
	}
	require.NoError(t, json.Unmarshal(text, &v))
	assert.Equal(t, []map[string]string{
		{"@type": "type.googleapis.com/google.kubernetes.Secret", "value": "CgNhYmM="}, {}, {"@type": untyped, "value": "eA=="},
	}, v.ProtoPayload.Status.Details)
}

// TestSpelledQuickly: entries as they usually are take the quick way, and it writes what protojson does.
func TestSpelledQuickly(t *testing.T) {
	quick := 0
	for name, exported := range exports(t) {
		e := new(loggingpb.LogEntry)
		if protojson.Unmarshal(exported, e) != nil {
			continue
		}
		text := spellQuickly(e)
		if text == nil {
			continue
		}
		quick++
		want, err := protojson.Marshal(e)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(text), name)
	}
	assert.GreaterOrEqual(t, quick, 60)
}

// TestNothingForgotten: whoever knows more members of an entry than there were when it was written has to look at the quick
// way.
func TestNothingForgotten(t *testing.T) {
	for message, members := range map[proto.Message]int{
		(*loggingpb.LogEntry)(nil): 17, (*loggingpb.LogEntryOperation)(nil): 4, (*loggingpb.LogSplit)(nil): 3, (*auditpb.AuditLog)(nil): 15,
		(*auditpb.AuthenticationInfo)(nil): 6, (*auditpb.AuthorizationInfo)(nil): 4, (*auditpb.RequestMetadata)(nil): 5, (*statuspb.Status)(nil): 3,
	} {
		d := message.ProtoReflect().Descriptor()
		assert.Equal(t, members, d.Fields().Len(), "%s", d.FullName())
	}
}

// TestKeys: entries differ by log, time, insertId and part, and by nothing else.
func TestKeys(t *testing.T) {
	e := server.Entry(server.Made{N: 1, At: time.Unix(10, 5)})
	k := keyOf(e)
	e.ReceiveTimestamp, e.Labels = nil, nil
	assert.Equal(t, k, keyOf(e))
	for _, change := range []func(*loggingpb.LogEntry){
		func(e *loggingpb.LogEntry) { e.InsertId += "x" }, func(e *loggingpb.LogEntry) { e.LogName += "x" },
		func(e *loggingpb.LogEntry) { e.Timestamp.Nanos++ }, func(e *loggingpb.LogEntry) { e.Timestamp.Seconds++ },
		func(e *loggingpb.LogEntry) { e.Split = &loggingpb.LogSplit{Index: 1} },
	} {
		other := proto.Clone(e).(*loggingpb.LogEntry)
		change(other)
		assert.NotEqual(t, k, keyOf(other))
	}
}

// BenchmarkEntry converts an entry of the usual size, from what gRPC gives to an event that can be taken.
func BenchmarkEntry(b *testing.B) {
	e := server.Entry(server.Made{N: 1, At: time.Now()})
	exported := exports(b)["writes.txtar pod created"]
	require.NotEmpty(b, exported)
	require.NoError(b, protojson.Unmarshal(exported, e))
	wire, err := proto.Marshal(e)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		e := new(loggingpb.LogEntry)
		if err := proto.Unmarshal(wire, e); err != nil {
			b.Fatal(err)
		}
		var c converted
		if c.whole(e); len(c.events) != 1 {
			b.Fatal(errors.New("no event"))
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
