package elastic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Client sends requests; *elasticsearch.Client is it.
type Client interface {
	OpenPIT(ctx context.Context, target string, keep time.Duration) (id string, err error)
	ClosePIT(ctx context.Context, id string) error
	Search(ctx context.Context, target string, body []byte) ([]byte, error)
}

var _ Client = (*elasticsearch.Client)(nil)

// Config says where the documents are.
type Config struct {
	Client    Client
	Namespace string // of the data stream of events; "*" in it stands for anything
	// Kind gives the form of a column's values, false where no row has such a column. What
	// the catalogue's fields are is not known here.
	Kind func(column string) (row.Kind, bool)
}

// Rows are the events of a data stream as the rows that the store would have of them. It
// is safe for concurrent use.
//
// What was indexed less than the stream's refresh interval ago is not found yet. An event
// that was indexed twice, which can come to pass over a rollover (see package sink/elastic),
// is given once, and counted twice.
type Rows struct {
	cfg    Config
	target string // the data stream, or a pattern for several
}

// New makes the rows. It asks nobody.
func New(cfg Config) (*Rows, error) {
	if cfg.Kind == nil {
		return nil, errors.New("elasticsearch: a search without the forms of columns")
	}
	if !isNamespace(cfg.Namespace) {
		return nil, fmt.Errorf("elasticsearch: %.100q is no namespace of data streams; write lower-case letters, digits, . and _, "+
			"or * for any", cfg.Namespace)
	}
	return &Rows{cfg: cfg, target: ecs.Stream(ecs.AuditLogs, cfg.Namespace)}, nil
}

// isNamespace holds that the name of the stream is one, and no list of several and no
// other path.
func isNamespace(name string) bool {
	return name != "" && len(name) <= 100 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._*") == ""
}

// Get reads the row with an ID, if there is one and the filter selects it.
func (r *Rows) Get(ctx context.Context, id string, f store.Filter) (found store.Row, ok bool, err error) {
	one := store.Query{Filter: store.And{store.Equal{Column: idColumn, Values: []string{id}}, store.And{f}}}
	err = r.Newest(ctx, one, store.Scan{}, func(r store.Row) error {
		found, ok = r, true
		return store.ErrStop
	})
	return found, ok && err == nil, err
}

// Stats sum up what there is.
type Stats struct {
	Events         uint64
	Oldest, Newest time.Time // zero without events; to the millisecond
}

// Stats tell what there is.
func (r *Rows) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	err := r.with(ctx, func(s *session) error {
		a, err := s.search(ctx, request{
			Query: encode(ours), Count: true,
			Aggs: object{"oldest": object{"min": object{"field": timeField}}, "newest": object{"max": object{"field": timeField}}},
		})
		if err != nil {
			return err
		}
		st.Events = a.total()
		st.Oldest, err = a.time("oldest")
		if err == nil {
			st.Newest, err = a.time("newest")
		}
		return err
	})
	return st, err
}
