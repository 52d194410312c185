package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate returns all that is wrong with what the values mean, as [Problems];
// [Loaded.Validate] adds the places.
func (c *Config) Validate() error { return c.problems().err() }

// judge collects what is wrong with a configuration.
type judge struct {
	*Config
	found Problems
}

func (c *Config) problems() Problems {
	j := &judge{Config: c}
	if c.Data == "" {
		j.refuse("data", "is empty; name a folder, such as /var/lib/kubewitness")
	}
	j.values(root, reflect.ValueOf(c).Elem(), "")
	j.rules()
	j.webhook()
	j.credentials("webhook", c.Webhook.Credentials, c.Webhook.TLS)
	j.admission()
	j.clusters()
	j.tails()
	j.cloudLogging(j.CloudLogging)
	j.pubSub(j.PubSub)
	j.http()
	j.spool()
	j.store()
	j.redact()
	j.outputs()
	return j.found
}

func (j *judge) refuse(key, format string, args ...any) {
	j.found = append(j.found, &Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

// values holds what the tags say of each value.
func (j *judge) values(sec *setting, v reflect.Value, prefix string) {
	for i, s := range sec.below {
		f, key := v.Field(i), under(prefix, s.name)
		switch {
		case s.kind == section:
			j.values(s, f, key)
		case s.kind == items:
			for n := range f.Len() {
				j.values(s, f.Index(n), item(key, n))
			}
		case s.one != nil && !slices.Contains(s.one, f.String()):
			j.refuse(key, "%q: write %s", f.String(), orList(s.one))
		case s.kind == whole || s.kind == size || s.kind == span:
			j.least(s, f, key)
		case s.kind == number && (f.Float() < 0 || math.IsNaN(f.Float()) || math.IsInf(f.Float(), 0)):
			j.refuse(key, "%v is no number to count with; write one that is not below 0", f.Float())
		}
	}
}

func (j *judge) least(s *setting, v reflect.Value, key string) {
	least := reflect.Zero(s.typ)
	if s.least != nil {
		least = reflect.ValueOf(s.least)
	}
	if v.Int() < least.Int() {
		j.refuse(key, "%s is too little; write %s or more", format(v.Interface()), format(least.Interface()))
	}
}

func (j *judge) rules() {
	j.noEmpty("rules.paths", j.Rules.Paths)
	j.noEmpty("rules.append_fields", j.Rules.AppendFields)
}

func (j *judge) redact() {
	j.noEmpty("redact.keys", j.Redact.Keys)
	j.noEmpty("redact.env_names", j.Redact.EnvNames)
	j.noEmpty("redact.except", j.Redact.Except)
}

func (j *judge) noEmpty(key string, list []string) {
	for i, v := range list {
		if v == "" {
			j.refuse(item(key, i), "is empty; write something or take it away")
		}
	}
}

// clusterForm is what a name of a cluster looks like.
var clusterForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

// maxName is how many bytes a name of a cluster or a credential may have.
const maxName = 63

// nameAdvice is what to write for a name.
const nameAdvice = "write lower-case letters, digits, - and . (not at the ends), 63 at most"

// ValidClusterName reports whether a text can be the name of a cluster: lower-case
// letters, digits, "-" and ".", a letter or digit at both ends, 63 bytes at most.
func ValidClusterName(s string) bool { return len(s) <= maxName && clusterForm.MatchString(s) }

func (j *judge) clusters() {
	seen := map[string]bool{}
	for i, cl := range j.Clusters {
		at := item("clusters", i)
		switch {
		case !ValidClusterName(cl.Name):
			j.refuse(at+".name", "%q is no name of a cluster; %s", cl.Name, nameAdvice)
		case seen[cl.Name]:
			j.refuse(at+".name", "%q is listed before; list a cluster once", cl.Name)
		}
		seen[cl.Name] = true
		if cl.Burst > 0 && cl.EventsPerSecond == 0 {
			j.refuse(at+".burst", "means nothing without events_per_second; set that too")
		}
		j.labels(at, cl.Labels)
	}
}

// labelForm is what a name of a label looks like; those of Kubernetes do.
var labelForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]{0,252}$`)

// maxLabel is how many bytes the value of a label may have: it goes with every record.
const maxLabel = 253

func (j *judge) labels(cluster string, labels []Label) {
	seen := map[string]bool{}
	for i, l := range labels {
		at := item(cluster+".labels", i)
		switch {
		case !labelForm.MatchString(l.Name):
			j.refuse(at+".name", "%q is no name of a label; write letters, digits, _, -, . and /, a letter, digit or _ first, 253 at most", l.Name)
		case seen[l.Name]:
			j.refuse(at+".name", "%q is there before; give a label once", l.Name)
		}
		seen[l.Name] = true
		if len(l.Value) > maxLabel {
			j.refuse(at+".value", "has %d bytes; write %d at most", len(l.Value), maxLabel)
		}
	}
}

// known holds that a name is of a cluster that may be named.
func (j *judge) known(key, name string) {
	switch {
	case !ValidClusterName(name):
		j.refuse(key, "%q is no name of a cluster; %s", name, nameAdvice)
	case len(j.Clusters) == 0:
	default:
		if _, ok := j.Cluster(name); !ok {
			j.refuse(key, "%q is not under clusters; add it there, or name one of them: %s", name, j.clusterNames())
		}
	}
}

func (j *judge) clusterNames() string {
	names := make([]string, len(j.Clusters))
	for i, cl := range j.Clusters {
		names[i] = strconv.Quote(cl.Name)
	}
	const shown = 5
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

func (j *judge) tails() {
	seen := map[string]bool{}
	for i, t := range j.Tail {
		at := item("tail", i)
		switch {
		case !filepath.IsAbs(t.File):
			j.refuse(at+".file", "%q is not absolute; write the whole path", t.File)
		case seen[filepath.Clean(t.File)]:
			j.refuse(at+".file", "%q is listed before; list a log once", t.File)
		case filepath.Clean(t.File) == filepath.Clean(j.Outputs.File.Path):
			j.refuse(at+".file", "%q is outputs.file.path too; what is written there would be read again", t.File)
		}
		seen[filepath.Clean(t.File)] = true
		switch {
		case t.Cluster != "":
			j.known(at+".cluster", t.Cluster)
		case j.Webhook.DefaultCluster == "":
			j.refuse(at+".cluster", "is empty, and there is no webhook.default_cluster; name the cluster whose log it is")
		}
	}
}

func (j *judge) http() {
	host, ok := j.address("http.listen", j.HTTP.Listen)
	if !ok {
		return
	}
	if !loopback(host) && !j.HTTP.AllowRemote {
		j.refuse("http.listen", "%q can be reached by others; write 127.0.0.1:8080, or set http.allow_remote: true", j.HTTP.Listen)
	}
	j.tokens()
	if t := j.HTTP.TLS; (t.CertFile == "") != (t.KeyFile == "") {
		j.refuse("http.tls", "has one of cert_file and key_file; name both, or none")
	}
	if j.HTTP.Listen == j.Webhook.Listen && !strings.HasSuffix(j.HTTP.Listen, ":0") {
		j.refuse("http.listen", "%q is webhook.listen too; write another port", j.HTTP.Listen)
	}
}

func (j *judge) tokens() {
	seen := map[string]bool{}
	for i, t := range j.HTTP.Tokens {
		at := item("http.tokens", i)
		switch {
		case !ValidClusterName(t.Name):
			j.refuse(at+".name", "%q is no name; %s", t.Name, nameAdvice)
		case seen[t.Name]:
			j.refuse(at+".name", "%q is there before; give each token a name of its own", t.Name)
		}
		seen[t.Name] = true
		if t.File == "" {
			j.refuse(at+".file", "is empty; name the file that holds the token")
		}
		if len(t.Clusters) == 0 {
			j.refuse(at+".clusters", `is empty; list clusters, or write ["*"] for all of them`)
		}
		for n, name := range t.Clusters {
			if name != AnyCluster {
				j.known(item(at+".clusters", n), name)
			}
		}
		j.noEmpty(at+".namespaces", t.Namespaces)
		if t.Import && len(t.Namespaces) > 0 {
			j.refuse(at+".import", "is of no use with namespaces: what is put in is of all of them; take one of the two away")
		}
	}
}

func (j *judge) store() {
	if f := j.Store.FreeFloor; j.Store.Enabled && j.Spool.URL == "" && f != 0 && f >= j.Spool.FreeFloor {
		j.refuse("store.free_floor", "%s is not less than spool.free_floor, %s: a full log could not be taken by the store; write less, or 0 for half of that",
			format(f), format(j.Spool.FreeFloor))
	}
	if k := j.Store.KeepFree; j.Store.Enabled && j.Spool.URL == "" && k != 0 && k <= j.Spool.FreeFloor {
		j.refuse("store.keep_free", "%s is not more than spool.free_floor, %s: old days would go too late to make room for the durable log; write more, or 0 for twice that",
			format(k), format(j.Spool.FreeFloor))
	}
	if j.Store.Enabled && j.Store.SyncEvery >= j.Spool.AckWait {
		j.refuse("store.sync_every", "%s is not less than spool.ack_wait, %s", format(j.Store.SyncEvery), format(j.Spool.AckWait))
	}
}

// address takes host:port apart; false for an empty one, and for a bad one, which it
// refuses.
func (j *judge) address(key, s string) (host string, ok bool) {
	if s == "" {
		return "", false
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		j.refuse(key, "%q is no address; write host:port, such as 127.0.0.1:9443 or [::1]:9443", s)
		return "", false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		j.refuse(key, "%q has no port between 0 and 65535; write host:port, such as 127.0.0.1:9443", s)
		return "", false
	}
	if !hostForm.MatchString(host) {
		if _, err := netip.ParseAddr(host); err != nil {
			j.refuse(key, "%q has no host that could be one; write an IP address or a name, or nothing for all addresses", s)
			return "", false
		}
	}
	return host, true
}

// hostForm is a name of a host, an IPv4 address, or nothing.
var hostForm = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)?$`)

// loopback reports whether only this host can reach an address.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// streamForm is what the name of a stream looks like.
var streamForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (j *judge) spool() {
	s := j.Spool
	if !streamForm.MatchString(s.Stream) {
		j.refuse("spool.stream", "%q is no name of a stream; write letters, digits, - and _, 64 at most", s.Stream)
	}
	if s.URL == "" && s.Replicas > 1 {
		j.refuse("spool.replicas", "%d: the embedded log has one; set spool.url, or write 1", s.Replicas)
	}
	for _, u := range strings.Split(s.URL, ",") {
		if s.URL != "" && !goodURL(u, "nats", "tls", "ws", "wss") {
			j.refuse("spool.url", "%q is no list of NATS servers; write nats://host:4222 or tls://host:4222, several with commas and without spaces", MaskURL(s.URL))
			break
		}
	}
	if s.MaxRecord < s.MaxPayload {
		j.refuse("spool.max_record", "%v is below spool.max_payload, %v; write more", s.MaxRecord, s.MaxPayload)
	}
	if s.MaxRecord < j.Webhook.MaxBody {
		j.refuse("spool.max_record", "%v is below webhook.max_body, %v: such a body could never be stored; write more, or lower that", s.MaxRecord, j.Webhook.MaxBody)
	}
	if s.GroupWait > s.AppendTimeout {
		j.refuse("spool.group_wait", "%s is above spool.append_timeout, %s; write some milliseconds", formatSpan(s.GroupWait), formatSpan(s.AppendTimeout))
	}
	const maxRetry = 25 * time.Second // an API server waits that long within its 30 seconds
	if s.RetryAfter > maxRetry {
		j.refuse("spool.retry_after", "%s is longer than an API server waits before it gives an attempt up; write %s at most", formatSpan(s.RetryAfter), formatSpan(maxRetry))
	}
}
