package config

import "time"

// ElasticsearchOutput indexes events and detections.
type ElasticsearchOutput struct {
	Nodes        []string      `mapstructure:"nodes" mask:"url" doc:"URLs of the cluster's nodes, https://host:9200. None, and no cloud_id: off."`
	CloudID      string        `mapstructure:"cloud_id" doc:"ID of a deployment on Elastic Cloud, instead of nodes."`
	APIKeyFile   string        `mapstructure:"api_key_file" doc:"File with an API key in its encoded form. Rights to create documents in the two data streams will do; with the right to read them as well, nothing is ever indexed twice."`
	Username     string        `mapstructure:"username" doc:"User of basic authentication, instead of an API key."`
	PasswordFile string        `mapstructure:"password_file" doc:"File with the user's password."`
	CAFile       string        `mapstructure:"ca_file" doc:"File with the authorities that sign the nodes' certificates, as PEM. Empty: the system's."`
	CertFile     string        `mapstructure:"cert_file" doc:"File with a certificate to show to the nodes, as PEM."`
	KeyFile      string        `mapstructure:"key_file" doc:"File with its private key, as PEM."`
	Namespace    string        `mapstructure:"namespace" doc:"What the names of the data streams end with: logs-kubernetes.audit_logs-NAMESPACE, logs-kubewitness.detections-NAMESPACE."`
	Events       bool          `mapstructure:"events" doc:"Index all events. Otherwise detections only."`
	Received     bool          `mapstructure:"request_received" doc:"Index events of the stage RequestReceived too, which say that a request has come and nothing of how it ended."`
	Original     bool          `mapstructure:"original" doc:"Keep each event as it was stored in event.original, so that kubewitness can search and judge it there. About half of the index."`
	GCPAudit     bool          `mapstructure:"gcp_audit" doc:"Index what came from GKE a second time, in logs-gcp.audit-NAMESPACE, as Elastic's integration for Google Cloud has it: its detection rules for GKE read that. Turned on, it takes another elastic setup, and an API key with rights in that stream."`
	Proxies      []string      `mapstructure:"trusted_proxies" doc:"Addresses, or networks such as 10.0.0.0/8, of proxies in front of API servers: source.ip is the last address that is none of these."`
	Timeout      time.Duration `mapstructure:"timeout" least:"1s" doc:"How long an answer may take before the request is sent again."`
	InFlight     int           `mapstructure:"in_flight" least:"1" doc:"Bulk requests under way at once."`
	BulkBytes    Size          `mapstructure:"bulk_bytes" least:"64KiB" doc:"Bytes of a bulk request, uncompressed. Less than http.max_content_length of the nodes."`
	Memory       Size          `mapstructure:"memory" least:"1MiB" doc:"Bytes of documents that wait in memory at most; what comes after them waits in the durable log."`
	Gzip         bool          `mapstructure:"gzip" doc:"Compress requests."`
	KibanaURL    string        `mapstructure:"kibana_url" mask:"url" doc:"URL of Kibana, with the path of the space: pages and documents get links to it. Empty: no links."`
	PageURL      string        `mapstructure:"page_url" mask:"url" doc:"URL under which people reach the pages of this service: documents get a link to the page of their event. Empty: no links."`
}

// On reports whether there is a cluster to index to.
func (o *ElasticsearchOutput) On() bool { return len(o.Nodes) > 0 || o.CloudID != "" }

func defaultElasticsearch() ElasticsearchOutput {
	return ElasticsearchOutput{
		Namespace: "kubewitness", Events: true, Received: true, Original: true, Timeout: time.Minute,
		InFlight: 3, BulkBytes: 4 << 20, Memory: 48 << 20, Gzip: true,
	}
}
