package config

import (
	"slices"
	"strings"
)

// Flag is a flag that sets a key, as commands register it.
type Flag struct {
	Name  string // webhook-listen
	Short string // one letter; empty: none
	Key   string // webhook.listen
	Doc   string // what --help prints, with the name of the value in backquotes
}

// flags are what a small set-up, or a trial, can do without a file.
var flags = []Flag{
	{Name: "data", Key: "data", Doc: "`folder` of the durable log and of the embedded store"},
	{Name: "hostname", Key: "hostname", Doc: "`name` that outputs give as evt.hostname (default FALCO_HOSTNAME, else the host's)"},
	{Name: "webhook-listen", Key: "webhook.listen", Doc: "`address` that API servers send to, host:port"},
	{Name: "insecure", Key: "webhook.insecure", Doc: "plain HTTP without credentials on a loopback address"},
	{Name: "default-cluster", Key: "webhook.default_cluster", Doc: "`name` of the cluster of requests and logs that name none"},
	{Name: "tail", Key: "tail", Doc: "audit log to follow, `file` or cluster=file; repeat for more"},
	{Name: "http-listen", Key: "http.listen", Doc: "`address` of pages, API, health and metrics, host:port"},
	{Name: "http-allow-remote", Key: "http.allow_remote", Doc: "let others than this host see health and metrics, and pages and API with a token"},
	{Name: "rules", Short: "r", Key: "rules.paths", Doc: "rules `file`, or folder of *.yaml files; repeat for more, in order (default: kubewitness' own rules)"},
	{Name: "matching", Key: "rules.matching", Doc: "alerts of `all` rules that match an event, or of the first only"},
	{Name: "min-priority", Key: "rules.min_priority", Doc: "leave out rules that are less urgent than this `priority`"},
	{Name: "append-field", Key: "rules.append_fields", Doc: "add a `field` to the output fields of every alert; repeat for more"},
	{Name: "spool-url", Key: "spool.url", Doc: "NATS `servers` to keep the log on, instead of the embedded one"},
	{Name: "store", Key: "store.enabled", Doc: "keep events in the embedded store, to be searched"},
	{Name: "retention", Key: "store.retention", Doc: "how `long` the embedded store keeps events, such as 30d"},
	{Name: "stdout", Key: "outputs.stdout.enabled", Doc: "print detections on standard output"},
	{Name: "stdout-format", Key: "outputs.stdout.format", Doc: "detections on standard output as `falco-json`, text or answer"},
	{Name: "elasticsearch", Key: "outputs.elasticsearch.nodes", Doc: "`URL` of an Elasticsearch node to index to; repeat for more nodes of the cluster"},
	{Name: "elasticsearch-api-key-file", Key: "outputs.elasticsearch.api_key_file", Doc: "`file` with its API key, encoded"},
	{Name: "elasticsearch-ca-file", Key: "outputs.elasticsearch.ca_file", Doc: "`file` with the authorities that sign the nodes' certificates"},
	{Name: "log-level", Key: "log.level", Doc: "the least urgent messages to tell: debug, `info`, warn or error"},
	{Name: "log-format", Key: "log.format", Doc: "messages as `text` or json"},
}

// Flags returns the flags that serve and the config commands share.
func Flags() []Flag { return slices.Clone(flags) }

// Switch reports whether the flag takes no value.
func (f Flag) Switch() bool { return root.find(f.Key).kind == onOff }

// Repeated reports whether the flag may be given more than once. Its values replace
// the list of the file.
func (f Flag) Repeated() bool { return !root.find(f.Key).scalar() }

// Default is the default as a text; empty for repeated flags.
func (f Flag) Default() string {
	if f.Repeated() {
		return ""
	}
	c := Default()
	return format(root.find(f.Key).in(&c).Interface())
}

// readFlags reads the values of the flags that were given, by name.
func readFlags(given map[string][]string) *layer {
	l := newLayer(FromFlag)
	for _, f := range flags {
		values, ok := given[f.Name]
		if !ok || len(values) == 0 {
			continue
		}
		where := "--" + f.Name
		v, err := f.value(values)
		if err != nil {
			l.refuse(where, f.Key, "%v", err)
			continue
		}
		l.values[f.Key], l.where[f.Key] = v, where
	}
	return l
}

func (f Flag) value(given []string) (any, error) {
	s := root.find(f.Key)
	for _, v := range given {
		if err := printable(v); err != nil {
			return nil, err
		}
	}
	switch s.kind {
	case items:
		return tails(given), nil
	case texts:
		return slices.Clone(given), nil
	}
	return s.parse(given[len(given)-1])
}

// tails reads logs to follow: /file or cluster=/file.
func tails(given []string) []Tail {
	list := make([]Tail, len(given))
	for i, v := range given {
		list[i] = Tail{File: v}
		if cluster, file, ok := strings.Cut(v, "="); ok && !strings.Contains(cluster, "/") {
			list[i] = Tail{File: file, Cluster: cluster}
		}
	}
	return list
}
