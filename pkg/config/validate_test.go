package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Beginnings of files that are right.
const (
	insecure = "webhook: {listen: 127.0.0.1:9443, insecure: true}\n"
	secure   = `
webhook:
  listen: 0.0.0.0:9443
  tls: {cert_file: /c, key_file: /k, client_ca_file: /ca}
  credentials:
  - {name: token, token_file: /t, clusters: ["*"]}
  - {name: cert, certificate_name: api, clusters: [prod]}
  - {name: path, path_secret_file: /p, clusters: [prod, lab]}
  default_cluster: prod
clusters: [{name: prod}, {name: lab.eu-1}, {name: lab}]
`
)

func TestValidateGood(t *testing.T) {
	for _, text := range []string{
		insecure, secure, "webhook: {listen: localhost:1, insecure: true}\n", "webhook: {listen: '[::1]:1', insecure: true}\n",
		"webhook: {listen: '[::ffff:127.0.0.2]:1', insecure: true, default_cluster: prod}\n",
		"tail: [{file: /a, cluster: prod}]\nhttp: {listen: ''}\n", "webhook: {default_cluster: lab}\ntail: [{file: /a}, {file: /b}]\n",
		insecure + "http: {listen: ':8080', allow_remote: true}\n",
		secure + "http: {listen: ':8080', allow_remote: true, tls: {cert_file: /c, key_file: /k}, tokens: [{name: sre, file: /t, clusters: ['*'], import: true}, {name: shop, file: /s, clusters: [prod], namespaces: [shop]}]}\n",
		insecure + "store: {retention: 7d, max_bytes: 10GiB, free_floor: 500MiB, keep_free: 600MiB}\n", insecure + "store: {enabled: false, keep_free: 1}\n",
		"webhook: {listen: 127.0.0.1:0, insecure: true}\nhttp: {listen: 127.0.0.1:0}\n",
		insecure + "spool: {url: 'nats://a:b@h:4222,tls://h', replicas: 3, quota: 0}\n",
		insecure + "outputs: {file: {path: /a}, http: {url: 'https://h/p', cert_file: /c, key_file: /k, ca_file: /ca}, stdout: {format: answer}}\n",
		insecure + "clusters: [{name: a, labels: [{name: A, value: ''}, {name: a, value: ''}], events_per_second: 1, burst: 5}]\n",
	} {
		l, err := loadText(t, text)
		require.NoError(t, err, text)
		assert.NoError(t, l.Validate(), text)
		assert.NoError(t, l.Config.Validate(), text)
	}
}

// TestValidate: each problem has its place, its key, and what to do.
func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing to do", "", []string{"webhook.listen: is empty, and nothing is under tail, cloudlogging and pubsub: there is no source of events; write host:port, or list a log"}},
		{"no data", insecure + "data: ''", []string{"k.yaml:2: data: is empty; name a folder, such as /var/lib/kubewitness"}},
		{"bare webhook", "webhook: {listen: ':9443'}", []string{
			"webhook.tls.cert_file: is empty; name the files of a certificate and its key, or, for a trial on this host, set webhook.insecure (--insecure)",
			"webhook.credentials: are empty: nobody could send; list who may send for which clusters",
			"clusters: is empty: events of no cluster would be taken; list those that may send",
		}},
		{"insecure for all", "webhook: {insecure: true, listen: ':9443'}", []string{
			`k.yaml:1: webhook.listen: ":9443" can be reached by others, which webhook.insecure forbids; write 127.0.0.1 as the host, or set up TLS and credentials instead`,
		}},
		{"insecure and secure", strings.Replace(secure, "listen: 0.0.0.0:9443", "listen: 127.0.0.1:9443\n  insecure: true", 1), []string{
			"k.yaml:6: webhook.credentials: are not asked for with webhook.insecure; take one of both away",
			"k.yaml:5: webhook.tls: is not used with webhook.insecure; take one of both away",
		}},
		{"tokens", secure + "http: {listen: 127.0.0.1:1, tls: {cert_file: /c}, tokens: [{name: A b}, {name: a, file: /t, clusters: [other]}, {name: a, file: /t, clusters: ['*'], namespaces: [x], import: true}]}", []string{
			`k.yaml:11: http.tokens[0].name: "A b" is no name; write lower-case letters, digits, - and . (not at the ends), 63 at most`,
			"k.yaml:11: http.tokens[0].file: is empty; name the file that holds the token",
			`k.yaml:11: http.tokens[0].clusters: is empty; list clusters, or write ["*"] for all of them`,
			`k.yaml:11: http.tokens[1].clusters[0]: "other" is not under clusters; add it there, or name one of them: "prod", "lab.eu-1", "lab"`,
			`k.yaml:11: http.tokens[2].name: "a" is there before; give each token a name of its own`,
			"k.yaml:11: http.tokens[2].import: is of no use with namespaces: what is put in is of all of them; take one of the two away",
			"k.yaml:11: http.tls: has one of cert_file and key_file; name both, or none",
		}},
		{"store", insecure + "store: {free_floor: 512MiB, keep_free: 512MiB, sync_every: 30s, retention: 1h}", []string{
			`k.yaml:2: store.retention: 1h is too little; write 24h or more`,
			`k.yaml:2: store.free_floor: 512MiB is not less than spool.free_floor, 512MiB: a full log could not be taken by the store; write less, or 0 for half of that`,
			`k.yaml:2: store.keep_free: 512MiB is not more than spool.free_floor, 512MiB: old days would go too late to make room for the durable log; write more, or 0 for twice that`,
			`k.yaml:2: store.sync_every: 30s is not less than spool.ack_wait, 30s`,
		}},
		{"cloud logging", insecure + `cloudlogging: {resources: [acme, projects/p, folders/1, projects/p], filter: 'a=1) OR (b=2', poll: 10ms, overlap: 10s}`, []string{
			`k.yaml:2: cloudlogging.poll: 10ms is too little; write 1s or more`,
			`k.yaml:2: cloudlogging.overlap: 10s is too little; write 1m or more`,
			`k.yaml:2: cloudlogging.resources[0]: "acme" names nothing that has logs; write projects/ID, folders/NUMBER, organizations/NUMBER, billingAccounts/ID, or a view of a log bucket, projects/ID/locations/LOCATION/buckets/BUCKET/views/VIEW`,
			`k.yaml:2: cloudlogging.resources[3]: "projects/p" is there before; name a resource once`,
			`k.yaml:2: cloudlogging.filter: cannot stand beside ours: the parenthesis at byte 4 closes nothing`,
		}},
		{"half of TLS", insecure + "outputs: {http: {url: 'https://h', cert_file: /c}}", []string{
			"outputs.http.key_file: is empty though cert_file is set; name the file of its key",
		}},
		{"other half of TLS", strings.Replace(secure, "cert_file: /c, ", "", 1), []string{
			"webhook.tls.cert_file: is empty though key_file is set; name the file of its certificate",
			"k.yaml:4: webhook.tls.client_ca_file: means nothing without TLS; set cert_file and key_file",
		}},
		{"certificate without authority", strings.Replace(secure, ", client_ca_file: /ca", "", 1), []string{
			"k.yaml:7: webhook.credentials[1].certificate_name: needs webhook.tls.client_ca_file; name the file of the authorities that sign certificates of clients",
		}},
		{"credentials", secure[:strings.Index(secure, "  credentials")] + `  credentials:
  - {name: A, token_file: /t, path_secret_file: /p, clusters: [prod, prod]}
  - {name: b, clusters: []}
  - {name: b, token_file: /t, clusters: ["*", prod, nope]}
clusters: [{name: prod}]`, []string{
			`k.yaml:6: webhook.credentials[0].name: "A" is no name of a credential; write lower-case letters, digits, - and . (not at the ends), 63 at most`,
			"k.yaml:6: webhook.credentials[0]: has 2 of token_file, certificate_name and path_secret_file; set exactly one",
			`k.yaml:6: webhook.credentials[0].clusters[1]: "prod" is there before; take it away`,
			"k.yaml:7: webhook.credentials[1]: has 0 of token_file, certificate_name and path_secret_file; set exactly one",
			"k.yaml:7: webhook.credentials[1].clusters: is empty; list the clusters that may be sent for, or * for all that are listed",
			`k.yaml:8: webhook.credentials[2].name: "b" is listed before; give each credential its own name`,
			"k.yaml:8: webhook.credentials[2].clusters[0]: * is all clusters; take the others away",
			`k.yaml:8: webhook.credentials[2].clusters[2]: "nope" is not under clusters; add it there, or name one of them: "prod"`,
		}},
		{"default cluster", insecure + "clusters: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}, {name: f}]\ntail: [{file: /a}]", []string{
			"k.yaml:3: tail[0].cluster: is empty, and there is no webhook.default_cluster; name the cluster whose log it is",
		}},
		{"unknown default cluster", strings.Replace(secure, "default_cluster: prod", "default_cluster: dev", 1), []string{
			`k.yaml:9: webhook.default_cluster: "dev" is not under clusters; add it there, or name one of them: "prod", "lab.eu-1", "lab"`,
		}},
		{"clusters", insecure + `clusters:
- {name: -a}
- name: a
  labels: [{name: "", value: x}, {name: b}, {name: b}, {name: c, value: "` + strings.Repeat("x", 254) + `"}]
- {name: a, burst: 5}
- {}`, []string{
			`k.yaml:3: clusters[0].name: "-a" is no name of a cluster; write lower-case letters, digits, - and . (not at the ends), 63 at most`,
			`k.yaml:5: clusters[1].labels[0].name: "" is no name of a label; write letters, digits, _, -, . and /, a letter, digit or _ first, 253 at most`,
			`k.yaml:5: clusters[1].labels[2].name: "b" is there before; give a label once`,
			"k.yaml:5: clusters[1].labels[3].value: has 254 bytes; write 253 at most",
			`k.yaml:6: clusters[2].name: "a" is listed before; list a cluster once`,
			"k.yaml:6: clusters[2].burst: means nothing without events_per_second; set that too",
			`k.yaml:7: clusters[3].name: "" is no name of a cluster; write lower-case letters, digits, - and . (not at the ends), 63 at most`,
		}},
		{"tail", "tail:\n- {file: a, cluster: p}\n- {file: /a, cluster: p}\n- {file: /b/../a, cluster: P}\n- {file: /out, cluster: p}\noutputs: {file: {path: /out}}", []string{
			`k.yaml:2: tail[0].file: "a" is not absolute; write the whole path`,
			`k.yaml:4: tail[2].file: "/b/../a" is listed before; list a log once`,
			`k.yaml:4: tail[2].cluster: "P" is no name of a cluster; write lower-case letters, digits, - and . (not at the ends), 63 at most`,
			`k.yaml:5: tail[3].file: "/out" is outputs.file.path too; what is written there would be read again`,
		}},
		{"addresses", "webhook: {insecure: true, listen: localhost}\nhttp: {listen: 127.0.0.1:http}", []string{
			`k.yaml:1: webhook.listen: "localhost" is no address; write host:port, such as 127.0.0.1:9443 or [::1]:9443`,
			`k.yaml:2: http.listen: "127.0.0.1:http" has no port between 0 and 65535; write host:port, such as 127.0.0.1:9443`,
		}},
		{"more addresses", "webhook: {insecure: true, listen: 'a b:1'}\nhttp: {listen: '127.0.0.1:65536'}", []string{
			`k.yaml:1: webhook.listen: "a b:1" has no host that could be one; write an IP address or a name, or nothing for all addresses`,
			`k.yaml:2: http.listen: "127.0.0.1:65536" has no port between 0 and 65535; write host:port, such as 127.0.0.1:9443`,
		}},
		{"health for all", insecure + "http:\n  listen: ':8080'", []string{
			`k.yaml:3: http.listen: ":8080" can be reached by others; write 127.0.0.1:8080, or set http.allow_remote: true`,
		}},
		{"one address twice", insecure + "http: {listen: 127.0.0.1:9443}", []string{
			`k.yaml:2: http.listen: "127.0.0.1:9443" is webhook.listen too; write another port`,
		}},
		{"words", insecure + "rules: {matching: some, paths: ['']}\nlog: {level: loud, format: xml}\noutputs: {stdout: {format: json}}", []string{
			`k.yaml:2: rules.matching: "some": write all or first`,
			`k.yaml:3: log.level: "loud": write debug, info, warn or error`,
			`k.yaml:3: log.format: "xml": write text or json`,
			`k.yaml:4: outputs.stdout.format: "json": write falco-json, text or answer`,
			"k.yaml:2: rules.paths[0]: is empty; write something or take it away",
		}},
		{"spool", insecure + `
spool:
  url: http://me:s3cret@h
  replicas: 0
  stream: a b
  max_bytes: 0
  max_payload: 1MiB
  max_record: 64KiB
  group_wait: 11s
  retry_after: 1m`, []string{
			"k.yaml:5: spool.replicas: 0 is too little; write 1 or more",
			"k.yaml:7: spool.max_bytes: 0 is too little; write 1MiB or more",
			`k.yaml:6: spool.stream: "a b" is no name of a stream; write letters, digits, - and _, 64 at most`,
			`k.yaml:4: spool.url: "http://***@h" is no list of NATS servers; write nats://host:4222 or tls://host:4222, several with commas and without spaces`,
			"k.yaml:9: spool.max_record: 64KiB is below spool.max_payload, 1MiB; write more",
			"k.yaml:9: spool.max_record: 64KiB is below webhook.max_body, 64MiB: such a body could never be stored; write more, or lower that",
			"k.yaml:10: spool.group_wait: 11s is above spool.append_timeout, 10s; write some milliseconds",
			"k.yaml:11: spool.retry_after: 1m is longer than an API server waits before it gives an attempt up; write 25s at most",
		}},
		{"replicas of nobody", insecure + "spool: {replicas: 3}", []string{"k.yaml:2: spool.replicas: 3: the embedded log has one; set spool.url, or write 1"}},
		{"outputs", insecure + `
outputs:
  file: {path: out.json}
  http:
    url: ftp://me:s3cret@h
    timeout: 0s
    headers:
    - {name: "Authorization: Bearer s3cret", value_file: /v}
    - {name: content-type, value_file: /v}
    - {name: user-agent, value_file: /v}
    - {name: X-A, value_file: /v}
    - {name: x-a}`, []string{
			"k.yaml:7: outputs.http.timeout: 0s is too little; write 1ms or more",
			`k.yaml:4: outputs.file.path: "out.json" is not absolute; write the whole path`,
			`k.yaml:6: outputs.http.url: "ftp://***@h" is no URL to post to; write http://host:port/path or https://host/path`,
			"k.yaml:9: outputs.http.headers[0].name: is no name of a header; write letters, digits and -, and the value into a file",
			`k.yaml:10: outputs.http.headers[1].name: "content-type" is set by the output itself; take it away`,
			`k.yaml:11: outputs.http.headers[2].name: "user-agent" has a setting of its own; write outputs.http.user_agent`,
			`k.yaml:13: outputs.http.headers[4].name: "x-a" is there before; give a header once`,
			"k.yaml:13: outputs.http.headers[4].value_file: is empty; name the file that holds the value",
		}},
		{"Elasticsearch", insecure + `
outputs:
  elasticsearch:
    nodes: ['https://me:secret@h:9200', 'http://h', 'h:9200']
    cloud_id: x
    api_key_file: /k
    username: me
    ca_file: /ca
    cert_file: /c
    namespace: my-team
    trusted_proxies: [10.0.0.0/8, 10.1.2.3, proxy]
    bulk_bytes: 4MiB
    memory: 5MiB
    kibana_url: https://me@h/s/x
    page_url: https://h?x=secret`, []string{
			`k.yaml:5: outputs.elasticsearch.nodes[0]: "https://***@h:9200" is no URL of a node; write https://host:9200, and user and password, or an API key, into settings of their own`,
			"k.yaml:5: outputs.elasticsearch.nodes[1]: is plain HTTP, which uses no certificates; write https://, or take ca_file, cert_file and key_file away",
			`k.yaml:5: outputs.elasticsearch.nodes[2]: "***" is no URL of a node; write https://host:9200, and user and password, or an API key, into settings of their own`,
			"k.yaml:6: outputs.elasticsearch.cloud_id: is set, and nodes are; give one of them",
			"k.yaml:7: outputs.elasticsearch.api_key_file: is set, and username or password_file is; give one of them",
			"outputs.elasticsearch.key_file: is empty though cert_file is set; name the file of its key",
			`k.yaml:11: outputs.elasticsearch.namespace: "my-team": write lower-case letters, digits, _ and ., 100 at most`,
			`k.yaml:12: outputs.elasticsearch.trusted_proxies[2]: "proxy" is neither an address nor a network; write 10.1.2.3 or 10.0.0.0/8`,
			"k.yaml:14: outputs.elasticsearch.memory: is less than twice bulk_bytes, so that requests wait for each other; write 8MiB or more",
			`k.yaml:15: outputs.elasticsearch.kibana_url: "https://***@h/s/x" is no URL to link to; write https://host, with a path if there is one`,
			`k.yaml:16: outputs.elasticsearch.page_url: "https://h?x=***" is no URL to link to; write https://host, with a path if there is one`,
		}},
		{"half of a user", insecure + "outputs: {elasticsearch: {nodes: ['https://h'], password_file: /p}}", []string{
			"outputs.elasticsearch.username: is empty though password_file is set; name the user",
		}},
		{"certificates for plain HTTP", insecure + "outputs: {http: {url: 'http://h', ca_file: /ca}}", []string{
			"k.yaml:2: outputs.http.url: is plain HTTP, which uses no certificates; write https://, or take ca_file, cert_file and key_file away",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := loadText(t, tt.text)
			require.NoError(t, err)
			got := lines(t, l.Validate())
			assert.Equal(t, tt.want, got)
			assert.NotContains(t, strings.Join(got, "\n"), "s3cret")
		})
	}
}

func TestValidClusterName(t *testing.T) {
	for _, good := range []string{"a", "0", "prod", "prod-eu.1", "a.b", strings.Repeat("x", 63)} {
		assert.True(t, ValidClusterName(good), good)
	}
	for _, bad := range []string{"", "-", "a-", ".a", "A", "a_b", "a/b", "a b", "ä", "a\n", strings.Repeat("x", 64)} {
		assert.False(t, ValidClusterName(bad), bad)
	}
}
