package cloudlogging

import (
	"fmt"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	monitoredres "google.golang.org/genproto/googleapis/api/monitoredres"
	auditpb "google.golang.org/genproto/googleapis/cloud/audit"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Project is the resource that made entries are of, and Cluster the cluster.
const (
	Project = "projects/acme"
	Cluster = "shop"
)

// Made is how the entries of [Entry] differ.
type Made struct {
	N        int       // tells them apart: the entry's insertId is e-N
	At       time.Time // when it happened
	Received time.Time // zero: a second later
	Verb     string    // "": create
	Log      string    // "": activity
	Cluster  string    // "": Cluster
}

// Entry makes the audit entry of a request for a pod.
func Entry(m Made) *loggingpb.LogEntry {
	for _, d := range []struct {
		of        *string
		otherwise string
	}{{&m.Verb, "create"}, {&m.Log, "activity"}, {&m.Cluster, Cluster}} {
		if *d.of == "" {
			*d.of = d.otherwise
		}
	}
	if m.Received.IsZero() {
		m.Received = m.At.Add(time.Second)
	}
	payload := must(anypb.New(&auditpb.AuditLog{
		ServiceName: "k8s.io", MethodName: "io.k8s.core.v1.pods." + m.Verb, ResourceName: fmt.Sprintf("core/v1/namespaces/shop/pods/web-%d", m.N),
		AuthenticationInfo: &auditpb.AuthenticationInfo{PrincipalEmail: "jane@acme.example"},
		AuthorizationInfo:  []*auditpb.AuthorizationInfo{{Granted: true, Permission: "io.k8s.core.v1.pods." + m.Verb}},
		RequestMetadata:    &auditpb.RequestMetadata{CallerIp: "203.0.113.7", CallerSuppliedUserAgent: "kubectl/v1.35.0"},
		Request: must(structpb.NewStruct(map[string]any{
			"@type": "core.k8s.io/v1.Pod", "apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": fmt.Sprintf("web-%d", m.N), "namespace": "shop"},
		})),
	}))
	return &loggingpb.LogEntry{
		LogName: Project + "/logs/cloudaudit.googleapis.com%2F" + m.Log, InsertId: fmt.Sprintf("e-%d", m.N),
		Timestamp: timestamppb.New(m.At), ReceiveTimestamp: timestamppb.New(m.Received),
		Resource: &monitoredres.MonitoredResource{Type: "k8s_cluster", Labels: map[string]string{
			"cluster_name": m.Cluster, "location": "europe-west1", "project_id": "acme",
		}},
		Labels:    map[string]string{"authorization.k8s.io/decision": "allow"},
		Operation: &loggingpb.LogEntryOperation{Id: fmt.Sprintf("a-%d", m.N), Producer: "k8s.io", First: true, Last: true},
		Payload:   &loggingpb.LogEntry_ProtoPayload{ProtoPayload: payload},
	}
}

// Entries makes entries e-from up to e-to, to not included, evenly from one time on.
func Entries(from, to int, at time.Time, every time.Duration) []*loggingpb.LogEntry {
	entries := make([]*loggingpb.LogEntry, 0, to-from)
	for n := from; n < to; n++ {
		entries = append(entries, Entry(Made{N: n, At: at.Add(time.Duration(n-from) * every)}))
	}
	return entries
}

// Split cuts an entry into parts, as Cloud Logging does with large ones: each has all but a share of the request's labels.
func Split(e *loggingpb.LogEntry, total int) []*loggingpb.LogEntry {
	var log auditpb.AuditLog
	if err := e.GetProtoPayload().UnmarshalTo(&log); err != nil {
		panic(err)
	}
	var out []*loggingpb.LogEntry
	for i := range total {
		part := cloneOf(e)
		log.Request = must(structpb.NewStruct(map[string]any{
			"kind": "Pod", "metadata": map[string]any{"labels": map[string]any{fmt.Sprintf("part-%d", i): "here"}},
		}))
		part.InsertId = fmt.Sprintf("%s-%d", e.GetInsertId(), i)
		part.Payload = &loggingpb.LogEntry_ProtoPayload{ProtoPayload: must(anypb.New(&log))}
		part.Split = &loggingpb.LogSplit{Uid: "split-" + e.GetInsertId(), Index: int32(i), TotalSplits: int32(total)}
		out = append(out, part)
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the tests' own defect
	}
	return v
}

func cloneOf(e *loggingpb.LogEntry) *loggingpb.LogEntry { return proto.Clone(e).(*loggingpb.LogEntry) }
