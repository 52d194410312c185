package server

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// ElasticsearchConfig is the client's configuration out of the service's.
func ElasticsearchConfig(cfg config.Config) elasticsearch.Config {
	o := cfg.Outputs.Elasticsearch
	return elasticsearch.Config{
		Nodes: o.Nodes, CloudID: o.CloudID, APIKeyFile: o.APIKeyFile, Username: o.Username, PasswordFile: o.PasswordFile,
		CAFile: o.CAFile, CertFile: o.CertFile, KeyFile: o.KeyFile, Timeout: o.Timeout, Gzip: o.Gzip, UserAgent: "kubewitness", Now: time.Now,
	}
}
