package config

import (
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// Config is the whole configuration. The tags of a field are its name in the file
// (mapstructure), its meaning (doc), the values it may have (one), and its least
// value (least). [Default] has the defaults.
type Config struct {
	Data         string       `mapstructure:"data" doc:"Folder of the durable log and of all other state. One process at a time uses it."`
	Hostname     string       `mapstructure:"hostname" doc:"What rules and outputs see as evt.hostname. Empty: the variable FALCO_HOSTNAME, else the name of the host."`
	Rules        Rules        `mapstructure:"rules" doc:"What events are judged against."`
	Webhook      Webhook      `mapstructure:"webhook" doc:"Where API servers send their audit events."`
	Admission    Admission    `mapstructure:"admission" doc:"Where API servers ask before they do something (ValidatingWebhook); see docs/admission.md."`
	Clusters     []Cluster    `mapstructure:"clusters" doc:"The clusters that events come from. Whoever names another is refused. Without a list, logs under tail may be of any, and with webhook.insecure so may requests."`
	Tail         []Tail       `mapstructure:"tail" doc:"Audit logs of API servers that are followed, beside the webhook or instead of it."`
	CloudLogging CloudLogging `mapstructure:"cloudlogging" doc:"Audit logs of GKE, read from the Cloud Logging API; see docs/gke.md."`
	PubSub       PubSub       `mapstructure:"pubsub" doc:"Audit logs of GKE, sent by a log sink to Pub/Sub; see docs/gke.md."`
	HTTP         HTTP         `mapstructure:"http" doc:"Pages, API, health and metrics: /, /api/v1/, /healthz, /readyz, /metrics, /status."`
	Log          Log          `mapstructure:"log" doc:"What the service tells about itself, on standard error."`
	Spool        Spool        `mapstructure:"spool" doc:"The durable log between sources and outputs."`
	Store        Store        `mapstructure:"store" doc:"The embedded store: events and detections, to be searched."`
	Redact       Redact       `mapstructure:"redact" doc:"What is taken for a secret where names decide. Patterns match whole names in any case; * is any text, ? one byte."`
	Outputs      Outputs      `mapstructure:"outputs" doc:"Where detections go. Each output reads the log on its own; without any, the log keeps the newest spool.max_bytes."`
}

// Values of rules.matching.
const (
	MatchAll   = "all"
	MatchFirst = "first"
)

// Values of the formats of outputs.
const (
	FormatFalcoJSON = "falco-json"
	FormatText      = "text"
	FormatAnswer    = "answer"
)

// Rules are the settings of the rules.
type Rules struct {
	Paths        []string       `mapstructure:"paths" doc:"Rules files, or folders of *.yaml files, in order. None: the rules that come with kubewitness."`
	Matching     string         `mapstructure:"matching" one:"all,first" doc:"Whether all rules that match an event fire, or the first only."`
	MinPriority  rules.Priority `mapstructure:"min_priority" doc:"Rules that are less urgent than this are left out."`
	AppendFields []string       `mapstructure:"append_fields" doc:"Fields that are added to the output fields of every detection, as Falco's append_output does."`
	Watch        bool           `mapstructure:"watch" doc:"Load the rules again when their files change. Bad rules leave the old ones in force."`
	StateMemory  Size           `mapstructure:"state_memory" least:"64KiB" doc:"What a rule about several events may keep in memory. What was touched longest ago makes room."`
}

// Webhook are the settings of the endpoint that API servers send to.
type Webhook struct {
	Listen         string        `mapstructure:"listen" doc:"Address, host:port. Empty: no webhook."`
	MaxBody        Size          `mapstructure:"max_body" least:"1KiB" doc:"Bytes that a request's body may have, after it is uncompressed."`
	TLS            WebhookTLS    `mapstructure:"tls" doc:"Certificate of the endpoint. The files are read again when they change."`
	Insecure       bool          `mapstructure:"insecure" doc:"Plain HTTP, and no credential is asked for. On a loopback address only."`
	Credentials    []Credential  `mapstructure:"credentials" doc:"Who may send, and for which clusters."`
	Patience       time.Duration `mapstructure:"patience" least:"1s" doc:"How long the webhook may still bring an event that a log under tail has; then it counts as lost by the webhook, which is told. API servers try for 250 s."`
	DefaultCluster string        `mapstructure:"default_cluster" doc:"Cluster of requests, and of logs under tail, that name none."`
}

// WebhookTLS are the files of the webhook's TLS.
type WebhookTLS struct {
	CertFile     string `mapstructure:"cert_file" doc:"File with the certificate, then those of the authorities between, as PEM."`
	KeyFile      string `mapstructure:"key_file" doc:"File with the certificate's private key, as PEM."`
	ClientCAFile string `mapstructure:"client_ca_file" doc:"File with the authorities that sign certificates of clients, as PEM."`
}

// Credential is a proof of who sends: exactly one of token, certificate and path.
type Credential struct {
	Name            string   `mapstructure:"name" doc:"Name of the credential in logs and metrics."`
	TokenFile       string   `mapstructure:"token_file" doc:"File with a bearer token."`
	CertificateName string   `mapstructure:"certificate_name" doc:"Common name, or DNS name, of the client's certificate. Needs tls.client_ca_file of the same section."`
	PathSecretFile  string   `mapstructure:"path_secret_file" doc:"File with a text that the path of the URL must contain, for senders that can do no better."`
	Clusters        []string `mapstructure:"clusters" doc:"Clusters whose events may be sent with it; * is all that are listed."`
}

// AnyCluster in Credential.Clusters stands for every listed cluster.
const AnyCluster = "*"

// Cluster is one cluster that events come from.
type Cluster struct {
	Name             string  `mapstructure:"name" doc:"Name: lower-case letters, digits, - and ., 63 at most."`
	Labels           []Label `mapstructure:"labels" doc:"What is known about the cluster: environment, region, anything. Kept with its events."`
	EventsPerSecond  float64 `mapstructure:"events_per_second" doc:"Events that it may send in a second on average; more are answered 429. 0: no limit."`
	Burst            int     `mapstructure:"burst" doc:"Events that it may send at once, after a time of silence. 0: those of one second."`
	Quota            Size    `mapstructure:"quota" doc:"Bytes, compressed, that it may have in the log and that no output has taken yet. 0: spool.quota."`
	Redact           bool    `mapstructure:"redact" doc:"Take secrets out of its events before they are stored."`
	WholeDeadLetters bool    `mapstructure:"whole_dead_letters" doc:"Keep all of a body that cannot be read, not only its beginning. It may hold secrets."`
}

// Label is a name and a value. It is no YAML mapping because names keep their case.
type Label struct {
	Name  string `mapstructure:"name" doc:"Name of the label, its case kept."`
	Value string `mapstructure:"value" doc:"Value of the label; numbers in quotes."`
}

// Tail is a log that is followed.
type Tail struct {
	File      string `mapstructure:"file" doc:"Absolute path of the log, as the API server's --audit-log-path says."`
	Cluster   string `mapstructure:"cluster" doc:"The cluster whose log it is. Empty: webhook.default_cluster."`
	FromStart bool   `mapstructure:"from_start" doc:"Read a log that was not followed before from its first line, not from its end."`
}

// HTTP are the settings of the endpoint of pages, API, health and metrics.
type HTTP struct {
	Listen      string  `mapstructure:"listen" doc:"Address, host:port. Empty: none."`
	AllowRemote bool    `mapstructure:"allow_remote" doc:"Allow an address that others can reach, as in a pod. Health and metrics ask for no password; pages and API are there only with http.tokens."`
	TLS         HTTPTLS `mapstructure:"tls" doc:"Certificate of the endpoint. None: plain HTTP. The files are read again when they change."`
	Tokens      []Token `mapstructure:"tokens" doc:"Who may read pages and API: as bearer token, or as the password that a browser asks for, with any name. None: whoever reaches a loopback address may read all."`
}

// HTTPTLS are the files of the TLS of pages and API.
type HTTPTLS struct {
	CertFile string `mapstructure:"cert_file" doc:"File with the certificate, then those of the authorities between, as PEM."`
	KeyFile  string `mapstructure:"key_file" doc:"File with the certificate's private key, as PEM."`
}

// Token lets its bearer read.
type Token struct {
	Name       string   `mapstructure:"name" doc:"Name of the token in logs."`
	File       string   `mapstructure:"file" doc:"File with the token, 16 bytes at least. It is read again when it changes."`
	Clusters   []string `mapstructure:"clusters" doc:"Clusters whose events may be read; * is all of them."`
	Namespaces []string `mapstructure:"namespaces" doc:"Only events of objects in these namespaces. None: all events of the clusters."`
	Import     bool     `mapstructure:"import" doc:"Allow to put history into the store."`
}

// Log are the settings of the service's own log.
type Log struct {
	Level  string `mapstructure:"level" one:"debug,info,warn,error" doc:"The least urgent messages that are told."`
	Format string `mapstructure:"format" one:"text,json" doc:"Form of the messages."`
}

// Spool are the settings of the durable log.
type Spool struct {
	URL           string        `mapstructure:"url" mask:"url" doc:"NATS servers to use instead of the embedded one: nats://host:4222, several with commas. Empty: embedded, in data."`
	Replicas      int           `mapstructure:"replicas" least:"1" doc:"How many servers of spool.url store each message."`
	Stream        string        `mapstructure:"stream" doc:"Name of the stream: letters, digits, - and _, 64 at most."`
	MaxBytes      Size          `mapstructure:"max_bytes" least:"1MiB" doc:"Bytes that the log stores at most. Beyond, senders are answered 429 until outputs have caught up."`
	FreeFloor     Size          `mapstructure:"free_floor" least:"1" doc:"Bytes of the disk that stay free: below, senders are answered 429."`
	DeadBytes     Size          `mapstructure:"dead_bytes" least:"1" doc:"Bytes of dead letters that are kept; beyond, the oldest go."`
	Quota         Size          `mapstructure:"quota" doc:"Bytes, compressed, that a cluster may have in the log and that no output has taken yet, unless it has its own. 0: no limit."`
	MaxPayload    Size          `mapstructure:"max_payload" least:"4KiB" doc:"Bytes that a message of the log has at most; larger records are cut. The server's own limit is observed in any case."`
	MaxRecord     Size          `mapstructure:"max_record" least:"4KiB" doc:"Bytes that a request's events take in the log at most, before they are compressed, with what was found in them."`
	MaxQueued     Size          `mapstructure:"max_queued" least:"1MiB" doc:"Bytes that wait in memory for the disk at most. Beyond, senders are answered 429."`
	GroupWait     time.Duration `mapstructure:"group_wait" least:"1ms" doc:"How long a record waits for others to be written with it while a write is under way."`
	AppendTimeout time.Duration `mapstructure:"append_timeout" least:"1ms" doc:"How long a write may take before its sender is answered 503."`
	RetryAfter    time.Duration `mapstructure:"retry_after" least:"1s" doc:"When senders that were answered 429 or 503 shall try again."`
	AckWait       time.Duration `mapstructure:"ack_wait" least:"1ms" doc:"How long an output of a process that has vanished keeps what it was given."`
}

// Store are the settings of the embedded store.
type Store struct {
	Enabled   bool          `mapstructure:"enabled" doc:"Keep events in the embedded store, below data. Without it there is nothing to search."`
	Retention time.Duration `mapstructure:"retention" least:"24h" doc:"How long events are kept, by their own time. Whole days are dropped, in UTC. Events that come when they are older are filed under the time at which they were received."`
	MaxBytes  Size          `mapstructure:"max_bytes" doc:"Bytes on disk; beyond, the oldest days go, but never the last two. 0: no limit but the free disk."`
	KeepFree  Size          `mapstructure:"keep_free" doc:"Bytes of the disk that shall be free: below, the oldest days go, but never the last two. More than spool.free_floor, so that they make room for the durable log. 0: twice that."`
	FreeFloor Size          `mapstructure:"free_floor" doc:"Bytes of the disk that stay free: below, the store takes nothing and events wait in the durable log. Less than spool.free_floor, so that the store can take what a full log holds. 0: half of that."`
	Memory    Size          `mapstructure:"memory" least:"32MiB" doc:"Bytes of memory for the store's caches."`
	SyncEvery time.Duration `mapstructure:"sync_every" least:"10ms" doc:"How often what the store took is put on disk for good, and can be found. Until then the durable log keeps it."`
}

// Redact are the patterns of names that stand for secrets.
type Redact struct {
	Keys     []string `mapstructure:"keys" doc:"Keys of ConfigMaps, query parameters and flags whose values are secrets. None: the patterns of docs/redaction.md."`
	EnvNames []string `mapstructure:"env_names" doc:"Environment variables whose values are secrets. None: the same."`
	Except   []string `mapstructure:"except" doc:"Names that are no secrets though another pattern matches. None: the exceptions of docs/redaction.md."`
}

// Outputs are where detections go.
type Outputs struct {
	Stdout StdoutOutput `mapstructure:"stdout" doc:"Lines on standard output."`
	File   FileOutput   `mapstructure:"file" doc:"Lines at the end of a file."`
	HTTP   HTTPOutput   `mapstructure:"http" doc:"One POST a detection in Falco's JSON, as Falco's http_output sends, for instance to falcosidekick."`

	Late bool `mapstructure:"late" doc:"Send out, to stdout, file and http, what Cloud Logging or Pub/Sub brought more than an hour after it happened. Otherwise it is stored and indexed only, and counted: a back-fill would be a flood."`

	Elasticsearch ElasticsearchOutput `mapstructure:"elasticsearch" doc:"Events and detections in Elasticsearch, in two data streams; see docs/elasticsearch.md."`
}

// StdoutOutput prints detections.
type StdoutOutput struct {
	Enabled bool   `mapstructure:"enabled" doc:"Switches it on."`
	Format  string `mapstructure:"format" one:"falco-json,text,answer" doc:"Falco's JSON, Falco's lines, or sentences that say who did what, when and where, repeats counted."`
}

// FileOutput appends detections to a file.
type FileOutput struct {
	Path   string `mapstructure:"path" doc:"Absolute path. Empty: off."`
	Format string `mapstructure:"format" one:"falco-json,text,answer" doc:"As of stdout."`
}

// HTTPOutput posts detections.
type HTTPOutput struct {
	URL       string        `mapstructure:"url" mask:"url" doc:"Where to, http:// or https://. Empty: off."`
	Timeout   time.Duration `mapstructure:"timeout" least:"1ms" doc:"How long an answer may take before the detection is sent again."`
	InFlight  int           `mapstructure:"in_flight" least:"1" doc:"Requests under way at once."`
	CAFile    string        `mapstructure:"ca_file" doc:"File with the authorities that sign the receiver's certificate, as PEM. Empty: the system's."`
	CertFile  string        `mapstructure:"cert_file" doc:"File with a certificate to show to the receiver, as PEM."`
	KeyFile   string        `mapstructure:"key_file" doc:"File with its private key, as PEM."`
	Headers   []Header      `mapstructure:"headers" doc:"Headers of every request, such as Authorization."`
	UserAgent string        `mapstructure:"user_agent" doc:"The User-Agent of the requests."`
}

// Header is a header of requests; its value is a secret until proven otherwise.
type Header struct {
	Name      string `mapstructure:"name" doc:"Name of the header."`
	ValueFile string `mapstructure:"value_file" doc:"File with the value."`
}

// Default returns the configuration that no source has touched.
func Default() Config {
	return Config{
		Data:         "/var/lib/kubewitness",
		Rules:        Rules{Matching: MatchAll, MinPriority: rules.Debug, Watch: true, StateMemory: 16 << 20},
		Webhook:      Webhook{MaxBody: 64 << 20, Patience: 5 * time.Minute},
		HTTP:         HTTP{Listen: "127.0.0.1:8080"},
		Admission:    defaultAdmission(),
		CloudLogging: defaultCloudLogging(), PubSub: defaultPubSub(),
		Log: Log{Level: "info", Format: "text"},
		Spool: Spool{
			Replicas: 1, Stream: "KUBEWITNESS",
			MaxBytes: 8 << 30, FreeFloor: 512 << 20, DeadBytes: 256 << 20,
			MaxPayload: 1<<20 - 4<<10, MaxRecord: 128 << 20, MaxQueued: 64 << 20,
			GroupWait: 5 * time.Millisecond, AppendTimeout: 10 * time.Second, RetryAfter: 3 * time.Second, AckWait: 30 * time.Second,
		},
		Store: Store{Enabled: true, Retention: 30 * 24 * time.Hour, Memory: 160 << 20, SyncEvery: time.Second},
		Outputs: Outputs{
			Stdout: StdoutOutput{Enabled: true, Format: FormatFalcoJSON},
			File:   FileOutput{Format: FormatFalcoJSON},
			HTTP:   HTTPOutput{Timeout: 10 * time.Second, InFlight: 4, UserAgent: "kubewitness"},

			Elasticsearch: defaultElasticsearch(),
		},
	}
}

// defaultCluster is what a cluster is before its entry in the list is read.
func defaultCluster() Cluster { return Cluster{Redact: true} }

// Cluster returns the listed cluster of a name.
func (c *Config) Cluster(name string) (Cluster, bool) {
	i := slices.IndexFunc(c.Clusters, func(cl Cluster) bool { return cl.Name == name })
	if i < 0 {
		return Cluster{}, false
	}
	return c.Clusters[i], true
}

// AnyClusterName reports whether requests may name clusters that are not listed: in
// insecure mode without a list. [ValidClusterName] says which names are names.
func (c *Config) AnyClusterName() bool { return c.Webhook.Insecure && len(c.Clusters) == 0 }

// TailCluster returns the cluster whose log it is. It is listed, unless no cluster
// is.
func (c *Config) TailCluster(t Tail) string {
	if t.Cluster == "" {
		return c.Webhook.DefaultCluster
	}
	return t.Cluster
}

// LabelMap returns the labels by name; nil without any.
func (c Cluster) LabelMap() map[string]string {
	if len(c.Labels) == 0 {
		return nil
	}
	m := make(map[string]string, len(c.Labels))
	for _, l := range c.Labels {
		m[l.Name] = l.Value
	}
	return m
}

// Allows reports whether events of a cluster may be sent with the credential. That
// the cluster is known is for the caller to see.
func (c Credential) Allows(cluster string) bool {
	return slices.Contains(c.Clusters, AnyCluster) || slices.Contains(c.Clusters, cluster)
}
