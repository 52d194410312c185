package elastic

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Client is what the sink asks of a cluster; an elasticsearch.Client.
type Client interface {
	Do(ctx context.Context, method, path string, body []byte, out any) error
	Bulk(ctx context.Context, target string, body []byte, n int) ([]elasticsearch.BulkItem, error)
}

// Defaults of Config.
const (
	DefaultBulkBytes     = 4 << 20 // a twenty-fifth of the server's own limit, http.max_content_length
	DefaultBulkDocuments = 4000
	DefaultInFlight      = 3
	DefaultMaxMemory     = 48 << 20
	DefaultLeastBackoff  = 200 * time.Millisecond
	DefaultMostBackoff   = 20 * time.Second
	DefaultSlowRetry     = 30 * time.Second
)

// mostBulkDocuments keeps look-ups within what a search may answer with.
const mostBulkDocuments = 5000

// Config says where documents go, and how. Zero values stand for the defaults; Client,
// Documents.Namespace, Dead and Now are required.
type Config struct {
	Client    Client      // not closed by the sink
	Documents ecs.Options // what documents look like, and in which streams they are

	DetectionsOnly      bool // no documents of events
	GCPAudit            bool // documents of events from GKE in the data set ecs.GCPAudit besides, whatever the two others say
	DropRequestReceived bool // none of events of that stage either, unless something was detected in them

	BulkBytes     int   // of a bulk request; a larger document is a request of its own
	BulkDocuments int   // of a bulk request at most; at most 5000
	InFlight      int   // bulk requests under way at once
	MaxMemory     int64 // bytes of documents, and of events as stored, that wait or are under way

	// Dead takes an event of which a document was refused in every shape, and why. It is
	// called again until it returns nil, and may be called several times at once.
	Dead func(ctx context.Context, e *record.Event, reason string) error
	// Missing is asked before the first document creates a data stream that is not there:
	// an error, for instance that the index template is not ours, has it wait. May be nil.
	Missing func(ctx context.Context, stream string) error

	LeastBackoff time.Duration // after a first failure that may pass by itself; it doubles each time
	MostBackoff  time.Duration
	SlowRetry    time.Duration // after one that ends only when somebody does something

	Logger *slog.Logger
	Now    func() time.Time
}

func (c *Config) complete() error {
	switch {
	case c.Client == nil:
		return errors.New("elastic: there is no client")
	case c.Dead == nil:
		return errors.New("elastic: nobody takes dead letters")
	case c.Now == nil:
		return errors.New("elastic: there is no clock")
	case c.Documents.Namespace == "" || strings.ContainsAny(c.Documents.Namespace, `-/\*?"<>|, #:`):
		return errors.New(`elastic: the namespace is the end of the streams' names; write a word without "-"`)
	}
	or(&c.BulkBytes, DefaultBulkBytes)
	or(&c.BulkDocuments, DefaultBulkDocuments)
	c.BulkDocuments = min(c.BulkDocuments, mostBulkDocuments)
	or(&c.InFlight, DefaultInFlight)
	or(&c.MaxMemory, DefaultMaxMemory)
	or(&c.LeastBackoff, DefaultLeastBackoff)
	or(&c.MostBackoff, DefaultMostBackoff)
	or(&c.SlowRetry, DefaultSlowRetry)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

func or[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}
