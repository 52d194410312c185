package server

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/indices"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/elastic"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// The sink's cursor moves behind a barrier for which its requests come to an end: often
// enough that little comes again after a crash, seldom enough that they flow.
const (
	indexedEvery = 2 * time.Second
	indexedBytes = 256 << 20
)

// indexing is Elasticsearch with what puts documents there.
type indexing struct {
	client *elasticsearch.Client
	sink   *elastic.Sink
}

// ElasticsearchConfig is the client's configuration out of the service's.
func ElasticsearchConfig(cfg config.Config) elasticsearch.Config {
	o := cfg.Outputs.Elasticsearch
	return elasticsearch.Config{
		Nodes: o.Nodes, CloudID: o.CloudID, APIKeyFile: o.APIKeyFile, Username: o.Username, PasswordFile: o.PasswordFile,
		CAFile: o.CAFile, CertFile: o.CertFile, KeyFile: o.KeyFile, Timeout: o.Timeout, Gzip: o.Gzip, UserAgent: "kubewitness", Now: time.Now,
	}
}

// DocumentOptions are what the configuration says of documents.
func DocumentOptions(o config.ElasticsearchOutput) ecs.Options {
	opt := ecs.Options{Namespace: o.Namespace, KibanaURL: strings.TrimSuffix(o.KibanaURL, "/"), NoOriginal: !o.Original}
	if o.PageURL != "" {
		opt.EventURL = strings.TrimSuffix(o.PageURL, "/") + eventPage
	}
	for _, p := range o.Proxies {
		if network, err := config.ParseNetwork(p); err == nil { // it was validated
			opt.Proxies = append(opt.Proxies, network)
		}
	}
	return opt
}

// IndexOptions are what the configuration says of data streams and their templates.
func IndexOptions(o config.ElasticsearchOutput) indices.Options {
	return indices.Options{Namespace: o.Namespace, Replicas: indices.AutoReplicas, GCPAudit: o.GCPAudit}
}

// eventPage is where below the service's URL the page of an event is; its ID follows.
const eventPage = "/event/"

// openElasticsearch opens the index, if there is one. Nobody is asked for anything yet:
// the service starts while Elasticsearch is down.
func (s *Server) openElasticsearch(context.Context) error {
	o := s.cfg.Outputs.Elasticsearch
	if !o.On() {
		return nil
	}
	client, err := elasticsearch.Open(ElasticsearchConfig(s.cfg))
	if err != nil {
		return err
	}
	s.index = &indexing{client: client}
	templates := indices.Setup{Client: client, Options: IndexOptions(o), Now: time.Now}
	s.index.sink, err = elastic.New(elastic.Config{
		Client: client, Documents: DocumentOptions(o), DetectionsOnly: !o.Events, DropRequestReceived: !o.Received, GCPAudit: o.GCPAudit,
		BulkBytes: int(o.BulkBytes), InFlight: o.InFlight, MaxMemory: int64(o.Memory),
		Dead: s.bury, Missing: templates.Missing, Logger: s.logger, Now: time.Now,
	})
	if err != nil {
		return err
	}
	s.feeds = append(s.feeds, &feed{
		sink: s.index.sink, out: s.index.sink, detections: !o.Events && !o.GCPAudit, logger: s.logger,
		barrier: spool.Barrier{Sync: s.index.sink.Sync, Every: indexedEvery, Bytes: indexedBytes},
	})
	return nil
}

// bury keeps an event that Elasticsearch refuses in every shape.
func (s *Server) bury(ctx context.Context, e *record.Event, reason string) error {
	ruleset, _ := hex.DecodeString(e.Ruleset) // it was made of bytes
	return s.log.Bury(ctx, spool.Dead{Consumer: s.index.sink.Name(), Reason: reason, Record: spool.Record{
		Kind: e.Source, Cluster: e.Event.Cluster, Received: e.Received, Ruleset: ruleset, Extra: record.EncodeExtra(e.Labels),
		Events: []spool.Item{{
			Flags: e.Flags, Raw: e.Event.Raw, Detections: record.EncodeDetections(e.Detections),
			Notes: record.EncodeNotes(record.Notes{ID: e.ID, Redacted: e.Redacted, Faults: e.Faults}),
		}},
	}})
}
