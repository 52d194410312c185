package cloudlogging

import (
	"errors"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/proto"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
)

// converted is what became of entries.
type converted struct {
	events    []*audit.Event
	refused   []ingest.Refused
	others    int64 // entries that are no audit entries of the Kubernetes API
	truncated int64 // events of entries of which parts are missing
}

// whole converts an entry that came whole.
func (c *converted) whole(e *loggingpb.LogEntry) {
	text, ok := c.spelled(e)
	if !ok {
		return
	}
	made, err := gcp.Converter{}.Convert(text)
	c.add(made, err, text)
}

// together converts the parts of an entry, as many as there are.
func (c *converted) together(entries []*loggingpb.LogEntry) {
	var a gcp.Assembler
	for _, e := range entries {
		text, ok := c.spelled(e)
		if !ok {
			continue
		}
		made, err := a.Add(text)
		if err != nil {
			c.add(gcp.Result{}, err, text)
		}
		for _, r := range made {
			c.add(r, nil, text)
		}
	}
	for _, r := range a.Flush() {
		c.add(r, nil, r.Raw)
	}
}

func (c *converted) spelled(e *loggingpb.LogEntry) ([]byte, bool) {
	text, err := spellEntry(e)
	if err == nil {
		return text, true
	}
	raw, _ := proto.MarshalOptions{AllowPartial: true}.Marshal(e) // what there is of it
	c.refuse("", err, raw)
	return nil, false
}

func (c *converted) add(made gcp.Result, err error, text []byte) {
	var other *gcp.NotKubernetes
	if errors.As(err, &other) {
		c.others++
		return
	}
	if err == nil {
		var event *audit.Event
		event, err = made.Converted().Event()
		if err == nil {
			c.events = append(c.events, event)
			if made.Truncated {
				c.truncated++
			}
			return
		}
	}
	c.refuse(made.Cluster, err, text)
}

func (c *converted) refuse(cluster string, err error, raw []byte) {
	c.refused = append(c.refused, ingest.Refused{Cluster: cluster, Reason: audit.ReasonEntry, Err: err, Raw: raw})
}
