package indices

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ecs"
)

// Version counts changes of what is put up. Raise it with every change of a mapping or
// a setting that indices which are already there lack.
const Version = 1

// AutoReplicas stands for a copy of each shard where there is a second node to hold it.
const AutoReplicas = -1

// DefaultRefresh is how long it takes until a document is found. The server's own, one
// second, makes five times as many segments, which all have to be merged again.
const DefaultRefresh = 5 * time.Second

// Options are what differs from one installation to the other.
type Options struct {
	Namespace string        // of the data streams: lower-case letters, digits, _ and .
	Replicas  int           // copies of each shard; or AutoReplicas
	Refresh   time.Duration // until documents are found, whole seconds; 0: DefaultRefresh
	GCPAudit  bool          // the stream of ecs.GCPAudit too
	Retention time.Duration // how long documents stay, whole hours; 0: until somebody deletes them
}

// namespaceForm keeps names of templates and paths of requests plain.
var namespaceForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.]{0,99}$`)

// Validate tells what cannot be put up.
func (o *Options) Validate() error {
	switch {
	case !namespaceForm.MatchString(o.Namespace):
		return fmt.Errorf("namespace %q: write lower-case letters, digits, _ and ., 100 at most", o.Namespace)
	case o.Replicas < AutoReplicas:
		return fmt.Errorf("%d replicas: write how many copies of each shard there are, or %d to have one where there is a second node", o.Replicas, AutoReplicas)
	case o.Refresh < 0 || o.Refresh%time.Second != 0:
		return fmt.Errorf("refresh interval %v: write whole seconds", o.Refresh)
	case o.Retention < 0 || o.Retention%time.Hour != 0:
		return fmt.Errorf("retention %v: write whole hours or days", o.Retention)
	}
	return nil
}

// Names of what is put up. All of them end with the namespace, so that installations
// on one cluster, of different versions even, do not touch each other's.
func (o *Options) policy() string         { return "kubewitness-" + o.Namespace }
func (o *Options) settings() string       { return "kubewitness-" + o.Namespace + "@settings" }
func (o *Options) custom() string         { return "kubewitness-" + o.Namespace + "@custom" }
func (o *Options) template(k kind) string { return "kubewitness-" + string(k) + "-" + o.Namespace }
func (o *Options) mappings(k kind) string { return o.template(k) + "@mappings" }
func (o *Options) stream(k kind) string   { return ecs.Stream(k.dataset(), o.Namespace) }

// streams are the names of all data streams.
func (o *Options) streams() (names []string) {
	for _, k := range o.kinds() {
		names = append(names, o.stream(k))
	}
	return names
}

// kind is which of the streams, as names of templates and files have it.
type kind string

const (
	events     kind = "events"
	detections kind = "detections"
	entries    kind = "gcp"
)

// kinds are those that are put up.
func (o *Options) kinds() []kind {
	if o.GCPAudit {
		return []kind{events, detections, entries}
	}
	return []kind{events, detections}
}

func (k kind) dataset() string {
	switch k {
	case detections:
		return ecs.Detections
	case entries:
		return ecs.GCPAudit
	}
	return ecs.AuditLogs
}

// span writes a time as Elasticsearch reads it, and gives it back unchanged.
func span(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/time.Second)) + "s"
}
