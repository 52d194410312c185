package cloudlogging

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

// Permissions that reading takes.
const (
	PermissionList    = "logging.logEntries.list"        // the Admin Activity log
	PermissionPrivate = "logging.privateLogEntries.list" // Data Access logs
	PermissionViews   = "logging.views.access"           // a view of a log bucket
)

// looked is how far back a diagnosis looks.
const looked = 24 * time.Hour

// Diagnosis is what can be told of a resource's log.
type Diagnosis struct {
	Resource   string
	Refused    *Refused // why nothing can be read; nil: it can
	Missing    []string // permissions that are needed and not there
	NotAsked   error    // why it is not known which permissions there are
	Activity   Sample   // of the last day
	DataAccess Sample
	Clusters   []string // in the samples, by name
	Quota      int64    // times that the quota was used up
}

// Sample are the newest entries of a log.
type Sample struct {
	Entries int           // 1,000 at most
	Newest  time.Time     // when the newest one happened; zero: there is none
	Median  time.Duration // from an entry's time to its receipt
	Longest time.Duration
}

// Diagnose looks at the log of a resource. It takes two read requests. The error is the context's.
func Diagnose(ctx context.Context, client *Client, quotas *Quotas, resource string, now func() time.Time) (*Diagnosis, error) {
	d := &Diagnosis{Resource: resource}
	r := &reader{client: client, quota: quotas.Of(resource), resource: resource, logger: slog.New(slog.DiscardHandler), newest: true}
	clusters := map[string]bool{}
	for _, log := range []struct {
		id     string
		sample *Sample
	}{{query.Activity, &d.Activity}, {query.DataAccess, &d.DataAccess}} {
		resp, err := r.patient(ctx, query.Query{Logs: []string{log.id}, From: now().Add(-looked)}, "")
		if err != nil {
			err = r.refusal(ctx, err)
			if !errors.As(err, &d.Refused) {
				return nil, err
			}
			break
		}
		*log.sample = sampleOf(resp.GetEntries())
		for _, e := range resp.GetEntries() {
			if name := e.GetResource().GetLabels()["cluster_name"]; name != "" {
				clusters[name] = true
			}
		}
	}
	d.Clusters = slices.Sorted(maps.Keys(clusters))
	d.Quota = r.counters().Quota
	d.permissions(ctx, client)
	return d, nil
}

// permissions asks which permissions there are. A view has permissions of its own, which nobody tells.
func (d *Diagnosis) permissions(ctx context.Context, client *Client) {
	wanted := []string{PermissionList, PermissionPrivate}
	container := query.Container(d.Resource)
	if container != d.Resource {
		wanted = []string{PermissionViews}
	}
	granted, err := client.permissions(ctx, container, wanted)
	if err != nil {
		d.NotAsked = err
		return
	}
	for _, p := range wanted {
		if !slices.Contains(granted, p) {
			d.Missing = append(d.Missing, p)
		}
	}
}

func sampleOf(entries []*loggingpb.LogEntry) (s Sample) {
	var late []time.Duration
	for _, e := range entries {
		if at := e.GetTimestamp().AsTime(); at.After(s.Newest) {
			s.Newest = at
		}
		late = append(late, e.GetReceiveTimestamp().AsTime().Sub(e.GetTimestamp().AsTime()))
	}
	if s.Entries = len(late); s.Entries > 0 {
		slices.Sort(late)
		s.Median, s.Longest = late[len(late)/2], late[len(late)-1]
	}
	return s
}
