package cloudlogging

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	auditpb "google.golang.org/genproto/googleapis/cloud/audit"
)

// filter is a query, as far as it is understood.
type filter struct {
	from, to, receivedFrom, receivedTo int64 // Unix nanoseconds; 0: no bound
	logs                               []string
	cluster                            string
}

var (
	bound   = regexp.MustCompile(`\b(timestamp|receiveTimestamp)(>=|<)"([^"]+)"`)
	logID   = regexp.MustCompile(`log_id\("([^"]+)"\)`)
	cluster = regexp.MustCompile(`resource\.labels\.cluster_name="([^"]+)"`)
)

// parse reads a query.
func parse(text string) (f filter, err error) {
	if !strings.Contains(text, `protoPayload.serviceName="k8s.io"`) {
		return f, fmt.Errorf("the query asks for entries of any service: %s", text)
	}
	for _, m := range bound.FindAllStringSubmatch(text, -1) {
		at, err := time.Parse(time.RFC3339Nano, m[3])
		if err != nil {
			return f, err
		}
		*map[string]*int64{
			"timestamp>=": &f.from, "timestamp<": &f.to, "receiveTimestamp>=": &f.receivedFrom, "receiveTimestamp<": &f.receivedTo,
		}[m[1]+m[2]] = at.UnixNano()
	}
	for _, m := range logID.FindAllStringSubmatch(text, -1) {
		f.logs = append(f.logs, m[1])
	}
	if m := cluster.FindStringSubmatch(text); m != nil {
		f.cluster = m[1]
	}
	return f, nil
}

func (f filter) matches(resources []string, e *loggingpb.LogEntry) bool {
	owner, id, _ := strings.Cut(e.GetLogName(), "/logs/")
	at, received := e.GetTimestamp().AsTime().UnixNano(), e.GetReceiveTimestamp().AsTime().UnixNano()
	return slices.ContainsFunc(resources, func(r string) bool { return r == owner || strings.HasPrefix(r, owner+"/") }) &&
		slices.Contains(f.logs, strings.ReplaceAll(id, "%2F", "/")) &&
		within(at, f.from, f.to) && within(received, f.receivedFrom, f.receivedTo) &&
		(f.cluster == "" || e.GetResource().GetLabels()["cluster_name"] == f.cluster) && isKubernetes(e)
}

func within(at, from, to int64) bool { return (from == 0 || at >= from) && (to == 0 || at < to) }

func isKubernetes(e *loggingpb.LogEntry) bool {
	log := new(auditpb.AuditLog)
	return e.GetProtoPayload() == nil || e.GetProtoPayload().UnmarshalTo(log) != nil || log.GetServiceName() == "k8s.io"
}
