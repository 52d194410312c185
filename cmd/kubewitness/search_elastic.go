package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/indices"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/search/elastic"
	"github.com/kubewitness/kubewitness/pkg/server"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// What can be searched.
const (
	onStore         = "store"
	onElasticsearch = "elasticsearch"
)

// indexFlags say what is searched, and which cluster where that is Elasticsearch.
type indexFlags struct {
	on                 string
	nodes              []string
	apiKeyFile, caFile string
	namespace          string
}

func (f *indexFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.on, "on", onStore, "what to search: the embedded `store`, or elasticsearch")
	fs.StringArrayVar(&f.nodes, "elasticsearch", nil, "`URL` of an Elasticsearch node (default: those of the configuration); repeat for more nodes of the cluster")
	fs.StringVar(&f.apiKeyFile, "elasticsearch-api-key-file", "", "`file` with an API key, encoded, that may read the data stream")
	fs.StringVar(&f.caFile, "elasticsearch-ca-file", "", "`file` with the authorities that sign the nodes' certificates")
	fs.StringVar(&f.namespace, "namespace", "", "`namespace` of the data stream (default: that of the configuration); * is any")
}

// given tells whether a flag says something of Elasticsearch.
func (f *indexFlags) given() bool {
	return len(f.nodes) > 0 || f.apiKeyFile != "" || f.caFile != "" || f.namespace != ""
}

// settings are the flags of settings that were given.
func (f *indexFlags) settings() map[string][]string {
	all := map[string][]string{}
	if len(f.nodes) > 0 {
		all["elasticsearch"] = f.nodes
	}
	if f.apiKeyFile != "" {
		all["elasticsearch-api-key-file"] = []string{f.apiKeyFile}
	}
	if f.caFile != "" {
		all["elasticsearch-ca-file"] = []string{f.caFile}
	}
	return all
}

// open opens what is searched.
func (c *searchCommand) open(ctx context.Context) (*archive, error) {
	if c.index.on == onElasticsearch && c.follow {
		return nil, errors.New("--follow needs a running service: name it with --server; Elasticsearch does not tell what comes")
	}
	return c.index.open(ctx, c.stdio, &c.archive)
}

// open opens what is searched: the events of a service or a folder, or those in
// Elasticsearch.
func (f *indexFlags) open(ctx context.Context, io stdio, of *archiveFlags) (*archive, error) {
	switch {
	case f.on == onStore && f.given():
		return nil, errors.New("--elasticsearch and --namespace are for --on elasticsearch")
	case f.on == onStore:
		return of.open(io)
	case f.on != onElasticsearch:
		return nil, fmt.Errorf("--on %q: store or elasticsearch", f.on)
	case of.server != "" || of.data != "":
		return nil, errors.New("--server and --data name a service and its store; leave them out with --on elasticsearch")
	}
	return f.openIndex(ctx, io, of)
}

// openIndex makes an archive of the events in Elasticsearch. That there are some is asked
// first, so that a cluster which cannot be asked is told of in a sentence.
func (f *indexFlags) openIndex(ctx context.Context, io stdio, of *archiveFlags) (*archive, error) {
	of.settings = f.settings()
	cfg, err := of.loadConfig(io, nil)
	if err != nil {
		return nil, err
	}
	o := &cfg.Outputs.Elasticsearch
	if !o.On() {
		return nil, errors.New("no cluster is named; give --elasticsearch https://host:9200, or a configuration with outputs.elasticsearch.nodes or cloud_id")
	}
	if f.namespace != "" {
		o.Namespace = f.namespace
	}
	client, err := elasticsearch.Open(server.ElasticsearchConfig(cfg.Config))
	if err != nil {
		return nil, fmt.Errorf("outputs.elasticsearch: %w", err)
	}
	rows, err := elastic.New(elastic.Config{Client: client, Namespace: o.Namespace, Kind: search.ColumnKind})
	if err != nil {
		client.Close()
		return nil, err
	}
	st, err := rows.Stats(ctx)
	if err != nil {
		client.Close()
		return nil, askError(ctx, io.err, "", indexProblem(ctx, err))
	}
	state := api.Store{Events: st.Events, Oldest: st.Oldest, Newest: st.Newest}
	return localArchive(io, cfg, indexed{rows}, func() api.Store { return state }, client.Close)
}

// indexed are rows that say what is wrong with a cluster to whoever asked: that is no
// business of a service.
type indexed struct{ rows *elastic.Rows }

var _ search.Rows = indexed{}

// Newest implements search.Rows. What yield says is passed on as it is.
func (x indexed) Newest(ctx context.Context, q store.Query, o store.Scan, yield func(store.Row) error) error {
	var stopped error
	err := x.rows.Newest(ctx, q, o, func(r store.Row) error {
		stopped = yield(r)
		return stopped
	})
	if stopped != nil {
		return err
	}
	return indexProblem(ctx, err)
}

// Count implements search.Rows.
func (x indexed) Count(ctx context.Context, q store.Query) (uint64, error) {
	n, err := x.rows.Count(ctx, q)
	return n, indexProblem(ctx, err)
}

// Histogram implements search.Rows.
func (x indexed) Histogram(ctx context.Context, q store.Query, step time.Duration) ([]store.Bucket, error) {
	found, err := x.rows.Histogram(ctx, q, step)
	return found, indexProblem(ctx, err)
}

// Facets implements search.Rows.
func (x indexed) Facets(ctx context.Context, q store.Query, columns []store.FacetColumn, limit int) ([]store.Facet, error) {
	found, err := x.rows.Facets(ctx, q, columns, limit)
	return found, indexProblem(ctx, err)
}

// Get implements search.Rows.
func (x indexed) Get(ctx context.Context, id string, f store.Filter) (store.Row, bool, error) {
	r, ok, err := x.rows.Get(ctx, id, f)
	return r, ok, indexProblem(ctx, err)
}

// indexProblem says in a sentence why the cluster does not answer.
func indexProblem(ctx context.Context, err error) error {
	var refused *elasticsearch.Refused
	var failed *elasticsearch.Unavailable
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &failed), errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		err = errors.New(indices.Reason(err))
	}
	return &api.Problem{Title: err.Error(), Status: http.StatusBadGateway}
}
