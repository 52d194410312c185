package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/backfill"
	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/join"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/sink/embedded"
	"github.com/kubewitness/kubewitness/pkg/spool"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// StoreFolder is where below the data folder the embedded store is.
const StoreFolder = "store"

// syncBytes is how much the store takes, uncompressed, before it is put on disk.
const syncBytes = 64 << 20

// archive is the embedded store with what searches it.
type archive struct {
	store  *store.Store
	sink   *embedded.Sink
	search *search.Searcher
}

// joinMemory is what the reviews and requests that can be joined take at most, about.
const joinMemory = 60 << 20

// caches are the bytes of memory that the embedded store may take for caches, and what is kept
// to join reviews.
func (s *Server) caches() (bytes int64) {
	if s.archive != nil {
		bytes += int64(s.cfg.Store.Memory)
	}
	if s.join != nil {
		bytes += joinMemory
	}
	return bytes
}

// StoreConfig is the store's configuration out of the service's.
func StoreConfig(cfg config.Config) store.Config {
	c := store.Config{
		Dir: filepath.Join(cfg.Data, StoreFolder), Retention: cfg.Store.Retention, MaxBytes: int64(cfg.Store.MaxBytes),
		FreeFloor: int64(cfg.Store.FreeFloor), KeepFree: int64(cfg.Store.KeepFree), Memory: int64(cfg.Store.Memory), Now: time.Now,
	}
	if c.FreeFloor == 0 {
		c.FreeFloor = int64(cfg.Spool.FreeFloor) / 2
	}
	if c.KeepFree == 0 {
		c.KeepFree = 2 * int64(cfg.Spool.FreeFloor)
	}
	return c
}

// openStore opens the embedded store, with a cursor of its own on the log.
func (s *Server) openStore(context.Context) error {
	if !s.cfg.Store.Enabled {
		return nil
	}
	cfg := StoreConfig(s.cfg)
	cfg.Logger = s.logger
	st, err := store.Open(cfg)
	if err != nil {
		return err
	}
	if path, reason := st.MovedAside(); path != "" {
		s.logger.Error("the embedded store could not be opened and was moved aside; a new one is begun, and takes what the durable log still holds", "moved_to", path, "reason", reason)
	}
	a := &archive{store: st}
	a.search = search.New(search.Config{Store: st, Rules: s.ruleSet, Hostname: s.opt.Hostname, Now: time.Now})
	out := embedded.New(embedded.Config{Store: st, Published: a.search.Publish})
	a.sink = out
	s.archive = a
	s.feeds = append(s.feeds, &feed{
		sink: out, out: out, logger: s.logger,
		barrier: spool.Barrier{Sync: out.Sync, Every: s.cfg.Store.SyncEvery, Bytes: syncBytes},
	})
	return nil
}

// rememberedWithin bounds the time for the reviews that the store has.
const rememberedWithin = 10 * time.Second

// rememberReviews has the reviews of the last minutes known again, whose audit events may come
// yet. Without a store, and of what the log has not given it before the end, nothing is known:
// then a detection is told once more.
func (s *Server) rememberReviews(ctx context.Context) {
	if s.archive == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, rememberedWithin)
	defer cancel()
	reviews := store.Query{
		Filter: store.Equal{Column: row.Source, Values: []string{record.SourceAdmission}}, From: time.Now().Add(-join.DefaultKeep),
	}
	err := s.archive.store.Bulk(ctx, reviews, store.Scan{Forward: true}, func(rows []store.Row) error {
		for _, r := range rows {
			if e, err := row.Decode(r); err == nil {
				s.join.Remember(e)
			}
		}
		return nil
	})
	if err != nil {
		s.logger.Warn("not all reviews of the last minutes are known again; what the audit log brings of them is told once more", "error", err)
	}
}

// ruleSet gives the rules in force.
func (s *Server) ruleSet() *ruleset.Set { return s.judge.Rules().Set() }

// state is what the API tells of the store.
func (a *archive) state() api.Store {
	st := a.store.Stats()
	out := api.Store{Events: st.Rows, ReadOnly: st.ReadOnly, Bytes: st.Bytes}
	if oldest, newest, ok := a.store.Bounds(); ok {
		out.Oldest, out.Newest = oldest, newest
	}
	if st.ReadOnly {
		out.Reason = "the disk has too little room; events wait in the durable log until there is more, or store.max_bytes or store.retention are less"
	}
	out.MovedTo, out.MovedFor = a.store.MovedAside()
	return out
}

// rejectionsTold is how many of the items of an import that are no events are described.
const rejectionsTold = 20

// importBody puts an audit log into the store.
func (s *Server) importBody(ctx context.Context, cluster string, body io.Reader) (api.Imported, error) {
	labels, err := s.labelsOf(cluster)
	if err != nil {
		return api.Imported{}, err
	}
	var told []string
	sum, err := backfill.Run(ctx, backfill.Config{
		Judge: s.judge, Sink: embedded.New(embedded.Config{Store: s.archive.store}),
		Workers: runtime.GOMAXPROCS(0), Cluster: cluster, Labels: labels, Retention: s.cfg.Store.Retention, Now: time.Now,
		Entries: new(gcp.Stream),
		Rejected: func(r *audit.Rejection) {
			if len(told) < rejectionsTold {
				told = append(told, r.Error())
			}
		},
	}, []backfill.Input{backfill.Stream("body", body)})
	if sum == nil {
		return api.Imported{}, err
	}
	out := api.Imported{
		Events: uint64(sum.Events), Known: uint64(sum.Known), Detections: uint64(sum.Detections), Redacted: uint64(sum.Redacted),
		Expired: uint64(sum.Expired), Ahead: uint64(sum.Ahead), From: sum.From, To: sum.To, Rejections: told,
	}
	for reason, n := range sum.Rejected {
		if out.Rejected == nil {
			out.Rejected = map[string]uint64{}
		}
		out.Rejected[string(reason)] = uint64(n)
	}
	return out, importProblem(err)
}

// labelsOf gives the labels of a cluster that events may be of.
func (s *Server) labelsOf(cluster string) (map[string]string, error) {
	if len(s.cfg.Clusters) == 0 {
		return nil, nil
	}
	c, ok := s.cfg.Cluster(cluster)
	if !ok {
		var names []string
		for _, c := range s.cfg.Clusters {
			names = append(names, c.Name)
		}
		slices.Sort(names)
		return nil, &api.Problem{Type: api.ProblemParameter, Status: http.StatusBadRequest, Title: "Unknown cluster", Parameter: "cluster", Detail: fmt.Sprintf("%q is none of the clusters of this service; name one of %q", cluster, names)}
	}
	return c.LabelMap(), nil
}

// importProblem says what the sender of an import can do about an error.
func importProblem(err error) error {
	var full store.ReadOnly
	var unread *backfill.InputError
	switch {
	case errors.As(err, &full):
		return &api.Problem{Type: api.ProblemReadOnly, Status: http.StatusServiceUnavailable, Title: "No room", Detail: "the disk of the store has too little room; make some, and send all of it again: what is stored is known by then"}
	case errors.As(err, &unread):
		return &api.Problem{Type: api.ProblemBody, Status: http.StatusBadRequest, Title: "The body cannot be read to its end", Detail: unread.Err.Error() + "; send all of it again: what is stored is known by then"}
	}
	return err
}
